"""Days of an export that do not begin at midnight UTC: stated by it, or found out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

from llmops_pipelines.billing.levels import KEY, Level, levelled

_DAYS: Final = 3
"""Fewer days fit any shift by chance."""

_CURED: Final = 0.1
"""A shift is believed where it leaves at most this part of the differences."""

_EAST, _WEST = 14, -12

NO_SHIFT: Final = timedelta()


def stated_shift(lines: pl.DataFrame) -> timedelta:
    """By how much the export's days begin before those of UTC, as its periods say."""
    known = lines.filter(pl.col("begins").is_not_null(), pl.col("hours") >= 23)
    starts = known["begins"].dt.time().unique()
    if known.height < lines.height or len(starts) != 1:
        return NO_SHIFT
    begins = timedelta(hours=starts[0].hour, minutes=starts[0].minute)
    return timedelta(days=1) - begins if begins > timedelta(hours=12) else -begins


def shift_that_fits(
    joined: pl.DataFrame,
    calls: pl.DataFrame,
    level: Level,
    shift: timedelta,
    first: date,
    last: date,
) -> pl.DataFrame | None:
    """``KEY`` and ``shifted``, what our calls come to in the one other time zone that fits.

    None where the zone is right as it is, or no other is better by far.
    """
    if joined["day"].n_unique() < _DAYS or joined["invoiced"].null_count() == joined.height:
        return None
    billed = joined.select(*KEY, "invoiced", "evaluation").filter(pl.col("invoiced").is_not_null())
    off = _off(billed, levelled(calls, level, shift, first, last))
    if off < 0.01:
        return None
    found = []
    for hours in range(_WEST, _EAST + 1):
        if not hours:
            continue
        moved = levelled(calls, level, shift + timedelta(hours=hours), first, last)
        found.append((_off(billed, moved), abs(hours), moved))
    least, _, moved = min(found, key=lambda candidate: candidate[:2])
    return moved.select(*KEY, shifted="cost") if least <= _CURED * off else None


def _off(billed: pl.DataFrame, ours: pl.DataFrame) -> float:
    """Sum of the differences, in dollars."""
    both = billed.join(ours.select(*KEY, "cost"), on=KEY, how="left", nulls_equal=True)
    gap = pl.col("invoiced") - pl.col("evaluation") - pl.col("cost").fill_null(0)
    return float(both.select(gap.cast(pl.Float64).abs().sum()).item())
