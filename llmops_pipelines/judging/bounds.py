"""Bounds: is a metric's mean below (or above) one, or can the scores not tell?

What has no score is never dropped: it may be anything from 0 to 1, and the interval is widened by
that (Manski's bounds). So a bound that holds, holds whatever the missing verdicts would have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_pipelines.statistics import NOTHING, Interval, design_rate, mean_interval, wilson

Held = Literal["holds", "broken", "cannot_tell"]


@dataclass(frozen=True)
class Bound:
    """A bound on a metric's mean: ``broken`` when the mean lies under (or over) it."""

    metric: str
    value: float
    side: Literal["under", "over"] = "under"

    def __str__(self) -> str:
        """The bound as the command line spells it."""
        return f"--fail-{self.side} {self.metric}={self.value:g}"


@dataclass(frozen=True)
class Judgement:
    """What a bound says of the scores; ``low`` and ``high`` allow for chance and what misses."""

    bound: Bound
    held: Held
    low: float | None
    high: float | None
    why: str


def score_interval(scores: Sequence[float], contents: Sequence[str] | None = None) -> Interval:
    """The mean of ``scores`` with its 95 % interval: Wilson's where all are 0 or 1.

    Scores of the same of the ``contents`` are one verdict told several times: they weigh as often,
    and tell no more (a cluster). None says that all contents differ.
    """
    if not scores:
        return NOTHING
    if contents is not None and len(set(contents)) == len(scores):
        contents = None
    if all(score in (0.0, 1.0) for score in scores):
        if contents is None:
            return wilson(sum(scores), len(scores))
        return design_rate(list(scores), [1.0] * len(scores), clusters=contents)
    return mean_interval(list(scores), clusters=contents, bounds=(0.0, 1.0))


def judged(bound: Bound, found: Interval, unscored: int) -> Judgement:
    """What ``bound`` says of a `score_interval` where ``unscored`` more items ought to be in it.

    Items that the metric does not speak of count in neither.
    """
    if found.low is None or found.high is None:
        why = f"{found.n:,} scored, {unscored:,} without a score: too few to tell"
        return Judgement(bound, "cannot_tell", None, None, why)
    share = found.n / (found.n + unscored)
    low, high = found.low * share, found.high * share + (1 - share)
    below, above = high < bound.value, low > bound.value
    broken, holds = (
        (below, low >= bound.value) if bound.side == "under" else (above, high <= bound.value)
    )
    held: Held = "broken" if broken else "holds" if holds else "cannot_tell"
    missing = f", {unscored:,} without a score counted as anything from 0 to 1" if unscored else ""
    why = (
        f"mean {found.estimate:.4g} over {found.n:,} scored{missing}; "
        f"95 % interval {low:.4g} to {high:.4g}"
    )
    return Judgement(bound, held, low, high, why)
