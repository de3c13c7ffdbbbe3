"""Dollars in the currency of the reports, at a dated rate."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

import polars as pl

from llmops_pipelines.finance.settings import USD, Finance
from llmops_pipelines.tables import MONEY
from llmops_pipelines.tables.finance import RATE

PICO: Final = Decimal("0.000000000001")
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)

RATED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "rate": RATE,
    "rate_date": pl.Date,
    "rate_source": pl.String,
}


def rates_of(days: list[date], finance: Finance) -> pl.DataFrame:
    """The rate of each day: its own, or the latest before it that is not too old.

    Returns:
        ``business_day`` and ``RATED``: units of the report currency for one US dollar, its day and
        source; null where there is none. A dollar is one dollar, of no day.
    """
    rates = sorted(
        (rate for rate in finance.exchange_rates if rate.currency == finance.report_currency),
        key=lambda rate: rate.date,
    )
    dates, age = [rate.date for rate in rates], timedelta(days=finance.max_rate_age_days)
    rows: list[tuple[object, ...]] = []
    for day in days:
        if finance.report_currency == USD:
            rows.append((day, Decimal(1), None, "US dollars"))
            continue
        place = bisect_right(dates, day) - 1
        if place < 0 or day - dates[place] > age:
            rows.append((day, None, None, None))
        else:
            rate = rates[place]
            rows.append((day, rate.per_usd, rate.date, rate.source))
    return pl.DataFrame(rows, schema=pl.Schema({"business_day": pl.Date, **RATED}), orient="row")


def converted(lines: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with ``cost_report``: cost times rate, rounded half to even at 12 decimals."""
    amounts = [
        None if cost is None or rate is None else _EXACT.quantize(_EXACT.multiply(cost, rate), PICO)
        for cost, rate in lines.select("cost", "rate").iter_rows()
    ]
    return lines.with_columns(pl.Series("cost_report", amounts, MONEY))
