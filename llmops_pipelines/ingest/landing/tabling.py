"""Landed rows as tables per event day."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from llmops_pipelines.ingest.landing.parts import Part
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
    LANDED_STEPS,
    STEP_TEXTS,
    Table,
)

LANDED_TABLES: Final = (
    LANDED_CALLS,
    CALL_TEXTS,
    LANDED_STEPS,
    STEP_TEXTS,
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
)
"""The tables that landing writes."""


def landed_tables(part: Part) -> dict[str, dict[date, pl.DataFrame]]:
    """The tables of ``part`` by name and day; a table without rows is left out.

    Args:
        part: Rows with their ``batch``, rejections with their ``day``.
    """
    own = pl.col("started_at").dt.date()
    frames = {
        LANDED_CALLS: (part.calls, own),
        CALL_TEXTS: (_texts(part.calls), own),
        LANDED_STEPS: (part.steps, own),
        STEP_TEXTS: (_documents(part.steps), own),
        LANDED_FEEDBACK: (part.feedback, pl.col("given_at").dt.date()),
        LANDED_REJECTIONS: (part.rejected, pl.col("day")),
    }
    tables = {table.name: _by_day(table, frame, day) for table, (frame, day) in frames.items()}
    return {name: days for name, days in tables.items() if days}


def _texts(calls: pl.DataFrame) -> pl.DataFrame:
    return calls if calls.is_empty() else calls.filter(pl.col("content_digest").is_not_null())


def _documents(steps: pl.DataFrame) -> pl.DataFrame:
    return steps if steps.is_empty() else steps.filter(pl.col("contexts").list.len() > 0)


def _by_day(table: Table, frame: pl.DataFrame, day: pl.Expr) -> dict[date, pl.DataFrame]:
    if frame.is_empty():
        return {}
    days = frame.select(day).to_series()
    if days.n_unique() == 1:
        return {days[0]: table.require(frame)}
    parts = frame.with_columns(day=days).partition_by("day", as_dict=True)
    return {key[0]: table.require(parts[key]) for key in sorted(parts)}
