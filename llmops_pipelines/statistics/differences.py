"""Is the new one different, and by how much: differences and relative drops with intervals."""

from __future__ import annotations

from math import sqrt

from llmops_pipelines.statistics.interval import NOTHING, Interval, normal_critical
from llmops_pipelines.statistics.proportions import wilson


def difference_of_rates(
    x1: float, n1: float, x0: float, n0: float, *, confidence: float = 0.95
) -> Interval:
    """``x1 / n1 - x0 / n0`` for independent samples, with Newcombe's hybrid score interval.

    Source: R. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10.

    Returns:
        All None where either sample is empty; ``n`` is the sum of both.

    Raises:
        ValueError: Numbers that are no rate.
    """
    return difference_of_intervals(wilson(x1, n1, confidence), wilson(x0, n0, confidence))


def difference_of_means(
    m1: float, se1: float, m0: float, se0: float, *, n: int = 0, confidence: float = 0.95
) -> Interval:
    """``m1 - m0`` for independent means with known standard errors, with a normal interval.

    Args:
        m1: The one mean; ``se1`` its standard error.
        se1: Standard error of ``m1``, 0 or more.
        m0: The mean taken off; ``se0`` its standard error.
        se0: Standard error of ``m0``, 0 or more.
        n: Observations behind both, carried along.
        confidence: 0.95 by default.

    Raises:
        ValueError: A negative standard error.
    """
    if se1 < 0 or se0 < 0:
        raise ValueError(f"standard errors are {se1} and {se0}, expected 0 or more")
    half = normal_critical(confidence) * sqrt(se1**2 + se0**2)
    return Interval(m1 - m0, m1 - m0 - half, m1 - m0 + half, n)


def difference_of_intervals(current: Interval, baseline: Interval) -> Interval:
    """``current - baseline`` for two independent figures of which only the intervals are kept.

    Each end combines the distances on the sides that matter, so intervals of any shape are used as
    they are; for two Wilson intervals this is Newcombe's method.

    Source: G. Zou and A. Donner, Statistics in Medicine 27 (2008) 1693-1702 (MOVER).

    Returns:
        An end is None where an end it rests on is; ``n`` is the sum of both.
    """
    if current.estimate is None or baseline.estimate is None:
        return NOTHING._replace(n=current.n + baseline.n)
    estimate = current.estimate - baseline.estimate
    down = _hypotenuse(current.estimate, current.low, baseline.estimate, baseline.high)
    up = _hypotenuse(current.estimate, current.high, baseline.estimate, baseline.low)
    return Interval(
        estimate,
        None if down is None else estimate - down,
        None if up is None else estimate + up,
        current.n + baseline.n,
    )


def relative_drop(current: Interval, baseline: Interval) -> Interval:
    """``(baseline - current) / baseline``: 0.2 is a loss of a fifth, below 0 a gain.

    The interval is 1 minus that of the ratio, Fieller's when both intervals are symmetric.

    Source: A. Donner and G. Zou, Statistical Methods in Medical Research 21 (2012) 347-359.

    Args:
        current: A figure that is never negative, such as a score, a rate or a duration.
        baseline: What it is held against, independent of ``current``.

    Returns:
        All None for a baseline that is not above 0; an end None where the baseline's interval
        reaches down to 0, or where an end it rests on is missing. ``n`` is the sum of both.
    """
    n = current.n + baseline.n
    if current.estimate is None or baseline.estimate is None or baseline.estimate <= 0:
        return NOTHING._replace(n=n)
    least = _least_ratio(current.estimate, current.low, baseline.estimate, baseline.high)
    most = _greatest_ratio(current.estimate, current.high, baseline.estimate, baseline.low)
    return Interval(
        1 - current.estimate / baseline.estimate,
        None if most is None else 1 - most,
        None if least is None else 1 - least,
        n,
    )


def _hypotenuse(m1: float, end1: float | None, m0: float, end0: float | None) -> float | None:
    if end1 is None or end0 is None:
        return None
    return sqrt((m1 - end1) ** 2 + (m0 - end0) ** 2)


def _least_ratio(m1: float, low1: float | None, m0: float, high0: float | None) -> float | None:
    if low1 is None or high0 is None:
        return None
    product, low1 = m1 * m0, max(low1, 0.0)
    above, below = low1 * (2 * m1 - low1), high0 * (2 * m0 - high0)
    root = product + sqrt(max(product**2 - above * below, 0.0))
    return above / root if root > 0 else 0.0


def _greatest_ratio(m1: float, high1: float | None, m0: float, low0: float | None) -> float | None:
    if high1 is None or low0 is None or low0 <= 0:
        return None
    product = m1 * m0
    above, below = high1 * (2 * m1 - high1), low0 * (2 * m0 - low0)
    return (product + sqrt(max(product**2 - above * below, 0.0))) / below
