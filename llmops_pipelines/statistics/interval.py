"""An estimate with its interval, and the critical values that set how wide it is."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """A figure, the two ends of its interval, and the observations behind it.

    An end is None where the data cannot bound the figure on that side; the estimate is None where
    nothing was observed. None is never 0.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int


NOTHING = Interval(None, None, None, 0)
"""What no observation at all tells."""


def normal_critical(confidence: float) -> float:
    """Half-width of a two-sided normal interval, in standard errors: 1.96 for 0.95.

    Raises:
        ValueError: ``confidence`` is not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def t_critical(confidence: float, degrees_of_freedom: int) -> float:
    """The same for Student's t: 2.776 for 0.95 and 4 degrees of freedom."""
    from scipy.special import stdtrit

    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected between 0 and 1, such as 0.95")
    return float(stdtrit(degrees_of_freedom, 0.5 + confidence / 2))
