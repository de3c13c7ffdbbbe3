"""Calls of traces of their own: which of them may be attempts of one request.

A call that was logged without a trace is the only one of a trace named after it. A failure that the
same user, or the same session, sends again within two minutes was tried again, there (``attempts``)
and from one trace to another (``retraced``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

AGAIN_S: Final = 120.0
"""Clients wait up to a minute for an answer, and up to another before they try again."""

SLACK: Final = pl.duration(milliseconds=50)
"""A failure may be told this much later than it is answered: clocks are rounded."""

ENDED_AT: Final = pl.col("started_at") + pl.duration(
    microseconds=(pl.col("latency_ms").fill_null(0) * 1000).cast(pl.Int64)
)
"""When a call was over; where nobody timed it, when it began."""

KNOWN: Final = (
    pl.any_horizontal(pl.col("user_hash", "session_id").is_not_null())
    & pl.col("request_digest").is_not_null()
)
"""Calls of which it is known who sent what."""

UNTRACED: Final = (pl.col("trace_id") == pl.col("call_id")) & KNOWN
"""Of these the ones without a trace."""

ASKER: Final = pl.concat_str(
    pl.lit("\0"), pl.col("user_hash", "session_id").fill_null(""), separator="\0"
)
"""Who sent such a call, in place of its trace: no trace is named so."""


def tried_again(landed: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
    """Traces that go together because a failed call of one may have been sent again in another.

    Args:
        landed: ``LANDED_CALLS`` of one day.

    Returns:
        ``id`` and ``trace``: a row per run of equal requests with a failure among them, with the
        hashes of their traces; and how many records these are.
    """
    # Whose a trace is, another record of it may say: there the messages alone decide.
    who = pl.when(UNTRACED).then(ASKER).alias("asker")
    asked = pl.struct(who, "request_digest").hash()
    told = pl.col("request_digest").is_not_null()
    failing = landed.filter(told, pl.col("status") == "error").select(asked=asked)
    failed = failing.collect(engine="streaming").unique()
    if failed.is_empty():
        return pl.DataFrame(schema={"id": pl.UInt64, "trace": pl.List(pl.UInt64)}), 0
    records = (
        landed.filter(told)
        .select(
            asked=asked,
            second=pl.col("started_at").dt.epoch("s"),
            trace=pl.col("trace_id").hash(),
        )
        .join(failed.lazy(), on="asked", how="semi")
        .collect(engine="streaming")
        .sort("asked", "second")
    )
    # Seconds are rounded down, and requests may share a hash: both only make runs longer.
    goes_on = (pl.col("second").diff() <= int(AGAIN_S) + 1) & (
        pl.col("asked") == pl.col("asked").shift()
    )
    runs = records.select("trace", id=(~goes_on.fill_null(value=False)).cum_sum().cast(pl.UInt64))
    several = runs.filter(pl.col("trace").n_unique().over("id") > 1)
    return several.group_by("id").agg(pl.col("trace").unique().sort()).sort("id"), several.height
