"""Landed rows that count, those of files as they are now, and days as they are stored."""

from __future__ import annotations

from datetime import date

import polars as pl

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import LANDED_CALLS, Table


def landed_rows(lake: Lake, table: Table, day: date, landed_days: pl.DataFrame) -> pl.LazyFrame:
    """Rows of the day that come from files as they are now; replaced versions are left out.

    Calls that a neighbouring day counts are, too.
    """
    rows = of_files(lake.scan(table, [day]), landed_days)
    return own_calls(rows, landed_days) if table is LANDED_CALLS else rows


def of_files(rows: pl.LazyFrame, landed_days: pl.DataFrame) -> pl.LazyFrame:
    """``rows`` of the files that ``landed_days`` lists."""
    current = landed_days.lazy().select("source_file", "batch")
    return rows.join(current, on=["source_file", "batch"], how="semi")


def own_calls(calls: pl.LazyFrame, landed_days: pl.DataFrame) -> pl.LazyFrame:
    """``calls`` of a day without those that a neighbouring day counts."""
    others = landed_days.select("source_file", call_id="elsewhere").explode(
        "call_id", keep_nulls=False, empty_as_null=False
    )
    if others.is_empty():
        return calls
    return calls.join(others.lazy(), on=["source_file", "call_id"], how="anti")


def stored_rows(lake: Lake, table: Table, day: date) -> pl.DataFrame | None:
    """A partition as it is stored; None where it is not there, or cannot be read."""
    if lake.stored(table, day) is None:
        return None
    return lake.read(table, [day]).drop("day")
