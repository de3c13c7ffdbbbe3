"""Attempts of one logical request: linked to the first, and counted where the source does not."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.retraced import across_traces
from llmops_pipelines.ingest.day.untraced import AGAIN_S, ASKER, ENDED_AT, SLACK, UNTRACED

WITHIN_S: Final = 600.0
"""A call that begins later than this after the failure before it is a request of its own."""


def linked(calls: pl.DataFrame, tried: pl.DataFrame | None = None) -> pl.DataFrame:
    """``calls`` with ``retry_of`` (call id of the first attempt) and ``attempt`` counted.

    Calls of one trace that send the same messages form a chain for as long as each attempt before
    failed; where there is no trace (``untraced``), calls of one user or session do, for a shorter
    time. So does what another trace sends again (``retraced``). A source that counts attempts
    itself is believed, and its chain is cut where its count starts again at 1; without texts only
    such counts link.

    Args:
        calls: ``LLM_CALLS`` of a day, not linked yet.
        tried: ``TRIED_BEFORE`` rows of the day before: chains that may go on in ``calls``.
    """
    first = {"retry_of": pl.lit(None, pl.String)}
    before = calls.clear() if tried is None else tried.join(calls, on="trace_id", how="semi")
    several = (pl.len().over("trace_id") > 1).any()
    lonely = (UNTRACED & (pl.col("status") == "error")).any()
    if calls.is_empty() or (before.is_empty() and not calls.select(several | lonely).item()):
        return across_traces(calls.with_columns(**first))
    chain = ["asker", "request_digest"]
    asker = pl.when(UNTRACED).then(ASKER).otherwise("trace_id").alias("asker")
    # Only what decides is put in order: a day's calls are wide.
    ordered = (
        pl.concat(
            [
                calls.select(
                    asker, "request_digest", "started_at", "attempt", "call_id", "status",
                    traced=~UNTRACED, ended_at=ENDED_AT,
                ).with_row_index("row"),
                before.select(
                    pl.lit(None, pl.UInt32).alias("row"), pl.col("trace_id").alias("asker"),
                    "request_digest", "started_at", "attempt", "call_id",
                    status=pl.lit("error"), traced=pl.lit(value=True),
                    ended_at=pl.col("started_at"),
                ),
            ]
        )
        .sort(*chain, "started_at", "attempt", "call_id")
    )  # fmt: skip
    own = pl.col("row").is_not_null()
    told = pl.when(own).then("attempt").max().over(chain) > 1
    status, began, ended = (
        pl.col(name).shift(1).over(chain) for name in ("status", "started_at", "ended_at")
    )
    pause = (pl.col("started_at") - began).dt.total_seconds()
    soon = pause <= pl.when("traced").then(WITHIN_S).otherwise(AGAIN_S)
    # What was sent side by side, such as samples of one prompt, is no answer to a failure.
    after = pl.col("started_at") >= ended - SLACK
    inferred = (status == "error") & soon & after & pl.col("request_digest").is_not_null()
    said = (pl.col("attempt") > 1) & (pl.col("traced") | soon)
    goes_on = pl.when(told).then(said).otherwise(inferred)
    ordered = ordered.with_columns(
        told=told, goes_on=own & goes_on.fill_null(value=False)
    ).with_columns(number=(~pl.col("goes_on")).cum_sum().over(chain))
    part = [*chain, "number"]
    place = pl.int_range(pl.len()).over(part)
    # The last attempt of the day before knows how many there were.
    start = pl.when(own).then(1).otherwise("attempt").first().over(part)
    counted = (
        ordered.select(
            "row",
            attempt=pl.when(pl.col("told"))
            .then("attempt")
            .otherwise((place + start).cast(pl.Int32)),
            retry_of=pl.when(place > 0).then(pl.col("call_id").first().over(part)),
        )
        .drop_nulls("row")
        .sort("row")
        .drop("row")
    )
    return across_traces(calls.with_columns(counted.get_columns()))
