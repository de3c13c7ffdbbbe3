"""What was spent of every budget, and whether the month will keep to it."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from llmops_pipelines.cost.budgets import DAY, MONTH, Allowance, Budgets, allowances, first_day
from llmops_pipelines.cost.forecast import month_end
from llmops_pipelines.cost.scopes import FEATURE, SCOPE, TEAM, TOTAL, by_scope
from llmops_pipelines.tables import BUDGET_STATUS, COST_FORECAST, MONEY

_FILE: Final = "data/reference/budgets.yaml"
_PERIOD: Final = (*SCOPE, "period")


def budget_status(
    feature_costs: pl.DataFrame,
    budgets: Budgets,
    day: date,
    forecast: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compare spend with every budget, and name features, or a total, without a daily one.

    ``spent`` is exact, and null where all that could be spent is unknown: successful calls, none of
    them with a price. It is a lower bound wherever ``unpriced_calls`` is not 0. A scope without
    calls spent 0.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``, of the ``HISTORY_DAYS`` up to ``day``.
        budgets: What ``budgets.yaml`` says.
        day: Last day of every period.
        forecast: ``COST_FORECAST`` as of ``day``.

    Returns:
        ``BUDGET_STATUS``. ``status`` is ``no_data``, with a hint, where budget or spend is unknown.
        A feature that is itself called ``total`` appears as ``total (feature)``.
    """
    spend = by_scope(feature_costs.filter(pl.col("day") <= day))
    wanted = list(allowances(budgets, day))
    daily = {allowance[:2] for allowance in wanted if allowance.period == DAY}
    today = spend.filter(pl.col("day") == day, pl.col("kind") == FEATURE)
    seen = [(FEATURE, name) for name in today["scope"].unique().sort()] + [(TOTAL, TOTAL)]
    wanted += [Allowance(*scope, DAY, 1, None) for scope in seen if scope not in daily]
    limits = pl.DataFrame(
        [(*allowance, first_day(allowance, day)) for allowance in wanted],
        schema={name: BUDGET_STATUS.schema[name] for name in Allowance._fields}
        | {"since": pl.Date},
        orient="row",
    )
    spent = (
        limits.join(spend, on=SCOPE, how="left")
        .filter(pl.col("day").is_null() | (pl.col("day") >= pl.col("since")))
        .group_by(_PERIOD)
        .agg(**_SPEND)
    )
    known = pl.col("budget").is_not_null() & pl.col("spent").is_not_null()
    otherwise = [
        scope
        for kind, scope, budget in budgets.scopes()
        if kind != TEAM and budget.daily_usd is None
    ]
    return BUDGET_STATUS.require(
        limits.join(spent, on=_PERIOD, how="left")
        .with_columns(
            spent=pl.when(pl.col("unpriced_calls").is_null())
            .then(0)
            .otherwise("spent")
            .cast(MONEY),
            unpriced_calls=pl.col("unpriced_calls").fill_null(0),
        )
        .join(_month_ends(forecast, day), on=_PERIOD, how="left")
        .with_columns(
            share=pl.when(known).then(
                pl.col("spent").cast(pl.Float64) / pl.col("budget").cast(pl.Float64)
            ),
            status=pl.when(~known)
            .then(pl.lit("no_data"))
            .when(pl.col("spent") > pl.col("budget"))
            .then(pl.lit("over"))
            .when(pl.col("forecast_low") > pl.col("budget").cast(pl.Float64))
            .then(pl.lit("forecast_over"))
            .otherwise(pl.lit("within")),
            hint=_hint(otherwise),
        )
    )


_UNPRICED = pl.col("unpriced_calls").sum()

_SPEND = {
    "spent": pl.when(pl.col("cost").is_not_null().any() | (_UNPRICED == 0))
    .then(pl.col("cost").sum())
    .cast(MONEY),
    "unpriced_calls": _UNPRICED,
}


def _month_ends(forecast: pl.DataFrame | None, day: date) -> pl.DataFrame:
    """What the month of ``day`` will have cost, by scope."""
    rows = COST_FORECAST.empty() if forecast is None else forecast
    return rows.filter(pl.col("target") == month_end(day)).select(
        *SCOPE,
        period=pl.lit(MONTH),
        forecast="month_expected",
        forecast_low="month_low_80",
        forecast_high="month_high_80",
        forecast_days="history_days",
    )


def _hint(otherwise: list[str]) -> pl.Expr:
    """What to add where; ``otherwise`` are the scopes with budgets of other periods."""
    key = (
        pl.when(pl.col("kind") == TOTAL)
        .then(pl.lit("total.daily_usd"))
        .otherwise(pl.format("features.{}.daily_usd", "scope"))
    )
    return (
        pl.when(pl.col("budget").is_null() & pl.col("scope").is_in(otherwise))
        .then(pl.lit("no budget of the day; those of other periods have rows of their own"))
        .when(pl.col("budget").is_null())
        .then(pl.format("no budget: add {} to {}", key, pl.lit(_FILE)))
        .when(pl.col("spent").is_null())
        .then(
            pl.format(
                "none of its {} successful calls has a price: add their models to "
                "data/reference/prices.yaml",
                "unpriced_calls",
            )
        )
    )
