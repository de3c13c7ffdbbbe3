"""Whether logs came as they used to: days without any, and days far below their weekday's habit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

WEEKS: Final = 4
THIN: Final = 0.5
"""A day below this share of its weekday's median is flagged."""

_LEAST: Final = 2
"""Fewer such weekdays before it are no habit."""

_NOISE: Final = 3.0
"""Standard deviations that a count may fall below the median by chance, taken as Poisson's."""

GAPS: Final = pl.Schema(
    {"day": pl.Date, "calls": pl.Int64, "usual": pl.Float64, "problem": pl.String}
)


def gaps(counts: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The days from ``first`` to ``last`` that have no calls, or far fewer than is usual.

    Usual is the median of the same weekday in the four weeks before. A day without calls is flagged
    wherever calls were landed before and after it, or before it for as long as two weeks.

    Args:
        counts: ``day`` and ``calls``; days that are not in it have none.
        first: First day to look at.
        last: Last day to look at: the latest that is over.

    Returns:
        ``GAPS``, by day; ``usual`` is null where there is no habit yet.
    """
    known = dict(counts.select("day", pl.col("calls").cast(pl.Int64)).iter_rows())
    landed = sorted(day for day, calls in known.items() if calls)
    if not landed:
        return pl.DataFrame(schema=GAPS)
    found = []
    day = max(first, landed[0])
    while day <= last:
        calls = known.get(day, 0)
        usual = _usual(known, day, landed[0])
        if calls == 0 and (day < landed[-1] or usual):
            found.append((day, calls, usual, "no calls: is a file late, or its source off?"))
        elif usual and calls < THIN * usual and calls < usual - _NOISE * usual**0.5:
            found.append((day, calls, usual, "far fewer calls than on this weekday before"))
        day += timedelta(days=1)
    return pl.DataFrame(found, schema=GAPS, orient="row")


def _usual(known: dict[date, int], day: date, beginning: date) -> float | None:
    before = [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    habit = pl.Series([known.get(past, 0) for past in before if past >= beginning], dtype=pl.Int64)
    median = habit.median() if habit.len() >= _LEAST else None
    return float(median) if isinstance(median, (int, float)) else None
