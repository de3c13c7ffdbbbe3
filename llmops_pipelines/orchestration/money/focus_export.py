"""The cost table as a FOCUS data set: days from the lake, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from llmops_pipelines import focus, pricing
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, PRICE_BOOK


class FocusExport(NamedTuple):
    """A data set, and what its calls cost."""

    rows: pl.DataFrame
    spent: Decimal
    """Sum over ``CALL_COSTS``, in US dollars."""
    unpriced_calls: int
    """Successful calls without a known cost: no rows, because they are not free."""

    @property
    def billed(self) -> Decimal:
        """Sum of ``BilledCost``."""
        return Decimal(self.rows["BilledCost"].sum() or 0)


def focus_export(lake: Lake, days: Sequence[date], account: str) -> FocusExport:
    """The calls of ``days`` as FOCUS charges of the billing account ``account``."""
    book, catalogue = lake.read(PRICE_BOOK), pricing.price_book(pricing.PriceOverrides())
    parts, spent, unpriced = [], Decimal(0), 0
    for day in days:
        costs = lake.read(CALL_COSTS, [day])
        calls = lake.scan(LLM_CALLS, [day]).select(focus.CALL_COLUMNS).collect()
        parts.append(focus.charges(calls, costs, book, catalogue, day, account))
        spent += Decimal(costs["cost"].sum() or 0)
        unpriced += costs.filter(pl.col("cost").is_null(), status="ok").height
    return FocusExport(pl.concat(parts), spent, unpriced)
