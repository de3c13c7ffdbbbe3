"""When people work: calls per day, hours of the day, and who calls how often."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from llmops_pipelines.sample_company.drawing import GOLDEN_RATIO, apportion

WEEKEND = 0.45
"""Traffic of a Saturday or Sunday, as a share of a weekday's."""

HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 12, 10, 12, 13, 12, 11, 9, 7, 6, 5, 4, 3, 2)
"""Weight of each UTC hour: quiet nights, a dip at noon."""

USERS = 420
EARLIEST = timedelta(seconds=10)
LATEST = timedelta(hours=23, minutes=58)

_HOURS_SO_FAR = tuple(accumulate(HOURS))
_USERS_SO_FAR = tuple(accumulate(1 / rank**1.02 for rank in range(1, USERS + 1)))


def calls_by_day(days: list[date], calls_per_day: int) -> list[int]:
    """Calls of each day by its weekday; they add up to ``calls_per_day`` times the days."""
    weights = [WEEKEND if day.weekday() >= 5 else 1.0 for day in days]
    return apportion(calls_per_day * len(days), weights)


def session_start(day: date, index: int, offset: float) -> datetime:
    """Start of the day's session number ``index``.

    The golden-ratio sequence covers the day's rhythm evenly, so that a two-hour outage meets its
    due share of calls whatever the seed.
    """
    quantile = (offset + index * GOLDEN_RATIO) % 1 * _HOURS_SO_FAR[-1]
    hour = next(h for h, total in enumerate(_HOURS_SO_FAR) if quantile < total)
    within = 1 - (_HOURS_SO_FAR[hour] - quantile) / HOURS[hour]
    start = datetime.combine(day, time()) + timedelta(hours=hour + within)
    return max(start, datetime.combine(day, time()) + EARLIEST)


def draw_user(rng: Random) -> str:
    """A user; a few call often, most seldom (Zipf)."""
    (rank,) = rng.choices(range(1, USERS + 1), cum_weights=_USERS_SO_FAR)
    return f"u-{rank * 7919 % 100_003:05d}"
