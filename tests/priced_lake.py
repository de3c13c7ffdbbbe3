"""A lake whose calls are priced and cubed, without a night: what reports of money are read from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines import cost
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.tables import CALL_COSTS, COST_CUBE, JUDGE_CALLS, LLM_CALLS, PRICE_BOOK
from tests.pricing.factories import at, calls


def priced_lake(
    root: Path, rows: Iterable[dict[str, Any]], judge_calls: Iterable[dict[str, Any]] = ()
) -> Lake:
    """The lake in the data folder ``root`` with these rows of ``LLM_CALLS``, day by day."""
    lake = resources_of(Settings(data=root)).lake.open()
    book = price_book(PriceOverrides())
    lake.write(PRICE_BOOK, book)
    logged = calls(*rows)
    for (day,), own in logged.group_by(pl.col("started_at").dt.date()):
        priced = price_calls(own, book)
        lake.write(LLM_CALLS, own, day=day)
        lake.write(CALL_COSTS, priced, day=day)
        lake.write(COST_CUBE, cost.cost_cube(own, priced), day=day)
    for number, row in enumerate(judge_calls):
        frame = pl.DataFrame([row], schema=JUDGE_CALLS.schema)
        lake.append(JUDGE_CALLS, frame, name=f"part-{number}", day=row["asked_at"].date())
    return lake


def judge_call(number: int, **fields: Any) -> dict[str, Any]:
    """One row of ``JUDGE_CALLS`` that a model was paid for."""
    return {
        **dict.fromkeys(JUDGE_CALLS.schema.names()),
        "attempt_id": f"a-{number}",
        "spec_id": "s",
        "item_digest": "d",
        "repetition": 0,
        "call_id": "c",
        "step": "verdict",
        "outcome": "ok",
        "model_served": "gpt-4.1-mini-2025-04-14",
        "asked_at": at("2026-11-11 01:00"),
        **fields,
    }
