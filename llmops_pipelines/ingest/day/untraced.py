"""Calls that were logged without a trace: which of them may be attempts of one request.

Each is the only call of a trace named after it. A failure that the same user, or the same session,
sends again within two minutes was tried again.
"""

from __future__ import annotations

from typing import Final

import polars as pl

AGAIN_S: Final = 120.0
"""Clients wait up to a minute for an answer, and up to another before they try again."""

UNTRACED: Final = (
    (pl.col("trace_id") == pl.col("call_id"))
    & pl.any_horizontal(pl.col("user_hash", "session_id").is_not_null())
    & pl.col("request_digest").is_not_null()
)
"""Calls without a trace of which it is known who sent what."""

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
    asked = pl.struct(ASKER.alias("asker"), "request_digest").hash()
    failing = landed.filter(status="error").filter(UNTRACED).select(asked=asked)
    failed = failing.collect(engine="streaming").unique()
    if failed.is_empty():
        return pl.DataFrame(schema={"id": pl.UInt64, "trace": pl.List(pl.UInt64)}), 0
    records = (
        landed.filter(UNTRACED)
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
    several = runs.filter(pl.len().over("id") > 1)
    return several.group_by("id").agg(pl.col("trace").unique().sort()).sort("id"), several.height
