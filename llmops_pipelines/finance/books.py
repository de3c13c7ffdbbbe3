"""The books: closed months as they were closed, others as they are, and what was booked since."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.tables import MONTHLY_COSTS

ADJUSTMENT: Final = "adjustment"


def booked_lines(
    present: pl.DataFrame, closed: pl.DataFrame, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """The books: closed months as they were closed, others as they are, and adjustments.

    Args:
        present: ``MONTHLY_COSTS`` as ``present_lines`` makes it.
        closed: ``CLOSED_COSTS``.
        adjustments: ``COST_ADJUSTMENTS``.

    Returns:
        ``MONTHLY_COSTS``.
    """
    months = closed["month"].unique().to_list()
    lines = [
        closed.select(MONTHLY_COSTS.schema.names()),
        present.filter(~pl.col("month").is_in(months)),
        _as_lines(adjustments.filter(~pl.col("booked").is_in(months)), _currency(closed)),
    ]
    return MONTHLY_COSTS.require(pl.concat(lines, how="diagonal"))


def _as_lines(adjustments: pl.DataFrame, currency: str) -> pl.DataFrame:
    return adjustments.select(
        "name",
        "team",
        "feature",
        "provider",
        "model",
        month="booked",
        kind=pl.lit(ADJUSTMENT),
        of_month="month",
        calls="difference_calls",
        cost="difference",
        currency=pl.lit(currency),
        rate_source=pl.lit("as closed, and as now"),
        cost_report="difference_report",
        rule=pl.when(pl.col("reason") == "rate_changed")
        .then(_told(currency, "present_report", "closed_report"))
        .otherwise(_told("USD", "present_cost", "closed_cost", "booked_before")),
    )


def _told(currency: str, *figures: str) -> pl.Expr:
    """The reason, and the figures that the difference is made of."""
    words = ("now {}", "closed {}", "booked before {}")
    return pl.format(
        f"{{}} of {{}}, {currency}: {', '.join(words[: len(figures)])}",
        "reason",
        "kind",
        *(pl.col(name).cast(pl.String).fill_null("unknown") for name in figures),
    )


def _currency(closed: pl.DataFrame) -> str:
    """Of the reports; without a closed month there is nothing to adjust, and it does not matter."""
    return str(closed["currency"][0]) if closed.height else ""
