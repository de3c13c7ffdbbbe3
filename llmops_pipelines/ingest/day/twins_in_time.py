"""Which records of a large day may be one call because two writers logged it at the same time.

A writer is a format, and of those that name them a library. Such records share no id: they have the
same counts, or failed in the same way, and begin within seconds of each other (``same_calls``); of
a stream one saw the beginning, and the other, of the same messages, begins as that one ends, or
with it; of an answer out of a gateway's cache the one knows no counts, and the other has the same
messages.
Records of equal counts or messages are put in order of time and cut where nothing follows for as
long as that: what lies in one run with records of another writer, or with a stream that was seen
beginning, or with an answer out of a cache, stays together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.likeness import (
    BEGUN,
    CACHED,
    CLOSE_S,
    RECEIVED,
    SENT,
    STREAMS_TWICE,
)

WRITER: Final = pl.concat_str(
    "source_format", pl.col("instrumentation").fill_null(""), separator=" "
)
"""Who wrote a record."""

_WRITERS: Final = 2**16 - 15


def may_be_twins(writers: Sequence[str]) -> bool:
    """Whether these writers log calls twice, together or one of them alone."""
    return len(writers) > 1 or any(f" {STREAMS_TWICE}" in writer for writer in writers)


def twins_in_time(landed: pl.LazyFrame, writers: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Traces that go together because a call may have been logged in several of them.

    Args:
        landed: ``LANDED_CALLS`` of one day; 26 bytes of each are held, and as much to sort them.
        writers: Those of its records, as ``WRITER`` names them.

    Returns:
        ``id`` and ``trace``: a row per run of records by several writers, with the hashes of their
        traces; and how many records these are.
    """
    ended = (pl.col("latency_ms").fill_null(0) / 1000).cast(pl.Int32)
    by_messages = [
        _like(landed, BEGUN, after=ended),
        _like(landed, BEGUN, writer=WRITER.hash().mod(_WRITERS)),
        _like(landed, CACHED),
    ]
    records = pl.concat([_counted(landed, writers), *by_messages]).sort("counts", "second")
    # Seconds are rounded down, and counts may share a hash: both only make runs longer.
    goes_on = (pl.col("second") - pl.col("second").shift() <= int(CLOSE_S) + 1) & (
        pl.col("counts") == pl.col("counts").shift()
    )
    runs = records.select(
        "writer", "trace", id=(~goes_on.fill_null(value=False)).cum_sum().cast(pl.UInt64)
    )
    twins = runs.filter(pl.col("writer").min().over("id") != pl.col("writer").max().over("id"))
    return twins.group_by("id").agg(pl.col("trace").unique().sort()).sort("id"), twins.height


def _like(
    landed: pl.LazyFrame,
    sign: pl.Expr,
    after: pl.Expr | None = None,
    writer: pl.Expr | None = None,
) -> pl.DataFrame:
    """As ``_counted``, of the calls with ``sign`` and those with the messages of such a call.

    In place of counts stands a hash of the messages, in place of the writer, where none is given,
    whether it has the sign. Calls with it are put so many seconds ``after`` they began.
    """
    said = landed.filter(pl.col("request_digest").is_not_null())
    theirs = said.filter(sign).select("request_digest").unique()
    later = 0 if after is None else pl.when(sign).then(after).otherwise(0)
    return (
        said.join(theirs, on="request_digest", how="semi")
        .select(
            counts=pl.col("request_digest").hash().mod(2**32 - 5).cast(pl.UInt32),
            second=pl.col("started_at").dt.epoch("s").cast(pl.Int32) + later,
            writer=(sign if writer is None else writer).cast(pl.UInt16),
            trace=pl.col("trace_id").hash(),
        )
        .collect(engine="streaming")
    )


def _counted(landed: pl.LazyFrame, writers: Sequence[str]) -> pl.DataFrame:
    """A hash of each record's counts, the second in which it began, its writer and trace.

    Failures without counts share one.

    Of a call that several records tell of, one may know the counts and another when it began: it
    stands here with each count at each of these times.
    """
    records = landed.select(
        call=pl.col("call_id").hash(),
        counts=pl.when(SENT + RECEIVED > 0)
        .then(pl.struct(SENT.alias("sent"), RECEIVED.alias("received")).hash())
        .when((SENT + RECEIVED).is_null() & (pl.col("status") == "error"))
        .then(pl.lit(0, pl.UInt64))
        .mod(2**32 - 5)
        .cast(pl.UInt32),
        second=pl.col("started_at").dt.epoch("s").cast(pl.Int32),
        writer=WRITER.replace_strict(
            list(writers), list(range(len(writers))), return_dtype=pl.UInt16
        ),
        trace=pl.col("trace_id").hash(),
    ).collect(engine="streaming")
    several = records["call"].is_duplicated()
    once = records.filter(~several).drop("call").drop_nulls("counts")
    if not several.any():
        return once
    parts = records.filter(several)
    counts = parts.select("call", "counts").drop_nulls().unique()
    every = parts.drop("counts").unique().join(counts, on="call")
    return pl.concat([once, every.select(once.columns)])
