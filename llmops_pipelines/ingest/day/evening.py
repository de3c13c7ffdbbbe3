"""Traces that go on after midnight: what the calls of the morning take over from the evening.

Days are put together apart. A trace that began before midnight may have said then whose it is, and
a request may have failed then that is tried again after it; the calls themselves stay on their day.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.ingest.day.inheritance import INHERITED, said_first
from llmops_pipelines.tables import SAID_BEFORE

LARGEST: Final = 1000
"""A trace with more records in a day is no request: some application gave all of them one id."""


class Evening(NamedTuple):
    """What the day before knows of traces that go on: rows of ``SAID_BEFORE``, ``TRIED_BEFORE``."""

    said: pl.DataFrame
    tried: pl.DataFrame


def evening_of(landed_days: pl.DataFrame) -> Evening:
    """What the files of a day were told of the day before, each thing once."""
    said, tried = (
        landed_days.select(pl.col(name).explode(keep_nulls=False, empty_as_null=False))
        .unnest(name)
        .unique(maintain_order=True)
        for name in ("said_before", "tried_before")
    )
    return Evening(said, tried)


def told_of_evening(
    landed: pl.DataFrame,
    steps: pl.DataFrame,
    calls: pl.DataFrame,
    morning: pl.DataFrame,
    heard: pl.DataFrame,
) -> pl.DataFrame:
    """``source_file``, ``said_before`` and ``tried_before`` of the files of a morning.

    Args:
        landed: ``LANDED_CALLS`` of the evening that are calls, of the traces that go on.
        steps: ``TRACE_STEPS`` of these.
        calls: ``LLM_CALLS`` made of both.
        morning: ``source_file`` and ``trace_id`` of what goes on.
        heard: ``SAID_BEFORE`` rows that this evening heard of its own: some traces run for days.
    """
    names = [field.name for field in SAID_BEFORE.fields]
    said = said_first([landed, steps, heard], [*INHERITED, "user_hash"]).select(names)
    last = calls.sort("started_at", "attempt", "call_id").unique(
        ["trace_id", "request_digest"], keep="last", maintain_order=True
    )
    tried = last.filter(status="error").select(
        "trace_id",
        "request_digest",
        "started_at",
        "attempt",
        call_id=pl.coalesce("retry_of", "call_id"),
    )
    files = morning.select("source_file").unique()
    for name, rows in (("said_before", said), ("tried_before", tried)):
        of_file = (
            morning.unique(["source_file", "trace_id"])
            .join(rows, on="trace_id")
            .select("source_file", pl.struct(rows.columns).alias(name))
            .sort("source_file", name)
            .group_by("source_file", maintain_order=True)
            .agg(name)
        )
        files = files.join(of_file, on="source_file", how="left")
    return files
