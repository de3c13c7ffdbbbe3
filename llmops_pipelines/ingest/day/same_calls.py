"""One call that was logged more than once, under different ids: found, and merged into one row.

A call is logged again by a wrapper (an SDK's own span inside an instrumentation's) or by a second
system (a gateway and a tracing tool). Counted twice, it would double spend. How such records are
found is told in ``copies``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.completeness import fullest_first
from llmops_pipelines.ingest.day.copies import copies_in
from llmops_pipelines.ingest.day.likeness import BEGUN, CACHED, SNAPSHOT
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import COPY, LANDED_CALLS, TOKEN_BUCKETS

_TRACERS: Final = (
    "openinference", "otel_genai", "langfuse", "langsmith", "mlflow", "weave", "opik",
)  # fmt: skip

PRECEDENCE: Final[Mapping[str, tuple[str, ...]]] = {
    "cost_reported": ("litellm", "helicone", "portkey", "kong"),
    "latency_ms": _TRACERS,
    "ttft_ms": _TRACERS,
    "feature": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow", "weave", "opik"),
    "prompt_name": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow"),
    "prompt_version": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow"),
}
"""Whose word counts first for a field: gateways know money, the application knows itself. Formats
that are not named, and fields that are not listed, go by how complete the record is."""

_OF_KEPT: Final = (
    "call_id", "status", "error_class", "context_count",
    "tool_call_count", "question_chars", "answer_chars", "redactions", "content_digest",
    "source_format", "source_file", "source_line", "source_record", "record_digest", "attempt",
    "text_records",
)  # fmt: skip
"""Not filled from other records: they say where the kept record lies and what it says."""

_OF_TRACE: Final = ("trace_id", "parent_id")
"""Of the fullest record that stands below another: that trace knows whose request the call served,
and what was retrieved for it. A library below may open a trace for the call alone."""

_COPY: Final = [field.name for field in COPY.fields]


def merged(calls: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with every call once, and ``copies``: all records of it, the kept one first.

    The kept record is the one that says most (``completeness``); what it leaves null is filled from
    the others, field by field in the order of ``PRECEDENCE``. The trace is that in which a record
    has a parent. Token counts are taken together from
    the record that breaks them down furthest, of those whose total does not contradict them; of an
    answer out of a gateway's cache from the gateway's, which knows that none were bought.

    Args:
        calls: Landed calls with distinct ``call_id``.

    Returns:
        In the order of ``calls``.
    """
    alone = pl.concat_list(pl.struct(_COPY)).alias("copies")
    group = groups(calls.height, list(copies_in(calls)))
    if group is None:
        return calls.with_columns(alone)
    rows = calls.with_row_index("row").with_columns(pl.Series("place", group, dtype=pl.Int64))
    several = pl.len().over("place") > 1
    whole = _merge(rows.filter(several))
    single = rows.filter(~several).with_columns(alone).select(whole.columns)
    return pl.concat([single, whole]).sort("row").drop("row")


def groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int] | None:
    """The first member of each row's group, by row; None where no row has another beside it."""
    if not pairs:
        return None
    first = list(range(count))

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(row) for row in range(count)]


def _merge(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per ``place`` of ``rows``; the kept one, which says most, gives ``row``."""
    detail = pl.sum_horizontal((pl.col(name) > 0).fill_null(value=False) for name in TOKEN_BUCKETS)
    known = pl.col("uncached_input").is_not_null() & pl.col("output_text").is_not_null()
    certain = pl.col("tokens_doubted").is_null()
    # Whoever saw a stream begin does not know that it broke off.
    misled = BEGUN & (pl.col("status") == "error").any().over("place")
    signs = {1000: CACHED, 200: known, 100: certain}
    worth = [sign.cast(pl.Int32) * weight for weight, sign in signs.items()]
    fullest = pl.sum_horizontal(*worth, detail).arg_max()
    counted = (*TOKEN_BUCKETS, "tokens_doubted")
    own = {*_OF_KEPT, *_OF_TRACE, *counted, "tags", "is_batch", "batch", "only_asked"}
    traced = [(name, pl.col(name).filter(pl.col("parent_id").is_not_null())) for name in _OF_TRACE]
    filled = [name for name in LANDED_CALLS.schema if name not in own]
    return (
        fullest_first(rows)
        .sort(misled, maintain_order=True)
        .group_by("place", maintain_order=True)
        .agg(
            pl.col("row").first(),
            *(pl.col(name).first() for name in _OF_KEPT),
            *(pl.coalesce(within.first(), pl.col(name).first()) for name, within in traced),
            *(pl.col(name).get(fullest) for name in counted),
            *(_first_known(name) for name in filled),
            pl.col("is_batch").any(),
            pl.col("tags").explode().drop_nulls().unique(maintain_order=True),
            copies=pl.struct(_COPY),
        )
        .drop("place")
    )


def _first_known(name: str) -> pl.Expr:
    says = pl.col(name).is_not_null()
    if name == "model":
        alias = pl.col(name).drop_nulls().first()
        agree = pl.col(name).filter(
            pl.col(name).str.strip_prefix(alias).str.contains(SNAPSHOT) | (pl.col(name) == alias)
        )
        return agree.sort_by(agree.str.len_chars(), maintain_order=True).last().alias(name)
    if name == "feature":
        says &= pl.col(name) != UNATTRIBUTED
    candidates: list[pl.Expr] = [
        pl.col(name).filter(says & (pl.col("source_format") == source)).first()
        for source in PRECEDENCE.get(name, ())
    ]
    return pl.coalesce(*candidates, pl.col(name).filter(says).first(), pl.col(name).first()).alias(
        name
    )
