"""Days of spend as literals: ``FEATURE_COSTS`` with ``day``."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.tables import FEATURE_COSTS, TOKEN_BUCKETS

MONDAY = date(2026, 11, 2)
SCHEMA = FEATURE_COSTS.schema | {"day": pl.Date}


def spent(day: date, cost: str | float | None, **fields: Any) -> dict[str, Any]:
    """One feature's calls of a day under one model; ``cost=None`` leaves all without a price."""
    usual = {"feature": "chat", "team": "care", "model": "large", "calls": 100, "errors": 0}
    unpriced = {"unpriced_calls": 100 if cost is None else 0}
    known = None if cost is None else Decimal(str(cost))
    tokens = dict.fromkeys(TOKEN_BUCKETS, 0)
    return tokens | usual | unpriced | {"day": day, "cost": known, "retry_cost": None} | fields


def spending(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows of ``spent`` as one frame."""
    return pl.DataFrame(list(rows), schema=SCHEMA)


def daily(costs: Iterable[str | float | None], first: date = MONDAY, **fields: Any) -> pl.DataFrame:
    """One row a day from ``first`` on; a day whose cost is ``""`` has no row at all."""
    return spending(
        spent(first + timedelta(days=at), cost, **fields)
        for at, cost in enumerate(costs)
        if cost != ""
    )
