"""How far several raters agree beyond what chance would give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def krippendorff_alpha(ratings: NDArray[np.float64]) -> float | None:
    """Krippendorff's alpha of numbers, by squared differences: 1 perfect, 0 as by chance.

    For ratings of 0 and 1 that is his alpha for nominal data. Krippendorff, Computing
    Krippendorff's Alpha-Reliability (2011), section E, with the sums over pairs in closed form.

    Args:
        ratings: One row an item, one column a rater; NaN where a rater gave none.

    Returns:
        None where it is not defined: no item with two ratings, or all ratings alike.
    """
    rated = ratings[(~np.isnan(ratings)).sum(axis=1) >= 2]
    if not rated.size:
        return None
    counts = (~np.isnan(rated)).sum(axis=1)
    observed = float((_pair_sums(rated, counts) / (counts - 1)).sum())
    values = rated[~np.isnan(rated)][None, :]
    expected = float(_pair_sums(values, np.array([values.size]))[0]) / (values.size - 1)
    return 1 - observed / expected if expected > 0 else None


def _pair_sums(rows: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over ordered pairs of squared differences, row by row."""
    centred = rows - np.nanmean(rows, axis=1, keepdims=True)
    sums: NDArray[np.float64] = 2 * counts * np.nansum(centred**2, axis=1)
    return sums
