"""What the assets of caches and batches show of themselves in the Dagster UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines.adapters.charting.batch_chart import batch_bars
from llmops_pipelines.adapters.charting.charts import png_markdown
from llmops_pipelines.adapters.charting.prefix_chart import prompt_cache_bars

_CACHE = (
    "feature", "prompt_version", "provider", "model", "state", "reason", "main_reason",
    "arrangement", "calls", "left_out", "prompt_tokens", "read", "could_read", "saved",
    "saved_low", "saved_high",
    "saved_a_year", "saved_a_year_low", "saved_a_year_high", "already_saved", "reorder_saved",
    "volatile_shape", "volatile_after",
)  # fmt: skip
_BATCH = (
    "feature", "kind", "state", "reason", "evidence", "calls", "already_batch", "repriced",
    "no_batch_price", "paid",
    "saved", "saved_low", "saved_high", "saved_a_year", "saved_a_year_low", "saved_a_year_high",
    "continued_share",
)  # fmt: skip


def of_prompt_cache(rows: pl.DataFrame) -> Mapping[str, Any]:
    """What could be read, what was, why not the rest, and what it is worth."""
    if rows.is_empty():
        return {"prompts": "no successful call of the last days has a prompt with tokens and text"}
    return {
        "prompts": _told(rows, _CACHE),
        "quality": "the same: the model sees the same prompts; another order of parts wants a test",
        "chart": dg.MetadataValue.md(png_markdown(prompt_cache_bars(rows))),
    }


def of_batches(rows: pl.DataFrame) -> Mapping[str, Any]:
    """What batches would save, marked and detected features apart."""
    if rows.is_empty():
        return {"batches": "no successful call in the last days"}
    return {
        "batches": _told(rows, _BATCH),
        "quality": "the same answers, within 24 hours; continued_share of calls had somebody wait",
        "chart": dg.MetadataValue.md(png_markdown(batch_bars(rows))),
    }


def _told(rows: pl.DataFrame, columns: tuple[str, ...]) -> dg.JsonMetadataValue:
    money = pl.col(pl.Decimal).cast(pl.Float64)
    return dg.MetadataValue.json(rows.select(columns).with_columns(money).to_dicts())
