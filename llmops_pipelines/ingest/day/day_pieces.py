"""A day of calls put together piece by piece, so that it is never held whole.

Records are made one call, or take something over from each other, within a trace, among equal call
ids, or among equal response ids. A row that shares none of these with another record is alone: it
becomes a call wherever it is read. The others, the company, are dealt out over pieces by the hash
of their trace; traces that share a call or response id go to the same piece. Of the whole day only
hashes of ids are held, 16 bytes a call. Records of two writers may be one call although they share
no id: those of equal counts at the same time go together too, and streams with the records that saw
them begin (``twins_in_time``), and what was tried again (``untraced``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from llmops_pipelines.ingest.day.twins_in_time import WRITER, may_be_twins, twins_in_time
from llmops_pipelines.ingest.day.untraced import tried_again

HELD_WHOLE: Final = 150_000
"""Landed rows of a day that is one piece: landing it takes as much memory then as a larger day."""

_PIECE: Final = 75_000
"""Landed rows of a piece. Dealing out costs half of what putting together costs."""

PORTION: Final = 50_000
"""Rows that are alone are put together in portions of so many: about those of a landed part, which
is in order already."""

_IDS: Final = ("call_id", "response_id")


class Dealing(NamedTuple):
    """Where a day's rows go.

    ``alone`` tells the landed calls that share nothing with another record. Of the company,
    ``piece`` says for landed calls and for steps in which of ``pieces`` their trace is.
    """

    alone: pl.Expr
    pieces: int
    piece: pl.Expr


def dealt(
    landed: pl.LazyFrame, steps: pl.DataFrame, held_whole: int = HELD_WHOLE, piece: int = _PIECE
) -> Dealing | None:
    """How to deal out a day's landed calls and their steps; None where the day is one piece.

    ``llm_calls`` of the rows that are alone, in whatever portions, and of each piece share no call,
    and are together those of the day. A day of up to ``held_whole`` rows is one piece, the company
    of others has pieces of about ``piece`` rows.
    """
    count, writers = (
        landed.select(pl.len(), WRITER.unique().implode().alias("writers")).collect().row(0)
    )
    if count <= held_whole:
        return None
    (traces, company), *of_ids = (_repeated(landed, name) for name in ("trace_id", *_IDS))
    of_steps = steps.filter(pl.col("trace_id").hash().is_in(traces.implode()).not_())
    shared = dict(zip(_IDS, (ids for ids, _ in of_ids), strict=True))
    together = [_traces_of(landed, name, ids) for name, ids in shared.items()]
    # At most so many: a row may share several things.
    company += of_steps.height + sum(rows for _, rows in of_ids)
    more = [of_steps.select(pl.col("trace_id").hash().unique()).to_series()]
    found = [tried_again(landed)]
    if may_be_twins(writers):
        found.append(twins_in_time(landed, sorted(writers)))
    for runs, rows in found:
        together.append(runs)
        company += rows
        more.append(runs["trace"].explode().unique())
    traces = pl.concat([traces, *more])
    alone = pl.all_horizontal(
        pl.col(name).hash().is_in(ids.implode()).not_()
        for name, ids in (("trace_id", traces), *shared.items())
    )
    pieces = -(-company // piece)
    trace = pl.col("trace_id").hash()
    joined = _together(together)
    if len(joined):
        trace = trace.replace(joined["trace"], joined["root"])
    return Dealing(alone, pieces, (trace % max(pieces, 1)).cast(pl.Int32))


def _repeated(landed: pl.LazyFrame, name: str) -> tuple[pl.Series, int]:
    """The hashes of an id that several rows have, and how many rows these are."""
    hashes = (
        landed.filter(pl.col(name).is_not_null())
        .select(pl.col(name).hash())
        .collect(engine="streaming")
        .to_series()
    )
    ordered = np.sort(hashes.to_numpy())
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    repeated = np.unique(again)
    return pl.Series(repeated, dtype=pl.UInt64), len(again) + len(repeated)


def _traces_of(landed: pl.LazyFrame, name: str, ids: pl.Series) -> pl.DataFrame:
    """Hashes of the traces that share one of ``ids``, a list for each such id."""
    of_id = pl.col(name).hash()
    rows = landed.filter(pl.col(name).is_not_null() & of_id.is_in(ids.implode()))
    empty = pl.DataFrame(schema={"id": pl.UInt64, "trace": pl.UInt64})
    hashes = rows.select(id=of_id, trace=pl.col("trace_id").hash())
    return (
        (hashes.collect(engine="streaming") if ids.len() else empty)
        .group_by("id")
        .agg(pl.col("trace").unique().sort())
        .filter(pl.col("trace").list.len() > 1)
        .sort("id")
    )


def _together(shared: list[pl.DataFrame]) -> pl.DataFrame:
    """``trace`` and ``root``: for traces that go together with others, which one they all go with.

    Of connected traces the lowest hash stands for all.
    """
    lists = pl.concat(shared)["trace"]
    if lists.is_empty():
        return pl.DataFrame(schema={"trace": pl.UInt64, "root": pl.UInt64})
    from scipy.sparse import coo_array  # 0.2 s that most days do not need
    from scipy.sparse.csgraph import connected_components

    pairs = pl.DataFrame({"first": lists.list.first(), "trace": lists}).explode("trace")
    traces = pl.concat([pairs["first"], pairs["trace"]]).unique().sort()
    ends = (traces.search_sorted(pairs[name]).to_numpy() for name in ("first", "trace"))
    known = np.ones(pairs.height, np.bool_)
    size = (len(traces), len(traces))
    _, group = connected_components(coo_array((known, tuple(ends)), shape=size), directed=False)
    _, lowest = np.unique(group, return_index=True)
    return pl.DataFrame({"trace": traces, "root": traces.gather(lowest[group])})
