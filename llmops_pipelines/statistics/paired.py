"""Two scores of the same item: by how much the one is higher, with related items counted so."""

from __future__ import annotations

from math import sqrt

import numpy as np

from llmops_pipelines.statistics.interval import NOTHING, Interval
from llmops_pipelines.statistics.linearised import Floats, Labels, Numbers, numbers
from llmops_pipelines.statistics.means import mean_interval, positive


def paired_difference(
    new: Numbers,
    old: Numbers,
    weights: Numbers | None = None,
    clusters: Labels | None = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """The weighted mean of ``new - old`` over pairs of scores from 0 to 1.

    What the new scores gain and what they lose are two means on a scale, each with an interval that
    knows of weights and clusters (`mean_interval`), joined by MOVER with the correlation of the
    two. So the interval keeps a width where no pair differs, as the score interval for paired
    proportions does (Tango 1998), which it then equals, and takes scores between 0 and 1 as well.

    Source: G. Zou, Psychological Methods 12 (2007) 399-413, for MOVER with correlation.

    Args:
        new: Scores from 0 to 1, none missing.
        old: The scores of the same items, in the same order.
        weights: Positive weights such as 1 / inclusion probability; equal if left out.
        clusters: What each item belongs to (session); None is a cluster by itself.
        confidence: 0.95 by default.

    Returns:
        All None without pairs; both ends None for a single pair or cluster.

    Raises:
        ValueError: Missing or different numbers of scores, or one beyond 0 to 1.
    """
    after, before = numbers(new, "new"), numbers(old, "old")
    if len(after) != len(before):
        raise ValueError(f"{len(after)} new scores for {len(before)} old ones: give pairs")
    if not len(after):
        return NOTHING
    change = after - before
    gains, losses = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    for scores in (after, before):
        if scores.min() < 0 or scores.max() > 1:
            raise ValueError(f"scores run from {scores.min()} to {scores.max()}, expected 0 to 1")
    gain, loss = (
        mean_interval(part, weights, clusters, bounds=(0.0, 1.0), confidence=confidence)
        for part in (gains, losses)
    )
    estimate = float(np.average(change, weights=positive(weights, len(change))))
    if gain.low is None or gain.high is None or loss.low is None or loss.high is None:
        return Interval(estimate, None, None, len(change))
    together = _correlation(gains, losses, positive(weights, len(change)))
    up, down = gain.high - (gain.estimate or 0.0), (gain.estimate or 0.0) - gain.low
    more, less = loss.high - (loss.estimate or 0.0), (loss.estimate or 0.0) - loss.low
    return Interval(
        estimate,
        max(estimate - _joined(down, more, together), -1.0),
        min(estimate + _joined(up, less, together), 1.0),
        len(change),
    )


def _joined(one: float, other: float, correlation: float) -> float:
    return sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))


def _correlation(gains: Floats, losses: Floats, weights: Floats) -> float:
    """Never above 0, since no pair gains and loses; 0 where one of the two is constant."""
    if np.ptp(gains) == 0 or np.ptp(losses) == 0:
        return 0.0
    covariance = np.cov(gains, losses, aweights=weights)
    return float(covariance[0, 1] / sqrt(covariance[0, 0] * covariance[1, 1]))
