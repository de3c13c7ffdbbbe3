"""What calls used, bucket by bucket, as arrays."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.charging.keys import whole_numbers
from llmops_pipelines.tables import METERED

Counts = dict[str, NDArray[np.int64]]
"""Tokens (and searches) of each call, for the buckets that any call has."""

_SIGN = 2**63


def counts_of(calls: pl.DataFrame) -> Counts:
    """What each call used; 0 where it was not recorded, and no bucket of which no call used any.

    Args:
        calls: Those of ``METERED`` that are known, typed as in ``LLM_CALLS``.

    Raises:
        ValueError: A count is negative.
    """
    found = {}
    for bucket in METERED:
        if bucket not in calls.columns:
            continue
        counts = whole_numbers(calls.get_column(bucket).cast(pl.Int64))
        # Without its sign a negative count is above all others: one look for both.
        highest = counts.view(np.uint64).max(initial=0)
        if highest >= _SIGN:
            _refuse(calls)
        if highest:
            found[bucket] = counts
    return found


def _refuse(calls: pl.DataFrame) -> None:
    metered = [bucket for bucket in METERED if bucket in calls.columns]
    wrong = calls.filter(pl.any_horizontal(pl.col(metered) < 0))
    first = wrong.row(0, named=True)
    counts = ", ".join(f"{b}={first[b]}" for b in metered if (first[b] or 0) < 0)
    raise ValueError(
        f"{wrong.height:,} call(s) have negative token counts, first "
        f"{first.get('call_id', first['model'])} with {counts}; landing rejects such lines, so "
        "land the file again or leave the call out"
    )
