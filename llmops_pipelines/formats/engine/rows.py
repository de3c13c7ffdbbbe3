"""A chunk of raw lines to canonical calls, steps, feedback and rejections."""

from __future__ import annotations

from typing import Final, NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.formats.engine.calls import read_calls
from llmops_pipelines.formats.engine.extraction import extract
from llmops_pipelines.formats.engine.faults import Sorted
from llmops_pipelines.formats.engine.reading import Reading
from llmops_pipelines.formats.engine.steps import read_feedback, read_steps
from llmops_pipelines.formats.engine.times import Limits
from llmops_pipelines.tables import INSTANT

_CALL: Final = "call"
_ASKED: Final = "asked"
"""Messages that were sent, without a word on what became of the call."""


class Rows(NamedTuple):
    """What a chunk of lines holds; each line, told by its ``n``, is in exactly one of the frames.

    ``calls`` carry the columns of ``LLM_CALLS`` that a record can tell, plus the texts and the
    plain ``user_id``, which must not be stored; those that are ``only_asked`` hold messages of a
    call that other records tell of. ``rejected`` has a feature and a time where they were read.
    """

    calls: pl.DataFrame
    steps: pl.DataFrame
    feedback: pl.DataFrame
    rejected: pl.DataFrame


def read_lines(
    connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame, reading: Reading, limits: Limits
) -> Rows:
    """Read ``lines`` (``n`` and ``raw``) as ``reading`` says; no line is lost or read twice."""
    raw, broken = extract(connection, lines, reading)
    kinds = raw["kind"].fill_null("call")
    calls = read_calls(_of_kind(raw, kinds.is_in([_CALL, _ASKED])), reading, limits)
    steps = read_steps(_of_kind(raw, kinds == "step"), reading, limits)
    feedback = read_feedback(_of_kind(raw, kinds == "feedback"), reading, limits)
    unknown = _of_kind(raw, ~kinds.is_in([_CALL, _ASKED, "step", "feedback"])).select(
        "n", reason=pl.lit("kind: is none of call, step and feedback; leave it out for a call")
    )
    faulty = [_narrow(part, limits) for part in (calls, steps, feedback)]
    rejected = pl.concat([*faulty, *(_without_record(frame) for frame in (unknown, broken))])
    good = calls.good.with_columns(only_asked=_only_asked(raw, kinds == _ASKED))
    return Rows(good, steps.good, feedback.good, rejected.sort("n"))


def _of_kind(raw: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """``raw.filter(wanted)``, without a copy where that is all or nothing."""
    if wanted.all():
        return raw
    return raw.filter(wanted) if wanted.any() else raw.clear()


def _only_asked(raw: pl.DataFrame, asked: pl.Series) -> pl.Expr:
    if not asked.any():
        return pl.lit(value=False)
    return pl.col("n").is_in(raw["n"].filter(asked).implode())


def _narrow(part: Sorted, limits: Limits) -> pl.DataFrame:
    believed = pl.col("started_at").is_between(limits.earliest, limits.latest)
    return part.bad.select(
        "n", "feature", pl.when(believed).then("started_at").alias("started_at"), "reason"
    )


def _without_record(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        "n",
        pl.lit(None, pl.String).alias("feature"),
        pl.lit(None, INSTANT).alias("started_at"),
        "reason",
    )
