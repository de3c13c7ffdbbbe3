"""Days of an export that do not begin at midnight UTC: stated by it, or found out."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from llmops_pipelines.billing.levels import KEY, Level, levelled

_DAYS: Final = 3
"""Fewer days fit any shift by chance."""

_CURED: Final = 0.1
"""A shift is believed where it leaves at most this part of the differences."""

_EAST, _WEST = 14, -12

_CHANGE: Final = timedelta(hours=1)
"""By so much at most do days begin earlier or later once clocks were changed."""

_TO_NEAREST: Final = timedelta(hours=12) - timedelta(microseconds=1)
"""Added to where a day begins, it makes the date of the nearest midnight UTC."""


def stated_days(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``lines`` by the days that their periods state, and when each of these days is.

    A day of a zone whose clocks change that day has 23 hours or 25. Days are those of UTC where not
    every line is of a period of a day, or where these begin at any hour.

    Args:
        lines: ``LINES``, not empty.

    Returns:
        ``lines``, and ``day``, ``begins`` and ``ends`` of every day from the first to the last,
        those without a line among them.
    """
    dated = lines.with_columns(day=(pl.col("begins") + _TO_NEAREST).dt.date())
    midnight = pl.col("day").cast(pl.Datetime("us"))
    length = pl.duration(minutes=60 * pl.col("hours").clip(upper_bound=25))
    edges = dated.select(
        "day",
        begins_off=pl.col("begins") - midnight,
        ends_off=pl.col("begins") + length - midnight - timedelta(days=1),
    ).unique()
    if _are_stated(lines, edges):
        lines = dated
    else:
        edges = lines.select("day", begins_off=timedelta(), ends_off=timedelta()).unique()
    first, last = pl.col("day").min(), pl.col("day").max()
    days = lines.select(pl.date_range(first, last + timedelta(days=1), "1d").alias("day"))
    # A day without a line begins where the one before ends.
    begins = midnight + pl.coalesce("begins_off", pl.col("ends_off").forward_fill().shift())
    return lines, (
        days.join(edges, on="day", how="left", maintain_order="left")
        .select("day", begins=begins, ends=begins.shift(-1))
        .head(-1)
    )


def _are_stated(lines: pl.DataFrame, edges: pl.DataFrame) -> bool:
    """Whether every line is of a period of a day, and all days begin at one hour of clocks."""
    off = pl.col("begins_off")
    whole = lines.select(
        (pl.col("begins").is_not_null() & (pl.col("hours") >= 23)).fill_null(value=False)
    )
    alike = edges.select(pl.col("day").is_unique().all() & (off.max() - off.min() <= _CHANGE))
    return bool(whole.to_series().all() and alike.item())


def shift_that_fits(
    joined: pl.DataFrame, calls: pl.DataFrame, level: Level, days: pl.DataFrame
) -> pl.DataFrame | None:
    """``KEY`` and ``shifted``, what our calls come to in the one other time zone that fits.

    None where the zone is right as it is, or no other is better by far.

    Args:
        joined: Both sides, with ``invoiced`` and ``evaluation``.
        calls: ``calls_side``.
        level: The invoice's.
        days: Of ``stated_days``.
    """
    if joined["day"].n_unique() < _DAYS or joined["invoiced"].null_count() == joined.height:
        return None
    billed = joined.select(*KEY, "invoiced", "evaluation").filter(pl.col("invoiced").is_not_null())
    off = _off(billed, levelled(calls, level, days))
    if off < 0.01:
        return None
    found = []
    for hours in range(_WEST, _EAST + 1):
        if not hours:
            continue
        by = timedelta(hours=hours)
        moved = levelled(calls, level, days.with_columns(pl.col("begins", "ends") - by))
        found.append((_off(billed, moved), abs(hours), moved))
    least, _, moved = min(found, key=lambda candidate: candidate[:2])
    return moved.select(*KEY, shifted="cost") if least <= _CURED * off else None


def _off(billed: pl.DataFrame, ours: pl.DataFrame) -> float:
    """Sum of the differences, in dollars."""
    both = billed.join(ours.select(*KEY, "cost"), on=KEY, how="left", nulls_equal=True)
    gap = pl.col("invoiced") - pl.col("evaluation") - pl.col("cost").fill_null(0)
    return float(both.select(gap.cast(pl.Float64).abs().sum()).item())
