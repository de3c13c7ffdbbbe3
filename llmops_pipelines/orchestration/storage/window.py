"""What the rows of a window of days rest on, so that the same is not computed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date

import polars as pl

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import Table


def inputs_digest(lake: Lake, tables: Sequence[Table], days: Sequence[date], *more: object) -> str:
    """Of the stored content of ``tables`` (on ``days``, where they have days), 16 hex digits.

    Args:
        lake: Where they are.
        tables: All that is read.
        days: The window.
        more: What else the rows rest on: JSON, or what its ``repr`` tells apart.
    """
    stored = [
        (table.name, str(day), part.digest)
        for table in tables
        for day in (days if table.partitioned else [None])
        if (part := lake.stored(table, day))
    ]
    told = json.dumps([stored, more], sort_keys=True, default=repr)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def unchanged(lake: Lake, table: Table, digest: str) -> pl.DataFrame | None:
    """The stored rows, if there are any and all rest on the same."""
    rows = lake.read(table)
    return rows if rows.height and (rows["inputs_digest"] == digest).all() else None


def outdated(lake: Lake, table: Table, digest: str) -> bool:
    """Whether there are stored rows that rest on something else."""
    return bool((lake.read(table)["inputs_digest"] != digest).any())
