"""Feedback that is given on another day than its call was made: on which day it counts.

Most feedback comes minutes or days after the answer it speaks of. It counts on the day of the call,
beside what that call cost, whichever of the two landed first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from typing import Final

import polars as pl

from llmops_pipelines.tables import LATE_FEEDBACK

LOOK_BACK_DAYS: Final = 30
"""So many days before a judgement the call that it names is looked for."""

GIVEN: Final = [*LATE_FEEDBACK.key, "call_id", "trace_id"]
"""What is to be known of landed feedback, and when it was given, to find its call."""

_DAY: Final = timedelta(days=1)
_BACK: Final = timedelta(days=LOOK_BACK_DAYS)

Calls = Callable[[date], pl.LazyFrame]


def given_near(days: Iterable[date], touched: Collection[date]) -> list[date]:
    """Those of ``days`` on which feedback may have been given that names a call of ``touched``."""
    return [day for day in days if any(near - _DAY <= day <= near + _BACK for near in touched)]


def late_feedback(
    given: pl.DataFrame,
    recorded: pl.DataFrame,
    touched: Collection[date],
    days: Collection[date],
    calls_of: Calls,
) -> pl.DataFrame:
    """Feedback that counts on another day than it was given on, as ``LATE_FEEDBACK``.

    Feedback counts on its own day where it names a call of it, else on the latest of the
    ``LOOK_BACK_DAYS`` before that holds the call, or a call of the trace, that it names; else,
    since clocks differ, on the day after; else on its own. Only what may have moved is looked for:
    feedback that was given on a touched day, and feedback that names a call of one, or did.

    Args:
        given: ``GIVEN`` of the days that ``given_near`` finds for the touched ones.
        recorded: ``LATE_FEEDBACK`` given on the same days, as it was before.
        touched: Days whose landed rows changed.
        days: Days whose calls are known; others are closed.
        calls_of: ``call_id``, ``response_id`` and ``trace_id`` of the calls of a day.
    """
    # What counts on a closed day stays there, also when its file lands anew.
    judgement = ["given_on", "feedback_id"]
    closed = (
        recorded.filter(~pl.col("counts_on").is_in(list(days)))
        .sort(LATE_FEEDBACK.key)
        .unique(judgement, keep="first")
        .select(*judgement, closed="counts_on")
    )
    rows = (
        given.join(recorded, on=LATE_FEEDBACK.key, how="left")
        .join(closed, on=judgement, how="left")
        .with_columns(counts_on=pl.coalesce("closed", "counts_on"))
        .with_row_index("row")
    )
    speaking = [
        _speaking(
            rows.filter(pl.col("given_on").is_between(day - _DAY, day + _BACK)), calls_of(day)
        )
        for day in sorted({*touched} & {*days})
    ]
    of_touched = pl.any_horizontal(
        pl.col("given_on", "counts_on").is_in(list(touched)),
        *(pl.col("row").is_in(found["row"].implode()) for found in speaking),
    )
    may_move = of_touched.fill_null(value=False) & pl.col("closed").is_null()
    placed = pl.concat([rows.filter(~may_move), _placed(rows.filter(may_move), days, calls_of)])
    return LATE_FEEDBACK.require(placed.filter(pl.col("counts_on") != pl.col("given_on")))


def _placed(rows: pl.DataFrame, days: Collection[date], calls_of: Calls) -> pl.DataFrame:
    """``rows`` with the day each counts on, null where no day holds what it names."""
    columns = rows.columns
    rows = rows.with_columns(counts_on=pl.lit(None, pl.Date), by_call=pl.lit(value=False))
    nowhere = pl.col("counts_on").is_null()
    for day in sorted(days, reverse=True):
        # Of a trace that runs past midnight the call may lie on the day before.
        by_trace = ~pl.col("by_call") & pl.col("call_id").is_not_null()
        asked = pl.col("given_on").is_between(day, day + _BACK) & (
            nowhere | (by_trace & (pl.col("counts_on") == day + _DAY))
        )
        rows = _found(rows, rows.filter(asked), day, calls_of)
    for day in sorted(days):
        rows = _found(rows, rows.filter(nowhere, given_on=day - _DAY), day, calls_of)
    return rows.select(columns)


def _found(rows: pl.DataFrame, asked: pl.DataFrame, day: date, calls_of: Calls) -> pl.DataFrame:
    """``rows``, of which those ``asked`` that speak of a call of ``day`` count on it."""
    if asked.is_empty():
        return rows
    told = rows.select("row").join(
        _speaking(asked, calls_of(day)), on="row", how="left", maintain_order="left"
    )["named"]
    moves = told | (told.is_not_null() & rows["counts_on"].is_null())
    return rows.with_columns(
        counts_on=pl.when(moves).then(pl.lit(day)).otherwise("counts_on"),
        by_call=pl.col("by_call") | told.fill_null(value=False),
    )


def _speaking(asked: pl.DataFrame, calls: pl.LazyFrame) -> pl.DataFrame:
    """``row`` of those of ``asked`` that speak of ``calls``, and whether they ``named`` a call."""
    named, traces = (asked[name].drop_nulls().unique() for name in ("call_id", "trace_id"))
    if not len(named) + len(traces):
        return pl.DataFrame(schema={"row": pl.UInt32, "named": pl.Boolean})
    ids = pl.col("call_id", "response_id")
    found = (
        calls.filter(
            pl.any_horizontal(ids.is_in(named.implode()))
            | pl.col("trace_id").is_in(traces.implode())
        )
        .select("call_id", "response_id", "trace_id")
        .collect(engine="streaming")
    )
    known = pl.concat([found["call_id"], found["response_id"]]).drop_nulls()
    by_call = pl.col("call_id").is_in(known.implode()).fill_null(value=False)
    by_trace = pl.col("trace_id").is_in(found["trace_id"].implode()).fill_null(value=False)
    return asked.filter(by_call | by_trace).select("row", named=by_call)
