"""How sure a percentile is: order statistics, without assuming a distribution."""

from __future__ import annotations

import numpy as np

from llmops_pipelines.statistics.interval import NOTHING, Interval
from llmops_pipelines.statistics.linearised import Codes, Floats, Numbers, numbers


def quantile_interval(values: Numbers, q: float, *, confidence: float = 0.95) -> Interval:
    """The ``q`` quantile of ``values`` between two of the values themselves.

    The estimate is the nearest rank: the smallest value that at least a share ``q`` does not exceed
    (Hyndman and Fan's type 1). The ends are the order statistics that bracket the true quantile
    with at least the confidence asked for, whatever the distribution: the number of draws below it
    is binomial. Observations count as independent: for calls of one session the interval is too
    narrow.

    Source: W. Conover, Practical Nonparametric Statistics (3rd ed. 1999), ch. 3.2.

    Returns:
        An end is None where ``n`` is too small to bound the quantile on that side: the 99th
        percentile has no upper end below 368 observations.

    Raises:
        ValueError: A missing value, or ``q`` not strictly between 0 and 1.
    """
    ordered = np.sort(numbers(values, "values"))
    n = len(ordered)
    if n == 0:
        return NOTHING
    middle, low, high = (int(rank[0]) for rank in ranks(np.array([n]), q, confidence))
    return Interval(
        float(ordered[middle - 1]),
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= n else None,
        n,
    )


def ranks(n: Codes, q: float, confidence: float) -> tuple[Codes, Codes, Codes]:
    """Ranks, from 1, of estimate and ends among ``n`` sorted values; 0 and n + 1 are none."""
    if not 0 < q < 1:
        raise ValueError(
            f"q is {q}, expected between 0 and 1, such as 0.99 for the 99th percentile"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected between 0 and 1, such as 0.95")
    tail = (1 - confidence) / 2
    # Without the small step back, 0.07 * 100 would round up to rank 8.
    nearest = np.maximum(np.ceil(n * q - 1e-9), 1).astype(np.int64)
    low, below_high = (_binomial_quantile(n, q, share) for share in (tail, 1 - tail))
    return nearest, low, below_high + 1


def _binomial_quantile(n: Codes, q: float, share: float) -> Codes:
    """Smallest k with P(Binomial(n, q) <= k) >= ``share``."""
    from scipy.special import bdtr, bdtrik

    size = n.astype(np.float64)
    k: Floats = np.maximum(np.ceil(bdtrik(share, size, q)), 0.0)
    one_less = np.maximum(k - 1, 0.0)
    k = np.where(bdtr(one_less, n, q) >= share, one_less, k)
    return np.minimum(k, size).astype(np.int64)
