"""What has changed of closed months: the closed figure stays, the difference is booked, dated."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import polars as pl

from llmops_pipelines.finance.books import ADJUSTMENT
from llmops_pipelines.finance.days import known_sum, month_of
from llmops_pipelines.finance.months import USAGE
from llmops_pipelines.tables import COST_ADJUSTMENTS, MONEY

_LINE: Final = ("month", "kind", "name", "team", "feature", "provider", "model")
_OWNERS_OF: Final = ("month", "kind", "feature", "provider", "model")
_FIGURES: Final = ("calls", "cost", "cost_report")
_DIFFERENCES: Final = {
    "calls": "difference_calls",
    "cost": "difference",
    "cost_report": "difference_report",
}


def cost_adjustments(
    present: pl.DataFrame,
    closed: pl.DataFrame,
    known: pl.DataFrame,
    *,
    today: date,
    now: datetime,
) -> pl.DataFrame:
    """How closed months differ from what they would be now, less what is booked already.

    Rows booked in earlier months stand as they are; those of the present month are found anew, so
    that a difference that went away before its month was over is none.

    Args:
        present: ``MONTHLY_COSTS`` as ``present_lines`` makes it.
        closed: ``CLOSED_COSTS``.
        known: ``COST_ADJUSTMENTS`` as stored.
        today: The business's day: its month is where differences are booked.
        now: When they are found, UTC.

    Returns:
        ``COST_ADJUSTMENTS``.
    """
    booked = month_of(today)
    before = known.filter(pl.col("booked") < booked)
    months = closed["month"].unique().to_list()
    found = _compared(
        present.filter(pl.col("month").is_in(months)),
        closed.filter(pl.col("kind") != ADJUSTMENT),
        before,
    )
    seen = known.filter(pl.col("booked") == booked).select(*_LINE, "first_seen")
    rows = (
        found.filter(pl.any_horizontal(pl.col(name) != 0 for name in _DIFFERENCES.values()))
        .join(seen, on=_LINE, how="left", nulls_equal=True)
        .with_columns(
            booked=pl.lit(booked),
            reason=_reason(),
            first_seen=pl.col("first_seen").fill_null(pl.lit(now).cast(pl.Datetime("us"))),
        )
    )
    columns = COST_ADJUSTMENTS.schema.names()
    return COST_ADJUSTMENTS.require(pl.concat([before.select(columns), rows.select(columns)]))


def _compared(present: pl.DataFrame, closed: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """All rows of either side, with the figures of both, what is booked, and the differences."""
    booked = before.group_by(_LINE).agg(
        **{f"{name}_booked": pl.col(column).sum() for name, column in _DIFFERENCES.items()}
    )
    both = (
        _figures(present, "present")
        .join(_figures(closed, "closed"), on=_LINE, how="full", coalesce=True, nulls_equal=True)
        .join(booked, on=_LINE, how="full", coalesce=True, nulls_equal=True)
    )
    zero = {
        f"{name}_{side}": pl.col(f"{name}_{side}").fill_null(0)
        for name in _FIGURES
        for side in ("present", "closed", "booked")
    }
    known = both.select(
        *_LINE,
        closed_cost="cost_closed",
        present_cost="cost_present",
        closed_report="cost_report_closed",
        present_report="cost_report_present",
    )
    differences = both.select("unrated_present", **zero).select(
        "unrated_present",
        booked_before=pl.col("cost_booked").cast(MONEY),
        **{
            column: (
                pl.col(f"{name}_present") - pl.col(f"{name}_closed") - pl.col(f"{name}_booked")
            ).cast(COST_ADJUSTMENTS.schema[column])
            for name, column in _DIFFERENCES.items()
        },
    )
    # Dollars without a rate are some amount in the other currency that nobody knows, and not 0.
    rated = pl.when(pl.col("unrated_present").fill_null(value=False).not_())
    return known.hstack(
        differences.with_columns(difference_report=rated.then("difference_report")).drop(
            "unrated_present"
        )
    )


def _figures(lines: pl.DataFrame, side: str) -> pl.DataFrame:
    return lines.group_by(_LINE).agg(
        **{
            f"calls_{side}": pl.col("calls").sum(),
            f"cost_{side}": known_sum("cost"),
            f"cost_report_{side}": known_sum("cost_report"),
            f"unrated_{side}": (
                pl.col("cost").is_not_null() & pl.col("cost_report").is_null()
            ).any(),
        }
    )


def _reason() -> pl.Expr:
    """The likely reason: what moved between teams or shares leaves their sum as it is."""
    calls, cost = pl.col("difference_calls"), pl.col("difference")
    all_calls = calls.sum().over(_OWNERS_OF)
    all_cost = cost.sum().over("month", "kind", "name")
    return (
        pl.when(pl.col("kind") != USAGE)
        .then(
            pl.when(cost == 0)
            .then(pl.lit("rate_changed"))
            .when(all_cost == 0)
            .then(pl.lit("reallocated"))
            .otherwise(pl.lit("charge_changed"))
        )
        .when((calls != 0) & (calls.sign() != all_calls.sign()))
        .then(pl.lit("reassigned_owner"))
        .when(calls > 0)
        .then(pl.lit("late_calls"))
        .when(calls < 0)
        .then(pl.lit("erased"))
        .when(cost != 0)
        .then(pl.lit("repriced"))
        .otherwise(pl.lit("rate_changed"))
    )


def closed_otherwise(closed: pl.DataFrame, timezone: str, currency: str) -> pl.DataFrame:
    """Closed months of another time zone or currency: ``month``, and its zone and currency.

    Args:
        closed: ``CLOSED_COSTS``.
        timezone: The present ``report_timezone``.
        currency: The present ``report_currency``.
    """
    return (
        closed.filter((pl.col("report_timezone") != timezone) | (pl.col("currency") != currency))
        .select("month", "report_timezone", "currency")
        .unique()
        .sort("month")
    )
