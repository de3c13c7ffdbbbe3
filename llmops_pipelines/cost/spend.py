"""What was spent, by any dimension of a bill, over any days."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import polars as pl

from llmops_pipelines.cost.cube import DIMENSIONS, UnknownDimensionError, sum_calls
from llmops_pipelines.pricing import service_of_call
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import COST_CUBE, COST_PARTS, MONEY, TOKEN_BUCKETS

_SHORT: Final = {
    "user": "user_hash",
    "session": "session_id",
    "tier": "service_tier",
    "batch": "is_batch",
    "cached": "is_cached",
    "retry": "is_retry",
    "prompt": "prompt_name",
    "arm": "experiment_arm",
    "error": "error_class",
}

SPEND_DIMENSIONS: Final = ("day", *DIMENSIONS)
"""What spend can be divided by."""

_COUNTS: Final = ("calls", "errors", "unpriced_calls", "no_usage_calls", *TOKEN_BUCKETS)


def dimension_called(name: str) -> str:
    """The dimension that ``name``, or a short form of it such as ``user``, means.

    Raises:
        UnknownDimensionError: None does.
    """
    meant = _SHORT.get(name, name)
    if meant not in SPEND_DIMENSIONS:
        every = (*SPEND_DIMENSIONS, *_SHORT)
        close = get_close_matches(name, every, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UnknownDimensionError(f"{name!r}: spend can be divided by {', '.join(every)}{meant}")
    return meant


def in_cube(by: Sequence[str]) -> bool:
    """Whether ``COST_CUBE`` has all of ``by``; users and sessions are in the calls alone."""
    return set(by) <= {"day", *COST_CUBE.key}


def as_charged(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the ``service_tier`` that is charged, not the spelling that was logged.

    ``default``, ``auto`` and no tier at all are one price, ``standard``; a batch is ``batch``,
    whatever tier it names.

    Args:
        frame: ``service_tier`` and ``is_batch`` of calls or of rows of ``COST_CUBE``.
    """
    return frame.with_columns(service_of_call().alias("service_tier"))


def spend_of_calls(calls: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Sum one day's calls by ``by``, as ``add_up`` takes it.

    Args:
        calls: ``columns_for(by)`` of ``LLM_CALLS`` with ``cost`` and ``COST_PARTS``.
        by: Some of ``DIMENSIONS``.
    """
    owned = calls.with_columns(pl.col("team").fill_null(UNATTRIBUTED)) if "team" in by else calls
    owned = as_charged(owned) if "service_tier" in by else owned
    # Without a dimension there is nothing to number calls by: any will do, `add_up` sums them all.
    return sum_calls(owned, by or ["status"]).select(*by, *_COUNTS, "cost", *COST_PARTS)


def add_up(sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Add partial sums up by ``by``; the dearest first, days in their order.

    ``cost`` is null where no call of a row has a price; a part of it is null where a priced call
    of an older release lacks it.

    Args:
        sums: Rows of ``COST_CUBE`` or of ``spend_of_calls``, with ``day`` if that is asked for.
        by: Some of ``SPEND_DIMENSIONS``; none of them gives one row.
    """
    priced = pl.col("cost").is_not_null()
    totals = [
        *(pl.col(name).sum() for name in _COUNTS),
        pl.when(priced.any()).then(pl.col("cost").sum()).cast(MONEY).alias("cost"),
        *(
            pl.when(priced.any() & ~(priced & pl.col(name).is_null()).any())
            .then(pl.col(name).sum())
            .cast(MONEY)
            .alias(name)
            for name in COST_PARTS
        ),
    ]
    added = sums.group_by(by).agg(totals) if by else sums.select(totals)
    first = [name for name in ("day", "hour") if name in by]
    others = [name for name in by if name not in first]
    return added.sort(
        [*first, "cost", *others],
        descending=[*(False for _ in first), True, *(False for _ in others)],
        nulls_last=True,
    )
