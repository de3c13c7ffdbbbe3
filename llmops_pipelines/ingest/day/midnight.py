"""Records of one call on two sides of midnight: on which of the two days it counts.

Clocks of two systems differ, or one says when a call began and another when it was received: of a
call around midnight both days would then count one. Days are put together apart, so a record on the
other day gives nothing to the one that is kept; all that matters is that one is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.ingest.day.asked import NO_CALL
from llmops_pipelines.ingest.day.likeness import (
    RECEIVED,
    SAME_RESPONSE_S,
    SENT,
    one_model,
    seconds_apart,
)
from llmops_pipelines.ingest.day.same_calls import groups
from llmops_pipelines.tables import TOKEN_BUCKETS

NEAR: Final = pl.duration(seconds=SAME_RESPONSE_S)
"""How far from midnight records are looked at."""

COLUMNS: Final = (
    "call_id", "response_id", "source_file", "source_format", "instrumentation", "started_at",
    "status", "model", "model_requested", "content_digest", "only_asked", "tokens_doubted",
    *TOKEN_BUCKETS,
)  # fmt: skip
_PLACE: Final = ["source_file", "call_id"]


class Elsewhere(NamedTuple):
    """``source_file`` and ``call_id`` of records that count on the other of two days."""

    evening: pl.DataFrame
    morning: pl.DataFrame


def told_twice(evening: pl.DataFrame, morning: pl.DataFrame) -> Elsewhere:
    """Which records of an evening count on the morning after it, and the other way round.

    Two records are one call when their call ids, or the provider's response ids, are the same, they
    began within ten minutes, and neither model nor counts say otherwise. A response id that one
    library logged for several calls belongs to a server that repeats its ids. The day is that of
    the record that knows the outcome, knows its tokens, succeeded and has texts, in this order,
    else the evening.

    Args:
        evening: ``COLUMNS`` of ``LANDED_CALLS`` from the end of a day.
        morning: The same from the beginning of the day after it.
    """
    rows = pl.concat(
        [
            evening.with_columns(late=pl.lit(value=False)),
            morning.with_columns(late=pl.lit(value=True)),
        ]
    ).filter(~NO_CALL)
    rows = rows.sort("only_asked", maintain_order=True)
    rows = rows.unique([*_PLACE, "late"], keep="first", maintain_order=True).with_row_index("row")
    found = groups(rows.height, list(_pairs(rows)))
    if found is None:
        return Elsewhere(evening.select(_PLACE).clear(), morning.select(_PLACE).clear())
    worth = [
        pl.col("only_asked"),
        pl.sum_horizontal(pl.col("uncached_input", "output_text").is_null()),
        pl.col("status") != "ok",
        pl.col("content_digest").is_null(),
        pl.col("late"),
    ]
    placed = rows.with_columns(pl.Series("call", found, dtype=pl.Int64))
    kept = placed.sort(*worth).group_by("call").agg(kept=pl.col("late").first())
    out = placed.join(kept, on="call").filter(pl.col("late") != pl.col("kept"))
    return Elsewhere(
        *(out.filter(pl.col("late") == late).select(_PLACE).sort(_PLACE) for late in (False, True))
    )


def _pairs(rows: pl.DataFrame) -> Iterable[tuple[int, int]]:
    seen = rows.with_columns(
        sent=SENT,
        received=RECEIVED,
        asked=pl.coalesce("model_requested", "model"),
        model=pl.coalesce("model", "model_requested"),
    )
    library = ["response_id", "source_format", "instrumentation"]
    repeats = pl.col("call_id").n_unique().over(library) > 1
    responded = seen.filter(pl.col("response_id").is_not_null()).filter(
        ~repeats.any().over("response_id")
    )
    for key, part in (("call_id", seen), ("response_id", responded)):
        yield from (
            part.filter(~pl.col("late"))
            .join(part.filter("late"), on=key, suffix="_right")
            .filter(
                seconds_apart() <= SAME_RESPONSE_S,
                one_model() | pl.any_horizontal(pl.col("model", "model_right").is_null()),
                _same("sent"),
                _same("received"),
            )
            .select("row", "row_right")
            .sort("row", "row_right")
            .iter_rows()
        )


def _same(count: str) -> pl.Expr:
    """The counts agree, or one of them is unknown, or was doubted."""
    doubted = pl.any_horizontal(pl.col("tokens_doubted", "tokens_doubted_right").is_not_null())
    return (pl.col(count) == pl.col(f"{count}_right")).fill_null(value=True) | doubted
