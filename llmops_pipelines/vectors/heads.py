"""Short stand-ins for unit vectors: part of the work tells which pairs cannot be alike."""

from __future__ import annotations

import numpy as np

from llmops_pipelines.vectors.units import Vectors, rounding_margin

_SAMPLE = 4_096
"""Rows the directions are learned from; they decide how tight the bound is, not if it holds."""


def heads(vectors: Vectors, rest: float = 0.5) -> Vectors:
    """Rows whose products are never below the cosines of ``vectors``, but for rounding.

    A row is split into its part along the main directions and the rest; of the rest only the length
    is kept, as one more dimension, since by Cauchy and Schwarz the product of two rests is at most
    that of their lengths.

    Args:
        vectors: As `unit_vectors` returns them.
        rest: Share of the squared length that may be left to the rests on average: the lower it
            is, the tighter is the bound and the longer are the rows.
    """
    if not len(vectors):
        return vectors
    sample = vectors[:: -(-len(vectors) // _SAMPLE)].astype(np.float64)
    weights, directions = np.linalg.eigh(sample.T @ sample)
    left_out = np.cumsum(weights) / weights.sum()
    dims = vectors.shape[1] - int(np.searchsorted(left_out, rest))
    short = np.empty((len(vectors), dims + 1), dtype=np.float32)
    short[:, :dims] = vectors @ directions[:, -dims:].astype(np.float32)
    along = np.einsum("ij,ij->i", short[:, :dims], short[:, :dims], dtype=np.float64)
    # Rounding of a rest near 0 is large beside it, and another's rest multiplies it: stay above.
    short[:, dims] = np.sqrt(np.maximum(1 - along, 0) + rounding_margin(vectors.shape[1]))
    return short
