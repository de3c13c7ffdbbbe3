"""Contexts that a call did not log itself: the documents its trace retrieved before it."""

from __future__ import annotations

from typing import Final

import polars as pl

_RETRIEVING: Final = ("retriever", "reranker")
_SLACK_MS: Final = 1.0
"""Spans are rounded: a retriever may seem to end a moment after the call it feeds began."""


def with_context_steps(calls: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with ``context_steps``, and ``context_count`` where these supply the contexts.

    A call that logs contexts keeps its own. Any other takes the documents of the last reranker that
    ended before it began, else of all retrievers that did, in order of time.

    Args:
        calls: With ``call_id``, ``trace_id``, ``started_at`` and ``context_count``.
        steps: ``TRACE_STEPS`` of the same day.
    """
    none = pl.lit([], pl.List(pl.String)).alias("context_steps")
    found = steps.filter(pl.col("kind").is_in(_RETRIEVING) & (pl.col("document_count") > 0))
    if found.is_empty():
        return calls.with_columns(none)
    ended = pl.col("began") + pl.duration(
        microseconds=(pl.col("latency_ms").fill_null(0) * 1000).cast(pl.Int64)
    )
    supply = (
        calls.filter(pl.col("context_count") == 0)
        .select("call_id", "trace_id", "started_at")
        .join(
            found.select(
                "trace_id", "step_id", "kind", "latency_ms", "document_count", began="started_at"
            ),
            on="trace_id",
        )
        .filter(ended <= pl.col("started_at") + pl.duration(milliseconds=_SLACK_MS))
        .sort("call_id", "began", "step_id")
    )
    reranked = (pl.col("kind") == "reranker").any().over("call_id")
    last = pl.int_range(pl.len(), 0, -1).over("call_id", "kind") == 1
    chosen = supply.filter(~reranked | ((pl.col("kind") == "reranker") & last))
    given = chosen.group_by("call_id", maintain_order=True).agg(
        context_steps="step_id", retrieved=pl.col("document_count").sum().cast(pl.Int32)
    )
    supplied = calls.select("call_id").join(given, on="call_id", how="left", maintain_order="left")
    return calls.with_columns(
        supplied["context_steps"].fill_null([]),
        context_count=supplied["retrieved"].fill_null(calls["context_count"]),
    )
