"""Means and rates of a service, estimated from a stratified sample of its traces."""

from __future__ import annotations

import numpy as np

from llmops_pipelines.statistics.interval import NOTHING, Interval, normal_critical, t_critical
from llmops_pipelines.statistics.linearised import (
    Floats,
    Labels,
    Linearised,
    Numbers,
    codes,
    linearise,
    numbers,
)
from llmops_pipelines.statistics.means import Bounds, interval_of, on_scale
from llmops_pipelines.statistics.proportions import score_bounds


def design_mean(
    values: Numbers,
    probabilities: Numbers,
    *,
    strata: Labels | None = None,
    clusters: Labels | None = None,
    bounds: Bounds | None = None,
    confidence: float = 0.95,
) -> Interval:
    """The mean over all traces, from a stratified sample with known inclusion probabilities.

    Weights are 1 / probability, variance is within strata and summed by cluster, degrees of freedom
    are clusters less strata; see `linearise` and `mean_interval`. No finite population correction,
    not even for a census: people ask whether the service is bad, and the day is itself a sample of
    what the service does.

    Args:
        values: One number per sampled trace, none missing.
        probabilities: Inclusion probability of each, above 0 and at most 1.
        strata: Stratum of each; one stratum if left out.
        clusters: Session of each; None is a cluster by itself.
        bounds: The ends of the scale, where there is one.
        confidence: 0.95 by default.

    Raises:
        ValueError: A missing value, a probability outside (0, 1], or a value off the scale.
    """
    observed = numbers(values, "values")
    if not len(observed):
        return NOTHING
    spread = _spread(observed, probabilities, strata, clusters)
    return interval_of(spread, on_scale(observed, bounds), confidence)


def design_rate(
    values: Numbers,
    probabilities: Numbers,
    *,
    strata: Labels | None = None,
    clusters: Labels | None = None,
    confidence: float = 0.95,
) -> Interval:
    """The share of all traces with outcome 1, from a stratified sample of zeros and ones.

    Wilson's interval on the effective sample: what the observations are worth under this design
    (p (1 - p) / variance, against its value under simple random sampling), scaled by the ratio of
    critical values for few clusters. It is never taken to exceed Kish's effective sample, so that a
    heavy stratum without a failure does not pass for certainty. Where all outcomes are equal, or
    there is but one cluster, nothing shows how alike a session's traces are: each session then
    counts once. Unclustered and equally weighted it is exactly `wilson`.

    Source: E. Korn and B. Graubard, Survey Methodology 24 (1998) 193-201, with Wilson's interval
    in place of Clopper and Pearson's.

    Args:
        values: 0 or 1 per sampled trace.
        probabilities: Inclusion probability of each, above 0 and at most 1.
        strata: Stratum of each; one stratum if left out.
        clusters: Session of each; None is a cluster by itself.
        confidence: 0.95 by default.

    Raises:
        ValueError: A value other than 0 and 1, or a probability outside (0, 1].
    """
    observed = numbers(values, "values")
    if not len(observed):
        return NOTHING
    if odd := int(np.sum((observed != 0) & (observed != 1))):
        raise ValueError(
            f"values: {odd} of {len(observed)} are neither 0 nor 1; use design_mean for scores"
        )
    spread = _spread(observed, probabilities, strata, clusters)
    rate = min(max(spread.mean, 0.0), 1.0)
    low, high = score_bounds(rate, _worth(spread, rate, confidence), normal_critical(confidence))
    return Interval(rate, low, high, spread.observations)


def _spread(
    values: Floats, probabilities: Numbers, strata: Labels | None, clusters: Labels | None
) -> Linearised:
    given = numbers(probabilities, "probabilities")
    if len(given) != len(values):
        raise ValueError(f"{len(given)} probabilities for {len(values)} values: give one each")
    if given.min() <= 0 or given.max() > 1:
        raise ValueError(
            f"probabilities run from {given.min()} to {given.max()}, expected above 0, at most 1"
        )
    one_stratum = np.zeros(len(values), dtype=np.int64)
    return linearise(
        values,
        1 / given,
        codes(clusters, len(values)),
        one_stratum if strata is None else codes(strata, len(values)),
    )


def _worth(spread: Linearised, rate: float, confidence: float) -> float:
    """Independent, equally weighted draws that the sample is worth for this rate."""
    if spread.variance is None:
        return spread.effective_clusters
    few = t_critical(confidence, spread.observations - 1)
    few /= t_critical(confidence, spread.degrees_of_freedom)
    if not 0 < rate < 1:
        return spread.effective_clusters * few**2
    simple = rate * (1 - rate) / (spread.observations - 1)
    deflated = spread.observations * simple / max(spread.variance, simple * 1e-9)
    return min(deflated, spread.effective) * few**2
