"""Feedback that names the provider's response: the call of which that is the answer.

An application that stores what it was answered knows the response id, not the id of the record
that some library logged of the call.
"""

from __future__ import annotations

import polars as pl

from llmops_pipelines.ingest.day.likeness import SAME_RESPONSE_S


def with_named_calls(feedback: pl.DataFrame, calls: pl.LazyFrame) -> pl.DataFrame:
    """``feedback`` whose ``call_id`` names a record of a call, where it named its response.

    An id that several records long apart share is of a server that repeats its ids: it stays.

    Args:
        feedback: Rows with ``call_id``.
        calls: ``call_id``, ``response_id`` and ``started_at`` of ``LANDED_CALLS`` of the same day.
    """
    named = feedback["call_id"].drop_nulls().unique()
    if named.is_empty():
        return feedback
    wanted = pl.any_horizontal(pl.col("call_id", "response_id").is_in(named.implode()))
    found = (
        calls.select("call_id", "response_id", "started_at")
        .filter(wanted)
        .collect(engine="streaming")
    )
    close = pl.col("started_at").max() - pl.col("started_at").min() <= pl.duration(
        seconds=SAME_RESPONSE_S
    )
    answers = (
        found.drop_nulls("response_id")
        .join(found, left_on="response_id", right_on="call_id", how="anti")
        .group_by(named="response_id")
        .agg(answer=pl.col("call_id").sort_by("started_at", "call_id").first(), close=close)
        .filter("close")
    )
    answered = feedback.select(named="call_id").join(
        answers, on="named", how="left", maintain_order="left"
    )["answer"]
    return feedback.with_columns(call_id=pl.coalesce(answered, "call_id"))
