"""Feedback on calls of other days: which landed rows a day's feedback is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows, stored_rows
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.tables import LANDED_CALLS, LANDED_FEEDBACK, LATE_FEEDBACK


def feedback_of_day(
    lake: Lake, day: date, landed_days: pl.DataFrame, late_feedback: pl.DataFrame
) -> pl.LazyFrame:
    """``LANDED_FEEDBACK`` on calls of ``day``, and what was given on it and names no other's.

    Args:
        lake: Where it landed.
        day: The day.
        landed_days: ``LANDED_DAYS`` of the day.
        late_feedback: ``LATE_FEEDBACK`` of the day.
    """
    key = LATE_FEEDBACK.key
    gone = late_feedback.filter(given_on=day).lazy()
    come = late_feedback.filter(counts_on=day)
    own = landed_rows(lake, LANDED_FEEDBACK, day, landed_days).with_columns(given_on="day")
    others = lake.scan(LANDED_FEEDBACK, come["given_on"].unique().sort().to_list())
    return pl.concat(
        [
            own.join(gone, on=key, how="anti"),
            others.with_columns(given_on="day").join(come.lazy(), on=key, how="semi"),
        ]
    )


def changed_late_feedback(
    lake: Lake, files: Mapping[date, pl.DataFrame], touched: Collection[date]
) -> dict[date, pl.DataFrame]:
    """``LATE_FEEDBACK`` of the days for which it is not what is stored.

    Args:
        lake: Where feedback and calls landed.
        files: ``LANDED_DAYS`` of each day that may change.
        touched: Days whose landed rows changed.
    """
    recorded = {day: stored_rows(lake, LATE_FEEDBACK, day) for day in files}
    # Of a lake that an earlier release wrote, all days are.
    missing = {day for day, rows in recorded.items() if rows is None}
    touched = {*touched, *missing}
    near = {
        day: rows
        for day in ingest.given_near(sorted(files), touched)
        if (rows := _given(lake, day, files[day])) is not None
    }
    if not near:
        return {}
    stored = [rows for rows in recorded.values() if rows is not None]
    known = pl.concat([LATE_FEEDBACK.empty(), *stored]).unique()
    before = known.filter(pl.col("given_on").is_in(list(near)))
    found = _found(lake, pl.concat(near.values()), before, touched, files)
    rows = pl.concat([known.join(before, on=LATE_FEEDBACK.key, how="anti"), found])
    moved = pl.concat([before, found])
    days = {*moved["given_on"], *moved["counts_on"], *missing} & files.keys()
    changed = {}
    for day in sorted(days):
        of_day = (pl.col("given_on") == day) | (pl.col("counts_on") == day)
        wanted = LATE_FEEDBACK.require(rows.filter(of_day))
        if (known_of_day := recorded[day]) is None or not wanted.equals(known_of_day):
            changed[day] = wanted
    return changed


def _found(
    lake: Lake,
    given: pl.DataFrame,
    before: pl.DataFrame,
    touched: Collection[date],
    files: Mapping[date, pl.DataFrame],
) -> pl.DataFrame:
    """What is late of ``given``; what counts on a day that cannot be read stays there."""
    damaged: set[date] = set()

    def calls_of(day: date) -> pl.LazyFrame:
        try:
            return landed_rows(lake, LANDED_CALLS, day, files[day]).filter(~ingest.NO_CALL)
        except LakeError:  # a damaged part; the day itself tells
            damaged.add(day)
            return LANDED_CALLS.empty().lazy()

    while True:
        readable = files.keys() - damaged
        found = ingest.late_feedback(given, before, touched, readable, calls_of)
        if not damaged & readable:
            return found


def _given(lake: Lake, day: date, files: pl.DataFrame) -> pl.DataFrame | None:
    """Feedback given on ``day`` that names a call or trace; None where it cannot be read."""
    named = pl.any_horizontal(pl.col("call_id", "trace_id").is_not_null())
    try:
        rows = landed_rows(lake, LANDED_FEEDBACK, day, files).filter(named)
    except LakeError:  # a damaged part; the day itself tells
        return None
    return rows.with_columns(given_on="day").select(ingest.GIVEN).collect()
