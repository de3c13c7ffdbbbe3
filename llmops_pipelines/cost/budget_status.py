"""What was spent of every budget, and whether the month will keep to it."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from llmops_pipelines.cost.amounts import Rate
from llmops_pipelines.cost.budgets import DAY, MONTH, Allowance, Budgets, allowances, first_day
from llmops_pipelines.cost.forecast import month_end
from llmops_pipelines.cost.history import is_unlogged
from llmops_pipelines.cost.scopes import FEATURE, SCOPE, TEAM, TOTAL, by_scope
from llmops_pipelines.tables import BUDGET_STATUS, COST_FORECAST, MONEY

_FILE: Final = "data/reference/budgets.yaml"
_PERIOD: Final = (*SCOPE, "period")


def budget_status(
    spend: pl.DataFrame,
    budgets: Budgets,
    day: date,
    forecast: pl.DataFrame | None = None,
    *,
    zone: str = "UTC",
    rate: Rate = Rate(),  # noqa: B008 - a tuple, which nothing changes
) -> pl.DataFrame:
    """Compare spend with every budget, and name features, or a total, without a daily one.

    ``spent`` is exact, and null where all that could be spent is unknown: successful calls, none of
    them with a price, or a day on which no call of any scope was logged, unless that is the habit
    of its weekday. It is a lower bound wherever ``unpriced_calls`` is not 0. A scope without calls
    on a day on which others had some spent 0. A budget in the report currency is held against spend
    in it, each day at its own rate as in the books; its dollars, at the rate of ``day``, are for
    the forecast.

    Args:
        spend: Rows of ``FEATURE_COSTS``, or what ``BUSINESS_DAYS`` has in common with them, with
            ``day``, of the ``HISTORY_DAYS`` up to ``day``; where a budget is in the report
            currency, with ``cost_report``.
        budgets: What ``budgets.yaml`` says.
        day: Last day of every period, in ``zone`` as all days here.
        forecast: ``COST_FORECAST`` as of ``day``.
        zone: Whose days they are.
        rate: The report currency, and its rate of ``day``.

    Returns:
        ``BUDGET_STATUS``. ``status`` is ``no_data``, with a hint, where budget or spend is unknown;
        there is one, too, where calls without a price are not in ``spent``.
        A feature that is itself called ``total`` appears as ``total (feature)``.
    """
    if "cost_report" not in spend.columns:
        spend = spend.with_columns(cost_report=pl.lit(None, MONEY))
    scopes = by_scope(spend.filter(pl.col("day") <= day))
    wanted = list(allowances(budgets, day, rate))
    daily = {allowance[:2] for allowance in wanted if allowance.period == DAY}
    today = scopes.filter(pl.col("day") == day, pl.col("kind") == FEATURE)
    seen = [(FEATURE, name) for name in today["scope"].unique().sort()] + [(TOTAL, TOTAL)]
    wanted += [Allowance(*scope, DAY, 1, None) for scope in seen if scope not in daily]
    limits = pl.DataFrame(
        [(*allowance, first_day(allowance, day)) for allowance in wanted],
        schema={name: BUDGET_STATUS.schema[name] for name in Allowance._fields}
        | {"since": pl.Date},
        orient="row",
    )
    spent = (
        limits.join(scopes, on=SCOPE, how="left")
        .filter(pl.col("day").is_null() | (pl.col("day") >= pl.col("since")))
        .group_by(_PERIOD)
        .agg(**_SPEND)
    )
    rated = pl.when(pl.col("currency") == rate.currency)
    known = _ALLOWED.is_not_null() & _SPENT.is_not_null()
    otherwise = [
        scope for kind, scope, _ in budgets.scopes() if kind != TEAM and (kind, scope) not in daily
    ]
    unlogged = (pl.col("period") == DAY) & is_unlogged(spend, day)
    quiet = pl.when(unlogged).then(None).when(pl.col("unpriced_calls").is_null()).then(0)
    return BUDGET_STATUS.require(
        limits.join(spent, on=_PERIOD, how="left")
        .with_columns(
            spent=quiet.otherwise("spent").cast(MONEY),
            spent_report=rated.then(quiet.otherwise("spent_report")).cast(MONEY),
            unpriced_calls=pl.col("unpriced_calls").fill_null(0),
            business_day=pl.lit(day),
            report_timezone=pl.lit(zone),
            **{
                name: rated.then(pl.lit(getattr(rate, name), BUDGET_STATUS.schema[name]))
                for name in ("rate", "rate_date", "rate_source")
            },
        )
        .join(_month_ends(forecast, day), on=_PERIOD, how="left")
        .with_columns(
            share=pl.when(known).then(_SPENT.cast(pl.Float64) / _ALLOWED.cast(pl.Float64)),
            status=pl.when(~known)
            .then(pl.lit("no_data"))
            .when(_SPENT > _ALLOWED)
            .then(pl.lit("over"))
            .when(pl.col("forecast_low") > pl.col("budget").cast(pl.Float64))
            .then(pl.lit("forecast_over"))
            .otherwise(pl.lit("within")),
            hint=_hint(otherwise, rate.currency),
        )
    )


_IS_REPORT = pl.col("currency").is_not_null()
_ALLOWED = pl.when(_IS_REPORT).then("budget_report").otherwise("budget")
_SPENT = pl.when(_IS_REPORT).then("spent_report").otherwise("spent")
"""What is held against each other: in the currency that the budget is given in."""

_UNRATED = pl.col("cost").is_not_null() & pl.col("cost_report").is_null()
_UNPRICED = pl.col("unpriced_calls").sum()

_SPEND = {
    "spent": pl.when(pl.col("cost").is_not_null().any() | (_UNPRICED == 0))
    .then(pl.col("cost").sum())
    .cast(MONEY),
    "spent_report": pl.when(pl.col("cost").is_not_null().any() | (_UNPRICED == 0))
    .then(pl.when(~_UNRATED.any()).then(pl.col("cost_report").sum()))
    .cast(MONEY),
    "unrated_day": pl.col("day").filter(_UNRATED).min(),
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


def _hint(otherwise: list[str], currency: str) -> pl.Expr:
    """What to add where; ``otherwise`` are the scopes with budgets of other periods."""
    is_missing = ~_IS_REPORT & pl.col("budget").is_null()
    key = (
        pl.when(pl.col("kind") == TOTAL)
        .then(pl.lit("total.daily_usd"))
        .otherwise(pl.format("features.{}.daily_usd", "scope"))
    )
    return (
        pl.when(is_missing & pl.col("scope").is_in(otherwise))
        .then(pl.lit("no budget of the day; those of other periods have rows of their own"))
        .when(is_missing)
        .then(pl.format("no budget: add {} to {}", key, pl.lit(_FILE)))
        .when(pl.col("spent").is_null() & (pl.col("unpriced_calls") == 0))
        .then(pl.lit("no call of any feature was logged on the day: what was spent is not known"))
        .when(pl.col("spent").is_null())
        .then(
            pl.format(
                "none of its {} successful calls has a price: add their models to "
                "data/reference/prices.yaml",
                "unpriced_calls",
            )
        )
        .when(pl.col("currency") != currency)
        .then(
            pl.format(
                "is in {}, but report_currency is {} in data/reference/finance.yaml: give it in "
                "that, or in dollars",
                "currency",
                pl.lit(currency),
            )
        )
        .when(_IS_REPORT & pl.col("spent_report").is_null())
        .then(
            pl.format(
                "no {} rate for what was spent on {}: add it to exchange_rates in "
                "data/reference/finance.yaml",
                "currency",
                "unrated_day",
            )
        )
        .when(pl.col("unpriced_calls") > 0)
        .then(
            pl.format(
                "at least: {} successful calls without a price are not in it; add their models to "
                "data/reference/prices.yaml",
                "unpriced_calls",
            )
        )
    )
