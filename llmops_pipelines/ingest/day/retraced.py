"""A request that failed in one trace and was sent again in another.

A client that tries again after an error opens a new request of the application, and with it a new
trace. Where user and session of both are the same, and known, such a call is an attempt of the
request before it. Whoever asks the same again after an answer asks anew.
"""

from __future__ import annotations

import polars as pl

from llmops_pipelines.ingest.day.untraced import (
    AGAIN_S,
    ASKER,
    ENDED_AT,
    KNOWN,
    SLACK,
    UNTRACED,
)


def across_traces(calls: pl.DataFrame) -> pl.DataFrame:
    """``calls``, of which those sent again in another trace go on with the attempts before them.

    The attempts of one trace go on those of the latest before it with the same asker, messages and
    feature, where the last of these failed and was over when the first of them began, at most two
    minutes after that had begun.

    Args:
        calls: ``LLM_CALLS`` of a day, linked within their traces.
    """
    request = [ASKER.alias("asker"), pl.col("request_digest", "feature")]
    of_traces = ~UNTRACED & KNOWN
    failed = calls.filter(of_traces, pl.col("status") == "error").select(request).unique()
    if failed.is_empty():
        return calls
    key = ["asker", "request_digest", "feature"]
    attempts = (
        calls.filter(of_traces)
        .select(
            *request,
            "trace_id",
            "started_at",
            "attempt",
            "status",
            chain=pl.coalesce("retry_of", "call_id"),
            is_first=pl.col("retry_of").is_null(),
            ended_at=ENDED_AT,
        )
        .join(failed, on=key, how="semi")
        .sort("started_at", "attempt", "chain")
    )
    chains = (
        attempts.group_by("chain", maintain_order=True)
        .agg(
            pl.col(*key, "trace_id", "started_at", "is_first").first(),
            told=pl.col("attempt").first() > 1,
            attempts=pl.col("attempt").last(),
            status=pl.col("status").last(),
            last_at=pl.col("started_at").last(),
            ended_at=pl.col("ended_at").max(),
        )
        .sort(*key, "started_at", "chain")
    )
    before = {
        name: pl.col(name).shift(1).over(key)
        for name in ("trace_id", "status", "last_at", "ended_at")
    }
    goes_on = (
        pl.col("is_first")
        & (before["trace_id"] != pl.col("trace_id"))
        & (before["status"] == "error")
        & (pl.col("started_at") >= before["ended_at"] - SLACK)
        & (pl.col("started_at") - before["last_at"] <= pl.duration(seconds=AGAIN_S))
    ).fill_null(value=False)
    part = [*key, "request"]
    made = pl.col("attempts").cum_sum().over(part) - pl.col("attempts")
    found = (
        chains.with_columns(request=(~goes_on).cum_sum().over(key))
        .select(
            "chain",
            root=pl.col("chain").first().over(part),
            # A source that counts attempts itself is believed.
            more=pl.when("told").then(0).otherwise(made),
        )
        .filter(pl.col("root") != pl.col("chain"))
    )
    chain = calls.select(chain=pl.coalesce("retry_of", "call_id"))
    of_call = chain.join(found, on="chain", how="left", maintain_order="left")
    return calls.with_columns(
        retry_of=pl.coalesce(of_call["root"], "retry_of"),
        attempt=(pl.col("attempt") + of_call["more"].fill_null(0)).cast(pl.Int32),
    )
