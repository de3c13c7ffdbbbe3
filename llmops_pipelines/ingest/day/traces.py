"""Calls and steps to traces: what one request of a user came to."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.tables import TRACES


def traces(llm_calls: pl.DataFrame, trace_steps: pl.DataFrame) -> pl.DataFrame:
    """One row per trace that made a call on the day, as ``TRACES``.

    The root call is the answer a user saw: among the calls without a parent (among all, where the
    root is a step) the last successful one in time, or the last one if none succeeded. A trace that
    runs past midnight is a trace of each day, with that day's calls.

    Args:
        llm_calls: ``LLM_CALLS`` of a day.
        trace_steps: ``TRACE_STEPS`` of the same day.
    """
    root = pl.col("parent_id").is_null()
    ranked = llm_calls.with_columns(
        is_candidate=root | ~root.any().over("trace_id"), succeeded=pl.col("status") == "ok"
    )
    answers = (
        ranked.filter("is_candidate")
        .sort("succeeded", "started_at", "attempt", "call_id")
        .unique("trace_id", keep="last", maintain_order=True)
    )
    calls = llm_calls.group_by("trace_id").agg(
        first=pl.col("started_at").min(), call_count=pl.len().cast(pl.Int32)
    )
    steps = trace_steps.group_by("trace_id").agg(step_count=pl.len().cast(pl.Int32))
    return TRACES.require(
        answers.drop("started_at")
        .join(calls, on="trace_id", how="left")
        .join(steps, on="trace_id", how="left")
        .with_columns(
            root_call_id="call_id",
            started_at="first",
            step_count=pl.col("step_count").fill_null(0),
            has_text=pl.col("content_digest").is_not_null(),
        )
    )
