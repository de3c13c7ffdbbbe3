"""What each month cost, as the calls and finance.yaml say now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import polars as pl

from llmops_pipelines.finance.allocation import charge_lines
from llmops_pipelines.finance.days import COUNTS, known_sum, month_of, owned
from llmops_pipelines.finance.rates import RATED, converted, rates_of
from llmops_pipelines.finance.settings import Finance
from llmops_pipelines.tables import MONTHLY_COSTS

USAGE: Final = "usage"

_BY: Final = ("month", "team", "feature", "provider", "model", *RATED)


def present_lines(days: pl.DataFrame, finance: Finance, today: date) -> pl.DataFrame:
    """Every month from that of the first call to the present one, as it would be closed now.

    Usage is converted at the rate of its day, so a month has a row per rate. Fees, credits and
    shared costs are converted at the rate of the month's first day.

    Args:
        days: ``BUSINESS_DAYS``.
        finance: What ``finance.yaml`` says.
        today: The business's day.

    Returns:
        ``MONTHLY_COSTS`` without adjustments.
    """
    usage = _usage(days, finance)
    if usage.is_empty():
        return MONTHLY_COSTS.empty()
    months = list(_months(str(usage["month"].min()), month_of(today)))
    charges = list(finance.charges())
    rows = [
        row
        for month in months
        for row in charge_lines(usage.filter(pl.col("month") == month), month, charges)
    ]
    blank = dict.fromkeys(MONTHLY_COSTS.schema.names())
    beside = pl.DataFrame([blank | row for row in rows], schema=MONTHLY_COSTS.schema).drop(
        *RATED, "cost_report"
    )
    firsts = {month: date.fromisoformat(f"{month}-01") for month in months}
    rates = rates_of(list(firsts.values()), finance).select(
        pl.Series("month", list(firsts)), *RATED
    )
    lines = [usage, converted(beside.join(rates, on="month", how="left"))]
    return MONTHLY_COSTS.require(
        pl.concat(lines, how="diagonal").with_columns(currency=pl.lit(finance.report_currency))
    )


def _usage(days: pl.DataFrame, finance: Finance) -> pl.DataFrame:
    rates = rates_of(days["business_day"].unique().sort().to_list(), finance)
    return converted(
        owned(days, finance.ownership)
        .join(rates, on="business_day", how="left")
        .group_by(pl.col("business_day").dt.strftime("%Y-%m").alias("month"), *_BY[1:])
        .agg(*(pl.col(name).sum() for name in COUNTS), cost=known_sum("cost"))
        .with_columns(kind=pl.lit(USAGE))
    )


def _months(first: str, last: str) -> Iterator[str]:
    month = first
    while month <= last:
        yield month
        month = month_of(date.fromisoformat(f"{month}-28") + timedelta(days=4))
