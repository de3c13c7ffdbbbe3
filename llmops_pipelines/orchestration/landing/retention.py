"""Retention: days that are older than privacy.yaml allows leave the tables it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import PrivacyRules
from llmops_pipelines.tables import (
    ERASURES,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    TABLES,
)

SOURCES = (LANDED_CALLS.name, LANDED_STEPS.name, LANDED_FEEDBACK.name)
"""A day whose rows left one of these cannot be computed again as it was."""


class Expired(NamedTuple):
    """What is too old in one table."""

    table: str
    rows: int
    days: list[date]


def kept_from(rules: PrivacyRules, today: date) -> dict[str, date]:
    """The first day that is kept, by table; ``today`` counts as the first of its days."""
    return {name: today - timedelta(days=days - 1) for name, days in rules.retention_days.items()}


def expire(lake: Lake, first_days: Mapping[str, date], *, now: datetime | None) -> list[Expired]:
    """Take what lies before ``first_days`` out of each table; without ``now`` only say what would.

    Days that hold nothing any more are not told again.
    """
    found = [_too_old(lake, name, first) for name, first in sorted(first_days.items())]
    if now is None or not any(expired.days for expired in found):
        return found
    for expired in found:
        for day in expired.days:
            lake.expire(TABLES[expired.table], day)
            if expired.table == LANDED_CALLS.name:
                lake.rewrite(LANDED_DAYS, _without_said, day=day)
            if expired.table in SOURCES:
                lake.close(LANDED_DAYS, day)
    erasure = uuid4().hex[:16]
    rows = [
        {
            "erasure": erasure,
            "command": "retention",
            "place": table,
            "rows": count,
            "erased_at": now,
        }
        for table, count, _ in found
    ]
    lake.append(ERASURES, pl.DataFrame(rows, schema=ERASURES.schema), name=erasure)
    return found


def expire_old_days(
    lake: LakeResource, reference: ReferenceFolder, clock: Clock
) -> dg.MaterializeResult[None]:
    """What the asset does: ``expire``, with its counts as metadata."""
    rules = reference.read("privacy.yaml", PrivacyRules)
    found = expire(lake.open(), kept_from(rules, clock.today()), now=clock.now())
    return dg.MaterializeResult(
        metadata={f"{expired.table}_rows": expired.rows for expired in found}
    )


def _without_said(files: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """``LANDED_DAYS`` without users and sessions of traces that ran past midnight."""
    if "said_before" not in files.columns:  # an older part
        return files, 0
    held = int((files["said_before"].list.len() > 0).sum())
    return files.with_columns(pl.lit([], files.schema["said_before"]).alias("said_before")), held


def _too_old(lake: Lake, name: str, first: date) -> Expired:
    table = TABLES[name]
    counted = {
        day: int(lake.scan(table, [day]).select(pl.len()).collect().item())
        for day in lake.days(table)
        if day < first
    }
    days = [day for day, rows in counted.items() if rows]
    return Expired(name, sum(counted.values()), days)
