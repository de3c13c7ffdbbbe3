"""Several days' intervals made one, without going back to the observations."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt

from llmops_pipelines.statistics.interval import NOTHING, Interval, normal_critical
from llmops_pipelines.statistics.proportions import score_bounds


class _Day(Interval):
    """An interval that is complete."""

    estimate: float
    low: float
    high: float


def pool_rates(days: Sequence[Interval], *, confidence: float = 0.95) -> Interval:
    """One rate for several days, from score intervals of the same confidence.

    Each day counts by the draws its interval is worth, read back from the interval itself, so
    clustering and weighting carry over. Where days scatter more than their intervals explain, the
    pooled interval is widened by that much (`_scatter`).

    Returns:
        Days without an interval are left out; all None where none has one. ``n`` is their sum.
    """
    z = normal_critical(confidence)
    complete = _complete(days)
    if not complete:
        return NOTHING
    worth = [_draws(day, z) for day in complete]
    total = fsum(worth)
    rate = fsum(day.estimate * w for day, w in zip(complete, worth, strict=True)) / total
    if 0 < rate < 1:
        misfits = ((day.estimate - rate) ** 2 * w for day, w in zip(complete, worth, strict=True))
        total /= _scatter(fsum(misfits) / (rate * (1 - rate)), len(complete))
    return Interval(rate, *score_bounds(rate, total, z), n=sum(day.n for day in complete))


def pool_means(days: Sequence[Interval], *, confidence: float = 0.95) -> Interval:
    """One mean for several days, each counted by its observations.

    The ends combine the days' own distances to their ends (MOVER, as in `difference_of_intervals`),
    widened where days scatter more than their intervals explain (`_scatter`).

    Returns:
        Days without an interval are left out; all None where none has one. ``n`` is their sum.
    """
    complete = _complete(days)
    if not complete:
        return NOTHING
    n = sum(day.n for day in complete)
    shares = [day.n / n for day in complete]
    mean = fsum(day.estimate * share for day, share in zip(complete, shares, strict=True))
    z = normal_critical(confidence)
    errors = [(day.high - day.low) / (2 * z) for day in complete]
    misfit = fsum(
        ((day.estimate - mean) / error) ** 2
        for day, error in zip(complete, errors, strict=True)
        if error > 0
    )
    widening = sqrt(_scatter(misfit, len(complete)))
    down = sqrt(
        fsum((s * (d.estimate - d.low)) ** 2 for s, d in zip(shares, complete, strict=True))
    )
    up = sqrt(fsum((s * (d.high - d.estimate)) ** 2 for s, d in zip(shares, complete, strict=True)))
    return Interval(mean, mean - widening * down, mean + widening * up, n)


def _complete(days: Sequence[Interval]) -> list[_Day]:
    return [
        _Day(*day) for day in days if day.n > 0 and None not in (day.estimate, day.low, day.high)
    ]


def _draws(day: _Day, z: float) -> float:
    """Draws a score interval is worth: its defining equation, solved for n at the farther end."""
    end = day.high if day.estimate <= 0.5 else day.low
    distance = (day.estimate - end) ** 2
    return z * z * end * (1 - end) / distance if distance > 0 else float(day.n)


def _scatter(misfit: float, days: int) -> float:
    """How much larger the variance between days is than their intervals explain; 1 or more.

    Source: R. Birge, Physical Review 40 (1932) 207-227: chi-square over degrees of freedom.
    """
    return max(1.0, misfit / (days - 1)) if days > 1 else 1.0
