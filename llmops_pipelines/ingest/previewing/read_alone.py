"""One file landed as if nothing had landed before, and nothing of it kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from llmops_pipelines.ingest.day.unique_rows import llm_calls, texts_of, trace_steps
from llmops_pipelines.ingest.landing.landing import land
from llmops_pipelines.ingest.log_files.files import LogFile
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_STEPS,
    LLM_CALLS,
    LOG_INDEX,
    Table,
)


class LandedAlone(NamedTuple):
    """The rows of each table that was asked for, of all days, and the file's ``LOG_INDEX`` row."""

    frames: list[pl.DataFrame]
    row: dict[str, Any]


class ReadAlone(NamedTuple):
    """``LLM_CALLS`` of all days of a file, and the ``CALL_TEXTS`` that they kept."""

    calls: pl.DataFrame
    texts: pl.DataFrame


def land_alone(file: LogFile, options: LandingOptions, tables: Sequence[Table]) -> LandedAlone:
    """Land ``file`` and hand over its rows of ``tables``, in their order.

    Args:
        file: The file, under the path it would have below the log root.
        options: As for ``land``; its sources say how the file is read, its features what of the
            texts is kept.
        tables: Some of ``LANDED_TABLES``.
    """
    parts: dict[str, list[pl.DataFrame]] = {table.name: [table.empty()] for table in tables}
    row: dict[str, Any] = {}
    for batch in land([file], options, LOG_INDEX.empty()):
        for name, days in batch.tables.items():
            parts.get(name, []).extend(days.values())
        row = next(batch.index.iter_rows(named=True), row)
    frames = [
        pl.concat(frame.select(table.schema.names()) for frame in parts[table.name])
        for table in tables
    ]
    return LandedAlone(frames, row)


def read_alone(file: LogFile, options: LandingOptions) -> ReadAlone:
    """A file's calls and what they were sent; arguments as for ``land_alone``."""
    landed, steps, texts = land_alone(
        file, options, (LANDED_CALLS, LANDED_STEPS, CALL_TEXTS)
    ).frames
    calls = distinct_calls(landed, steps, options.features)
    return ReadAlone(calls, texts_of(texts.lazy(), calls.lazy()).collect())


def distinct_calls(landed: pl.DataFrame, steps: pl.DataFrame, features: Features) -> pl.DataFrame:
    """The calls of all days as the days' tables would have them."""
    day = pl.col("started_at").dt.date()
    days = landed.select(day).to_series().unique().sort()
    return pl.concat(
        [
            LLM_CALLS.empty(),
            *(
                llm_calls(landed.filter(day == at), trace_steps(steps.filter(day == at)), features)
                for at in days
            ),
        ]
    )
