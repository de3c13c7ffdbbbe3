"""Framework spans around a model's span that look like calls themselves, found across lines.

Within one line a format tells them apart as it unpacks it (``formats.dialects``). Exporters that
write a span as soon as it ends put the two in different lines, often in different files: then only
a day's calls together show that one encloses the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.likeness import BARE, OF_SDK
from llmops_pipelines.tables import COPY

_DEEPEST: Final = 64
"""So many parents up a wrapper may stand above its call."""


_COPY: Final = [field.name for field in COPY.fields]


def wrappers(calls: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Those of ``calls`` that only wrap another, with ``inner``: the ``call_id`` of that one.

    A wrapper has no tokens and no response id, and another call stands below it in its trace,
    through whatever steps. Of several calls below it, ``inner`` is the first.

    Args:
        calls: ``LANDED_CALLS`` columns, ``call_id`` distinct.
        steps: ``TRACE_STEPS`` of the same day.
    """
    above = ["trace_id", "call_id"]
    parents = pl.concat(
        [
            calls.select(*above, "parent_id"),
            steps.select("trace_id", pl.col("step_id").alias("call_id"), "parent_id"),
        ]
    ).drop_nulls()
    parents = parents.unique(above, keep="first", maintain_order=True)
    around = parents.select("trace_id", call_id="parent_id").unique()
    outer = calls.filter(BARE).join(around, on=above, how="semi", maintain_order="left")
    if outer.is_empty():
        return outer.with_columns(inner=pl.lit(None, pl.String))
    # A provider's SDK is the wrapped one, whoever stands above it, and makes a wrapper of none.
    below = (
        calls.filter(~OF_SDK.fill_null(value=False), pl.col("parent_id").is_not_null())
        .join(outer, on="trace_id", how="semi")
        .join(outer, on="call_id", how="anti")
        .sort("started_at", "call_id")
        .with_row_index("order")
        .select("order", "trace_id", call_id="parent_id", inner="call_id")
    )
    enclosing = list(_enclosing(below, parents, outer.select(above)))
    first = pl.concat(enclosing).sort("order").unique("call_id", keep="first").drop("order")
    return outer.join(first, on="call_id", maintain_order="left")


def _enclosing(
    below: pl.DataFrame, parents: pl.DataFrame, outer: pl.DataFrame
) -> Iterable[pl.DataFrame]:
    """Every wrapper (``call_id``) with the calls below it (``inner`` and their ``order``)."""
    above = ["trace_id", "call_id"]
    yield below.join(outer, on=above, how="semi").select("order", "call_id", "inner")
    for _ in range(_DEEPEST):
        below = below.join(parents, on=above).select(
            "order", "trace_id", "inner", call_id="parent_id"
        )
        if below.is_empty():
            return
        yield below.join(outer, on=above, how="semi").select("order", "call_id", "inner")


def with_wrappers(calls: pl.DataFrame, wrapped: pl.DataFrame) -> pl.DataFrame:
    """``calls`` whose ``copies`` name the wrappers of any of their records, after these."""
    if wrapped.is_empty():
        return calls
    owner = calls.select(
        "call_id", inner=pl.col("copies").list.eval(pl.element().struct.field("call_id"))
    ).explode("inner")
    more = (
        wrapped.select("inner", pl.struct(pl.col(_COPY)).alias("copy"))
        .join(owner, on="inner")
        .group_by("call_id")
        .agg(pl.col("copy").sort_by(pl.col("copy").struct.field("call_id")))
    )
    empty = pl.lit([], pl.List(COPY))
    return (
        calls.join(more, on="call_id", how="left", maintain_order="left")
        .with_columns(copies=pl.col("copies").list.concat(pl.col("copy").fill_null(empty)))
        .drop("copy")
    )
