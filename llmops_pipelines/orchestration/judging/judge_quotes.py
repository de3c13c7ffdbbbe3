"""Quotes on record: written before a run spends, held against what it spent afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_QUOTES

_RECENT_DAYS = 14
"""Days whose calls tell how long the next ones take."""


def recent_calls(lake: Lake) -> pl.DataFrame:
    """``spec_id``, ``outcome`` and ``latency_ms`` of the last judged days."""
    days = lake.days(JUDGE_CALLS)[-_RECENT_DAYS:]
    return lake.scan(JUDGE_CALLS, days).select("spec_id", "outcome", "latency_ms").collect()


def expected_seconds(found: judging.Quote, pace: judging.Pace, calls: pl.DataFrame) -> float | None:
    """How long the calls of a quote take at the pace that runs are set to."""
    return judging.expected_seconds(
        found.calls,
        found.input_tokens + found.output_tokens,
        latency_ms=judging.past_latency(calls, found.spec_id),
        concurrency=pace.in_flight,
        calls_per_minute=pace.requests_per_minute,
        tokens_per_minute=pace.tokens_per_minute,
    )


def record_quote(
    lake: Lake,
    found: judging.Quote,
    pace: judging.Pace,
    *,
    day: date,
    run_id: str,
    quoted_at: datetime,
) -> None:
    """Put ``found`` on record; called before anything is sent."""
    quote_id = uuid4().hex
    row = judging.quote_row(
        found,
        quote_id=quote_id,
        run_id=run_id,
        seconds=expected_seconds(found, pace, recent_calls(lake)),
        quoted_at=quoted_at,
    )
    lake.append(JUDGE_QUOTES, judging.quote_frame([row]), name=quote_id, day=day)


def errors(lake: Lake) -> pl.DataFrame:
    """How far every judge's quotes were from what was spent, over all days that have any.

    Returns:
        ``judging.QUOTE_ERRORS``.
    """
    days = lake.days(JUDGE_QUOTES)
    return judging.quote_errors(
        lake.read(JUDGE_QUOTES, days),
        lake.scan(JUDGE_CALLS, days)
        .select(
            "day", "spec_id", "item_digest", "step", "input_tokens", "output_tokens", "cost",
            "asked_at", "batch",
        )
        .collect(),
    )  # fmt: skip


def quotes_of(lake: Lake, day: date, run_id: str) -> Mapping[str, Any]:
    """What a run quoted for a day, as figures to show beside what it made of it."""
    quotes = lake.read(JUDGE_QUOTES, [day]).filter(pl.col("run_id") == run_id)
    if quotes.is_empty():
        return {}
    shown = quotes.drop("day", "quote_id", "run_id").sort("metric", "quoted_at")
    return {"quotes": [_plain(row) for row in shown.to_dicts()]}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON knows; dollars as numbers, since they are shown and not added up."""
    return {
        name: value
        if value is None or isinstance(value, int | float | str)
        else float(value)
        if name.startswith("usd")
        else str(value)
        for name, value in row.items()
    }
