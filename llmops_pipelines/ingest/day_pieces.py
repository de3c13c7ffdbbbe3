"""A day of calls dealt out over pieces that can be put together one after another.

Records are made one call, or take something over from each other, within a trace, among equal call
ids, or among equal response ids. So traces are dealt out over pieces by their hash, and traces that
share a call or response id go to the same piece. Of the whole day only hashes of ids are held, 16
bytes a call. Records in two formats may be one call although they share no id; a day that has these
is one piece, however large.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

HELD_WHOLE: Final = 400_000
"""Landed rows of a day that is one piece: 0.2 GB, and twice that while it is worked on."""

_PIECE: Final = 125_000
"""Landed rows of a piece. Dealing out costs half of what putting together costs."""

_IDS: Final = ("call_id", "response_id")


class Dealing(NamedTuple):
    """How many pieces a day has, and which of them a row's ``trace_id`` belongs to."""

    pieces: int
    piece: pl.Expr


def dealt(
    landed: pl.LazyFrame, held_whole: int = HELD_WHOLE, piece: int = _PIECE
) -> Dealing | None:
    """How to deal out a day's landed calls and steps; None where the day is one piece.

    ``llm_calls`` of each piece share no call with those of another, and are together those of the
    day. A day of up to ``held_whole`` rows is one piece, others have pieces of about ``piece``.
    """
    rows, formats = (
        landed.select(pl.len(), pl.col("source_format").n_unique().alias("formats"))
        .collect()
        .row(0)
    )
    if rows <= held_whole or formats > 1:
        return None
    pieces = -(-rows // piece)
    together = _together([_shared(landed, name) for name in _IDS])
    trace = pl.col("trace_id").hash()
    if together:
        trace = trace.replace(
            pl.Series(list(together), dtype=pl.UInt64),
            pl.Series(list(together.values()), dtype=pl.UInt64),
        )
    return Dealing(pieces, (trace % pieces).cast(pl.Int32))


def _shared(landed: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Hashes of the traces that share an id, a list for each such id."""
    hashes = (
        landed.filter(pl.col(name).is_not_null())
        .select(id=pl.col(name).hash(), trace=pl.col("trace_id").hash())
        .collect(engine="streaming")
    )
    ordered = np.sort(hashes["id"].to_numpy())
    repeated = pl.Series(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]), dtype=pl.UInt64)
    return (
        hashes.filter(pl.col("id").is_in(repeated.implode()))
        .group_by("id")
        .agg(pl.col("trace").unique().sort())
        .filter(pl.col("trace").list.len() > 1)
        .sort("id")
    )


def _together(shared: list[pl.DataFrame]) -> dict[int, int]:
    """For traces that go together with others: which trace they all go with."""
    first: dict[int, int] = {}

    def root(trace: int) -> int:
        while (above := first.setdefault(trace, trace)) != trace:
            trace = above
        return trace

    for traces in pl.concat(shared)["trace"].to_list():
        roots = [root(trace) for trace in traces]
        for one in roots:
            first[one] = min(roots)
    return {trace: root(trace) for trace in list(first)}
