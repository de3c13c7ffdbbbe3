"""Amounts as charts draw them: in the currency of reports, as far as its rates are known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from llmops_pipelines.finance.rates import rates_of
from llmops_pipelines.finance.settings import USD, Finance

_INTERVAL: Final = ("expected", "low_80", "high_80", "low_95", "high_95")
_AMOUNTS: Final = (
    *("spent", "at_least", "amount", "before", "after"),
    *_INTERVAL,
    *(f"month_{end}" for end in _INTERVAL),
)
"""Of past spend, forecasts and drivers, in dollars."""


def drawn_rate(day: date, rules: Finance) -> tuple[str, Decimal]:
    """The currency that a chart of ``day`` is drawn in and its units for a dollar.

    Dollars where the day has no rate.
    """
    rate = rates_of([day], rules)["rate"][0]
    return (USD, Decimal(1)) if rate is None else (rules.report_currency, rate)


def drawn_spend(converted: pl.DataFrame, currency: str) -> tuple[pl.DataFrame, str]:
    """Rows with ``cost`` and ``cost_report`` as they are drawn, and the currency of that.

    Each day is at its own rate; all stay in dollars where the rate of one is not known, for bars of
    two currencies cannot stand side by side.
    """
    unrated = pl.col("cost").is_not_null() & pl.col("cost_report").is_null()
    if currency == USD or converted.select(unrated.any()).item():
        return converted, USD
    return converted.with_columns(cost="cost_report"), currency


def drawn_at(frame: pl.DataFrame, per_usd: Decimal) -> pl.DataFrame:
    """A frame of past spend, of a forecast or of drivers with its amounts times ``per_usd``."""
    amounts = [name for name in _AMOUNTS if name in frame.columns]
    return frame.with_columns(pl.col(amounts).cast(pl.Float64) * float(per_usd))
