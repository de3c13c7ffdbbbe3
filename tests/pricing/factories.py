"""Calls as literals: only what a test is about is spelled out."""

from datetime import datetime
from importlib.metadata import version
from io import BytesIO
from itertools import count

import polars as pl

from llmops_pipelines.tables import LLM_CALLS, TOKEN_BUCKETS

CATALOGUE = f"genai-prices {version('genai-prices')}"

_COUNTER = count()


def at(text):
    """A moment, naive UTC."""
    return datetime.fromisoformat(text)


_USUAL = {
    "started_at": at("2026-11-10 12:00"),
    "feature": "chat",
    "team": "platform",
    "provider": "openai",
    "model": "gpt-4.1",
    "is_batch": False,
    "attempt": 1,
    "status": "ok",
    "context_count": 0,
    "redactions": 0,
    "source_format": "openai",
    "source_file": "calls.jsonl",
    "source_line": 1,
    "record_digest": "0" * 32,
}


def call(*, usage=True, **fields):
    """One row of LLM_CALLS; tokens not named are 0, or null with ``usage=False``."""
    call_id = fields.get("call_id", f"c-{next(_COUNTER):06d}")
    row = {
        column.name: list(column.default) if isinstance(column.default, tuple) else column.default
        for column in LLM_CALLS.columns
    }
    row |= dict.fromkeys(TOKEN_BUCKETS, 0 if usage else None)
    return row | _USUAL | {"call_id": call_id, "trace_id": call_id} | fields


def calls(*rows):
    return LLM_CALLS.require(pl.DataFrame(list(rows), schema=LLM_CALLS.schema, orient="row"))


def parquet_bytes(frame):
    """The frame as the lake would store it."""
    file = BytesIO()
    frame.write_parquet(file)
    return file.getvalue()
