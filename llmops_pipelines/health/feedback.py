"""CSAT: the mean rating users gave, put beside the calls they rated."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.health.measures import KEYS, UNKNOWN, at_every_level
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.statistics import mean_intervals

SCALE = (1.0, 5.0)

RATED_COLUMNS = [
    "call_id",
    "trace_id",
    "parent_id",
    "started_at",
    "attempt",
    "status",
    "feature",
    "session_id",
    "copies",
]
"""The columns of ``LLM_CALLS`` that ``rated_answers`` needs."""


def csat(llm_calls: pl.DataFrame, measured: pl.DataFrame, feedback: pl.DataFrame) -> pl.DataFrame:
    """The mean rating of every group, clustered by session.

    A rating belongs to the call it names, else to the answer of the trace it names, else, when
    neither is a call of the day, to the feature `unattributed`. Whoever rates a call under several
    names (helpful, tone) says one thing of it, the mean of them. ``missing`` counts answers that
    nobody rated; a remark without a rating, or with one outside 1 to 5, is not a rating.
    """
    answers = _answers(llm_calls)
    rated = _opinions(_rated_calls(llm_calls, feedback, answers))
    of_call = measured.select("call_id", "session_id", *KEYS)
    ratings = rated.join(of_call, on="call_id", how="left", maintain_order="left").with_columns(
        pl.col("feature").fill_null(UNATTRIBUTED), pl.col("model").fill_null(UNKNOWN)
    )
    means = mean_intervals(
        at_every_level(ratings), KEYS, "rating", cluster="session_id", bounds=SCALE
    )
    silent = answers.filter("answered").join(
        rated.select("trace_id").drop_nulls(), on="trace_id", how="anti"
    )
    missing = (
        at_every_level(silent.select("call_id").join(of_call, on="call_id"))
        .group_by(KEYS)
        .agg(missing=pl.len().cast(pl.Int64))
    )
    groups = pl.concat([at_every_level(of_call).select(KEYS), means.select(KEYS)]).unique()
    return (
        groups.join(means, on=KEYS, how="left")
        .join(missing, on=KEYS, how="left")
        .select(
            *KEYS,
            pl.lit("csat").alias("metric"),
            "estimate",
            "low",
            "high",
            pl.col("n").fill_null(0),
            pl.col("missing").fill_null(0),
        )
    )


def rated_answers(llm_calls: pl.DataFrame, feedback: pl.DataFrame) -> pl.DataFrame:
    """What users saw of the day's requests, and how they rated it.

    Args:
        llm_calls: ``RATED_COLUMNS`` of ``LLM_CALLS`` of one day.
        feedback: ``FEEDBACK`` of the day.

    Returns:
        One row per trace whose last call succeeded: ``trace_id``, ``call_id``, ``feature`` and
        ``session_id`` of that call, and ``rating``: the mean of its ratings, null without any. Of
        several names it was rated under it is the lowest mean: an answer that is kind but wrong
        is not half good.
    """
    answers = _answers(llm_calls)
    ratings = (
        _rated_calls(llm_calls, feedback, answers)
        .sort("trace_id", "name", "rating")
        .group_by("trace_id", "name", maintain_order=True)
        .agg(pl.col("rating").mean())
        .group_by("trace_id", maintain_order=True)
        .agg(pl.col("rating").min())
    )
    return (
        answers.filter("answered")
        .select("trace_id", "call_id")
        .join(llm_calls.select("call_id", "feature", "session_id"), on="call_id")
        .join(ratings, on="trace_id", how="left")
    )


def _answers(llm_calls: pl.DataFrame) -> pl.DataFrame:
    """The call of each trace whose output a user saw: the last root, a successful one if any."""
    return (
        llm_calls.select(
            "trace_id",
            "call_id",
            "started_at",
            "attempt",
            answered=pl.col("status") == "ok",
            is_root=pl.col("parent_id").is_null(),
        )
        .sort("answered", "is_root", "started_at", "attempt", "call_id")
        .unique("trace_id", keep="last", maintain_order=True)
        .select("trace_id", "call_id", "answered")
    )


def _opinions(rated: pl.DataFrame) -> pl.DataFrame:
    """One row per opinion of a call: the first rating of each name together, the second, ..."""
    of_call = pl.coalesce("call_id", "feedback_id")
    nth = pl.int_range(pl.len()).over(of_call, "name")
    return (
        rated.sort("given_at", "feedback_id")
        .with_columns(of_call.alias("of_call"), nth.alias("nth"))
        .group_by("of_call", "nth", maintain_order=True)
        .agg(pl.col("call_id", "trace_id").first(), pl.col("rating").mean())
        .drop("of_call", "nth")
    )


def _rated_calls(
    llm_calls: pl.DataFrame, feedback: pl.DataFrame, answers: pl.DataFrame
) -> pl.DataFrame:
    """One row per rating: the call it speaks of and that call's trace, null where there is none."""
    ratings = feedback.filter(pl.col("rating").is_between(*SCALE)).select(
        "feedback_id", "name", "given_at", "rating", named_call="call_id", named_trace="trace_id"
    )
    # People rate in the system they look at, which may have logged the call under another id.
    copies = llm_calls.select("call_id", "trace_id", "copies").explode("copies")
    calls = copies.select(
        named_call=pl.coalesce(pl.col("copies").struct.field("call_id"), "call_id"),
        direct_call="call_id",
        direct_trace="trace_id",
    ).unique("named_call", keep="first", maintain_order=True)
    traces = answers.select(named_trace="trace_id", answer_call="call_id", answer_trace="trace_id")
    return (
        ratings.join(calls, on="named_call", how="left", maintain_order="left")
        .join(traces, on="named_trace", how="left", maintain_order="left")
        .select(
            "feedback_id",
            "name",
            "given_at",
            "rating",
            call_id=pl.coalesce("direct_call", "answer_call"),
            trace_id=pl.coalesce("direct_trace", "answer_trace"),
        )
    )
