"""The event day of lines that could not be read: their own, their neighbours', their file's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from llmops_pipelines.ingest.log_files.files import LogFile

_DATE: Final = re.compile(r"(?<!\d)(20\d\d)([-_/.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")


def file_day(file: LogFile, first: date, last: date) -> date:
    """The date in the file's path, else the day it was modified, between ``first`` and ``last``."""
    for year, _, month, day in _DATE.findall(file.path):
        try:
            found = date(int(year), int(month), int(day))
        except ValueError:
            continue
        if first <= found <= last:
            return found
    modified = datetime.fromtimestamp(file.modified_ns // 10**9, UTC).date()
    return min(max(modified, first), last)


def tell_days(rejected: pl.DataFrame, known: pl.DataFrame, above: dict[int, date]) -> pl.DataFrame:
    """``rejected`` with ``day``: its own, else of the nearest line above, else below, else null.

    Args:
        rejected: ``file``, ``source_line``, ``started_at`` and whatever else.
        known: ``file``, ``source_line`` and ``day`` of the lines whose time could be read.
        above: Day of the last such line of each file before these.
    """
    carried = pl.DataFrame(
        {"file": list(above), "carried": list(above.values())},
        schema={"file": pl.Int64, "carried": pl.Date},
    )
    known = known.select("file", "source_line", near="day").sort("source_line")
    rows = rejected.sort("source_line")
    for strategy in ("backward", "forward"):
        rows = rows.join_asof(
            known.rename({"near": strategy}),
            on="source_line",
            by="file",
            strategy=strategy,
            check_sortedness=False,
        )
    return (
        rows.join(carried, on="file", how="left")
        .with_columns(
            day=pl.coalesce(pl.col("started_at").dt.date(), "backward", "carried", "forward")
        )
        .drop("backward", "forward", "carried")
        .sort("file", "source_line")
    )
