"""Whether the last day of a series is unusual, by what its weekday and the last two weeks were."""

from __future__ import annotations

from statistics import median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

THRESHOLD: Final = 3.5
"""Robust deviations from which a day is unusual (B. Iglewicz and D. Hoaglin, How to Detect and
Handle Outliers, 1993)."""
LEAST_DAYS: Final = 5
LEAST_ALIKE: Final = 3
"""Of a weekday: the median of two is as far off as one of them may be."""

_OFFSET: Final = 0.2
"""Of the mean, added before the logarithm: a day of nothing has one."""
_LEVEL_DAYS: Final = 14
_NORMAL: Final = 1.4826
"""Times the median absolute residual is the standard deviation of a normal distribution."""
_WIDE: Final = 0.8
"""Where calls come on some days only, most residuals are small and a quarter may be large: the
median alone would call every such day unusual."""
_OF_WIDE: Final = 1 / 1.2816
"""Times that quantile of absolute residuals is the standard deviation of a normal distribution."""
_LEAST_SCALE: Final = 0.05
"""About 5 %: what never varied may still change by a few per cent."""
_FEW: Final = 1.0
"""The scale is taken 1 + 1 / n times as large: a median of few residuals is often too small. Chosen
in benchmarks/forecast.py, so that about one usual day in a hundred is called unusual."""
SATURDAY: Final = 5


class Judged(NamedTuple):
    """What is usual for the day, and how far it is from that. ``z`` is None without enough days."""

    z: float | None
    expected: float | None
    low: float | None
    high: float | None
    days: int
    reason: str | None


def judge_last(spent: Floats, weekdays: Ints) -> Judged:
    """Hold the last day against those before it.

    A day's logarithm is held against the median of its weekday and the last two weeks' level; while
    its weekday was seen less than three times, working days are held against working days and
    weekends against weekends. Each day of the past is held against the others in the same way; the
    median of what it lies off is the scale, so that a series that always moves is allowed to.

    Args:
        spent: USD of each day, oldest first, NaN where it is not known.
        weekdays: 0 for Monday to 6 for Sunday.
    """
    known = ~np.isnan(spent[:-1])
    past, past_weekdays = spent[:-1][known], weekdays[:-1][known]
    today, weekday = float(spent[-1]), int(weekdays[-1])
    if np.isnan(today):
        return _nothing(len(past), "its spend that day is not known: too many calls have no price")
    if (past_weekdays == weekday).sum() < LEAST_ALIKE:
        alike = (past_weekdays >= SATURDAY) == (weekday >= SATURDAY)
        past, past_weekdays = past[alike], np.zeros(alike.sum(), dtype=np.int64)
        weekday = 0
        if len(past) < LEAST_DAYS:
            kind = "weekend" if weekdays[-1] >= SATURDAY else "working"
            return _nothing(len(past), f"{len(past)} {kind} days before it; at least {LEAST_DAYS}")
    mean = float(past.mean()) or today or 1.0
    logs = np.log(past / mean + _OFFSET)
    middle = _expected(logs, past_weekdays, np.arange(len(logs), 0, -1), weekday)
    scale = _scale(past, logs, past_weekdays)
    expected, low, high = (
        mean * max(float(np.exp(middle + side * THRESHOLD * scale)) - _OFFSET, 0.0)
        for side in (0, -1, 1)
    )
    z = (float(np.log(today / mean + _OFFSET)) - middle) / scale
    return Judged(z, expected, low, high, len(past), None)


def _nothing(days: int, reason: str) -> Judged:
    return Judged(None, None, None, None, days, reason)


def _expected(logs: Floats, weekdays: Ints, apart: Ints, weekday: int) -> float:
    """The level of the days near, and what the weekday lies off it; ``apart`` is how far."""
    # Plain lists: numpy takes ten times as long over a few dozen numbers.
    logged, days, away = logs.tolist(), weekdays.tolist(), apart.tolist()
    of_day: dict[int, list[float]] = {}
    for day, value in zip(days, logged, strict=True):
        of_day.setdefault(day, []).append(value)
    medians = {day: median(values) for day, values in of_day.items()}
    near = [
        value - medians[day]
        for day, value, days_off in zip(days, logged, away, strict=True)
        if days_off <= _LEVEL_DAYS
    ]
    return float(median(near) + medians[weekday])


def _scale(spent: Floats, logs: Floats, weekdays: Ints) -> float:
    """How far a day lies from what the others say of it; days of nothing say nothing of that."""
    off = []
    days = np.arange(len(logs))
    outlying = _outlying(logs, weekdays)
    for place in days[spent > 0]:
        others = (days != place) & ~outlying
        if weekdays[place] in weekdays[others]:
            apart = np.abs(days - place)[others]
            weekday = int(weekdays[place])
            off.append(logs[place] - _expected(logs[others], weekdays[others], apart, weekday))
    return _spread(off) * (1 + _FEW / len(logs))


def _outlying(logs: Floats, weekdays: Ints) -> NDArray[np.bool_]:
    """Days that say nothing of others, where a weekday has so few that one would speak for it.

    The median of two other days is as far off as one of them: without this a short incident in
    three weeks of history would make three days look unlike the others for each of its own.
    """
    count = np.bincount(weekdays, minlength=7)
    if count[count > 0].min() > LEAST_ALIKE:
        return np.zeros(len(logs), dtype=np.bool_)
    days = np.arange(len(logs))
    expected = [
        _expected(logs, weekdays, np.abs(days - place), int(weekdays[place])) for place in days
    ]
    off = np.abs(logs - np.array(expected))
    found: NDArray[np.bool_] = off > THRESHOLD * _spread(off)
    return found


def _spread(off: Floats | list[float]) -> float:
    """The standard deviation that residuals speak of, whatever a few of them are."""
    middle, wide = np.quantile(np.abs(off), (0.5, _WIDE)) if len(off) else (0.0, 0.0)
    return max(_NORMAL * float(middle), _OF_WIDE * float(wide), _LEAST_SCALE)
