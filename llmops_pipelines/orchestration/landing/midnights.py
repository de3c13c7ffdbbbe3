"""What the files of a day hold in common with those of the day before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta

import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows, of_files
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.tables import LANDED_CALLS, LANDED_DAYS, LANDED_STEPS

Files = Mapping[date, pl.DataFrame]

_DAY = timedelta(days=1)


def with_neighbours(
    lake: Lake,
    wanted: Files,
    recorded: Mapping[date, pl.DataFrame | None],
    touched: Collection[date],
) -> dict[date, pl.DataFrame]:
    """``wanted`` with what lies on two days: looked up around days that change, else as recorded.

    Args:
        lake: Where the rows landed.
        wanted: ``LANDED_DAYS`` of each day, as far as its files go.
        recorded: The same as it is stored, None where it is not.
        touched: Days that count as changed, whatever their files.
    """
    files = ["source_file", "digest", "batch"]
    touched = {*touched}
    for day, rows in wanted.items():
        known = recorded[day]
        if known is None or not rows.select(files).equals(known.select(files)):
            touched.add(day)
    kept = {
        day: _with(rows, (rows if (known := recorded[day]) is None else known).drop(files[1:]))
        for day, rows in wanted.items()
    }
    around = {near for day in touched for near in (day - _DAY, day, day + _DAY)} & wanted.keys()
    nights = sorted({night for day in around for night in (day - _DAY, day)})
    twice = {
        night: ingest.told_twice(
            *(_edge(lake, day, wanted.get(day), night + _DAY) for day in (night, night + _DAY))
        )
        for night in nights
    }
    for day in around:
        others = pl.concat([twice[day - _DAY].morning, twice[day].evening]).unique()
        calls = others.group_by("source_file").agg(elsewhere=pl.col("call_id").sort())
        kept[day] = _with(kept[day], calls)
    # What was heard of a day that is closed by now stays.
    mornings = {day for near in around for day in (near, near + _DAY)}
    for day in (day for day in sorted(wanted) if day in mornings and day - _DAY in wanted):
        before = kept[day]
        kept[day] = _with(before, _told_of_evening(lake, kept[day - _DAY], before, day))
        if not kept[day].equals(before):  # a trace may go on for days
            mornings.add(day + _DAY)
    return {day: LANDED_DAYS.require(rows) for day, rows in kept.items()}


def _with(files: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """``files`` with the lists that were ``found`` for some of them; the others have none."""
    lists = [name for name in found.columns if name != "source_file"]
    # Few files have any, and a join of lists takes kilobytes a row, be they empty.
    some = found.filter(pl.any_horizontal(pl.col(name).list.len() > 0 for name in lists))
    return (
        files.drop(lists)
        .join(some, on="source_file", how="left", maintain_order="left")
        .with_columns(pl.col(name).fill_null([]) for name in lists)
    )


def _edge(lake: Lake, day: date, files: pl.DataFrame | None, midnight: date) -> pl.DataFrame:
    """The calls of ``day`` that began around ``midnight``; none where the day cannot be read."""
    at = pl.lit(datetime.combine(midnight, time()))
    near = pl.col("started_at").is_between(at - ingest.NEAR, at + ingest.NEAR)
    try:
        if files is None or files.is_empty():
            return LANDED_CALLS.empty().select(ingest.EDGE)
        rows = of_files(lake.scan(LANDED_CALLS, [day]).filter(near), files)
        return rows.sort(*LANDED_CALLS.key).select(ingest.EDGE).collect()
    except LakeError:  # a damaged part; the day itself tells
        return LANDED_CALLS.empty().select(ingest.EDGE)


def _told_of_evening(
    lake: Lake, evening: pl.DataFrame, morning: pl.DataFrame, day: date
) -> pl.DataFrame:
    """What the files of the day before ``day`` say of traces that go on in those of ``day``."""
    before = day - _DAY
    nothing = LANDED_DAYS.empty().select("source_file", "said_before", "tried_before")
    hashed = pl.col("trace_id").hash()
    try:
        if evening.is_empty() or morning.is_empty():
            return nothing
        known = ingest.evening_of(evening).said
        calls = landed_rows(lake, LANDED_CALLS, before, evening).filter(~ingest.NO_CALL)
        steps = landed_rows(lake, LANDED_STEPS, before, evening)
        later = landed_rows(lake, LANDED_CALLS, day, morning)
        # Hashes, for the days may be large, and hardly any trace is of both.
        traces = later.select(hashed.unique()).collect(engine="streaming").to_series().implode()
        sizes = (
            pl.concat([rows.select("trace_id") for rows in (calls, steps, known.lazy())])
            .filter(hashed.is_in(traces))
            .group_by("trace_id")
            .len()
            .filter(pl.col("len") <= ingest.LARGEST)
            .collect(engine="streaming")
        )
        if sizes.is_empty():
            return nothing
        theirs = pl.col("trace_id").is_in(sizes["trace_id"].implode())
        goes_on = later.filter(theirs).select("source_file", "trace_id").unique().collect()
        landed, stepped = (rows.filter(theirs).collect() for rows in (calls, steps))
    except LakeError:  # a damaged part; the day itself tells
        return morning.select(nothing.columns)
    told = ingest.trace_steps(stepped)
    made = ingest.llm_calls(landed, told)
    return ingest.told_of_evening(landed, told, made, goes_on, known)
