"""Priced calls as literals: only what a test is about is spelled out."""

from datetime import datetime
from decimal import Decimal
from itertools import count

import polars as pl

from llmops_pipelines.tables import CALL_COSTS, TOKEN_BUCKETS

_COUNTER = count()

_USUAL = {
    "started_at": datetime.fromisoformat("2026-11-10 12:00"),
    "feature": "chat",
    "team": "platform",
    "provider": "openai",
    "model": "gpt-4.1",
    "is_batch": False,
    "attempt": 1,
    "status": "ok",
}


def priced(cost="0.01", **fields):
    """One row of CALL_COSTS; ``cost=None`` is a call without a known price."""
    call_id = f"c-{next(_COUNTER):06d}"
    row = dict.fromkeys(CALL_COSTS.schema.names()) | dict.fromkeys(TOKEN_BUCKETS, 0)
    row |= _USUAL | {"call_id": call_id, "trace_id": call_id}
    if cost is None:
        row["unpriced_reason"] = "unknown_model"
    else:
        row["cost"] = Decimal(cost)
    return row | fields


def failed(**fields):
    nothing = dict.fromkeys(TOKEN_BUCKETS)
    return priced(None, status="error", unpriced_reason="no_usage", **nothing) | fields


def costs(*rows):
    return CALL_COSTS.require(pl.DataFrame(list(rows), schema=CALL_COSTS.schema, orient="row"))
