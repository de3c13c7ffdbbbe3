"""Landing: new log files become rows and texts of the lake, once, by event day."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple
from uuid import uuid4

import dagster as dg
import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Policy,
    Privacy,
    ReferenceFolder,
)
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import LANDED_DAYS, LOG_INDEX, TABLES, Table

_LINE_COUNTS = ("lines", "calls", "steps", "feedback", "rejected", "ignored")


class Landing(NamedTuple):
    """What one landing run did. ``changed`` maps each event day it touched to its new digest."""

    files: int
    log_index: pl.DataFrame
    changed: dict[date, str]


def land_new_files(
    lake: Lake,
    files: Iterable[ingest.LogFile],
    options: ingest.LandingOptions,
    on_file: Callable[[str, int, int], None] | None = None,
) -> Landing:
    """Read every file that is new or changed, and record which days' content changed.

    Rows are written before the index that makes them count, so a crash in between loses nothing:
    the next landing reads the same files into the same parts.
    """
    index = log_index(lake)
    before = set(index["source_file", "digest"].rows())
    found = ingest.changed_files(files, index, options.sources)
    for batch in ingest.land(found, options, index, on_file=on_file):
        for name, days in batch.tables.items():
            for day, rows in days.items():
                lake.append(TABLES[name], rows, name=batch.name, day=day)
        # A file that was only touched is indexed again under the same batch.
        lake.append(LOG_INDEX, batch.index, name=f"{batch.name}-{uuid4().hex[:8]}")
    index = log_index(lake)
    return Landing(
        files=len(set(index["source_file", "digest"].rows()) - before),
        log_index=index,
        changed=_write_changed_days(lake, index),
    )


def land(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    logs: LogFolder,
    reference: ReferenceFolder,
    privacy: Privacy,
    clock: Clock,
    policy: Policy,
) -> dg.MaterializeResult[None]:
    """Land what is new, and report every day that changed with its digest as data version."""
    options = ingest.LandingOptions(
        start=date.fromisoformat(policy.start),
        now=clock.now(),
        hash_key=privacy.key(),
        features=reference.read("features.yaml", Features),
        sources=reference.read("sources.yaml", ingest.Sources),
    )
    landing = land_new_files(lake.open(), logs.files(), options)
    days_key = dg.AssetKey([*context.asset_key.path[:-1], LANDED_DAYS.name])
    for day, digest in landing.changed.items():
        context.log_event(
            dg.AssetMaterialization(
                days_key, partition=day.isoformat(), tags={"dagster/data_version": digest}
            )
        )
    current = ingest.current_files(landing.log_index)
    return dg.MaterializeResult(
        metadata={
            "files_landed": landing.files,
            "days_changed": len(landing.changed),
            "files": current.height,
            **{name: int(current[name].sum()) for name in _LINE_COUNTS},
        }
    )


def log_index(lake: Lake) -> pl.DataFrame:
    """Every file that was landed; of several versions of one file the last landed counts."""
    return ingest.folded_index(lake.read(LOG_INDEX))


def landed_rows(lake: Lake, table: Table, day: date, landed_days: pl.DataFrame) -> pl.LazyFrame:
    """Rows of the day that come from files as they are now; replaced versions are left out."""
    current = landed_days.lazy().select("source_file", "batch")
    return lake.scan(table, [day]).join(current, on=["source_file", "batch"], how="semi")


def _write_changed_days(lake: Lake, index: pl.DataFrame) -> dict[date, str]:
    """Rewrite ``landed_days`` where the files behind a day are not those recorded."""
    by_day = (
        ingest.current_files(index)
        .explode("days")
        .filter(pl.col("days").is_not_null())
        .select("source_file", "digest", "batch", day="days")
        .partition_by("day", as_dict=True, include_key=False)
    )
    wanted = {key[0]: LANDED_DAYS.require(rows) for key, rows in by_day.items()}
    wanted |= {day: LANDED_DAYS.empty() for day in lake.days(LANDED_DAYS) if day not in wanted}
    changed = {}
    for day in sorted(wanted):
        if (
            not wanted[day].equals(lake.read(LANDED_DAYS, [day]).drop("day"))
            or lake.stored(LANDED_DAYS, day) is None
        ):
            changed[day] = lake.write(LANDED_DAYS, wanted[day], day=day)
    return changed
