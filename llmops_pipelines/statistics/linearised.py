"""The weighted mean and its clustered, stratified variance: what intervals of means rest on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Numbers = Sequence[float] | Floats | pl.Series
Labels = Sequence[Any] | pl.Series


class Linearised(NamedTuple):
    """A weighted mean and what is known of its spread."""

    mean: float
    variance: float | None
    """Variance of the mean; None for a single cluster."""
    degrees_of_freedom: int
    """Clusters less strata; 0 for a single cluster."""
    observations: int
    effective: float
    """Equally weighted draws the observations are worth at most (Kish)."""
    effective_clusters: float
    """The same when all draws of a cluster count as one."""


def linearise(values: Floats, weights: Floats, clusters: Codes, strata: Codes) -> Linearised:
    """The Hajek mean of at least one value, with Taylor-linearised variance.

    Residuals are taken from the mean of their stratum, summed by cluster, and scaled by c/(c - 1)
    for the c clusters of a stratum; a cluster that spans strata is summed over them. Strata of one
    cluster are collapsed into one; if only one such is left it is centred on the overall mean. No
    finite population correction: the question is how the service behaves, not how this day did.

    Source: K. Wolter, Introduction to Variance Estimation (2nd ed. 2007), ch. 2.5 and 6; Kish's
    effective sample is (sum w)^2 / sum w^2.
    """
    total = fsum(weights)
    mean = fsum(weights * values) / total
    strata = _collapsed(strata, clusters)
    per_stratum = _clusters_per_stratum(strata, clusters)
    stratum_means = np.bincount(strata, weights * values) / np.bincount(strata, weights)
    lonely = per_stratum == 1
    centres = np.where(lonely, mean, stratum_means)
    factors = np.sqrt(np.where(lonely, 1.0, per_stratum / np.maximum(per_stratum - 1, 1)))
    residuals = factors[strata] * weights * (values - centres[strata]) / total
    degrees = min(int(np.sum(per_stratum - 1)), int(clusters.max()))
    return Linearised(
        mean=mean,
        variance=fsum(np.bincount(clusters, residuals) ** 2) if degrees else None,
        degrees_of_freedom=degrees,
        observations=len(values),
        effective=total**2 / fsum(weights**2),
        effective_clusters=total**2 / fsum(np.bincount(clusters, weights) ** 2),
    )


def numbers(given: Numbers, what: str) -> Floats:
    """``given`` as an array of floats.

    Raises:
        ValueError: Some are null, NaN or infinite: missing values are counted, not averaged.
    """
    array = np.asarray(given, dtype=np.float64)
    if faults := int(np.sum(~np.isfinite(array))):
        raise ValueError(
            f"{what}: {faults} of {len(array)} null or not finite; count them and leave them out"
        )
    return array


def codes(labels: Labels | None, length: int) -> Codes:
    """``labels`` numbered from 0 by first appearance; each None is a group of its own.

    Raises:
        ValueError: There is not one label per value.
    """
    if labels is None:
        return np.arange(length, dtype=np.int64)
    if len(labels) != length:
        raise ValueError(f"{len(labels)} labels for {length} values: give one label per value")
    seen: dict[Any, int] = {}
    return np.fromiter(
        (seen.setdefault(key, len(seen)) for key in _keys(labels)), np.int64, count=length
    )


def _keys(labels: Iterable[Any]) -> Iterable[tuple[bool, Any]]:
    return ((label is None, i if label is None else label) for i, label in enumerate(labels))


def _clusters_per_stratum(strata: Codes, clusters: Codes) -> Codes:
    pairs = np.unique(np.stack([strata, clusters]), axis=1)
    return np.bincount(pairs[0]).astype(np.int64)


def _collapsed(strata: Codes, clusters: Codes) -> Codes:
    """Strata with the single-cluster ones merged, numbered without gaps."""
    lonely = _clusters_per_stratum(strata, clusters) == 1
    merged = np.where(lonely[strata], -1, strata)
    return np.unique(merged, return_inverse=True)[1].astype(np.int64)
