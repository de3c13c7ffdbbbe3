"""Short stand-ins for unit vectors: part of the work tells which pairs cannot be alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from llmops_pipelines.vectors.units import Vectors, rounding_margin

_SAMPLE = 4_096
"""Rows the directions are learned from; they decide how tight the bound is, not if it holds."""

Directions = npt.NDArray[np.float32]


def main_directions(vectors: Vectors) -> Directions:
    """Orthogonal directions, one a column, those that carry most of ``vectors`` first."""
    sample = vectors[:: -(-len(vectors) // _SAMPLE) or 1].astype(np.float64)
    _, directions = np.linalg.eigh(sample.T @ sample)
    return directions[:, ::-1].astype(np.float32)


def heads(vectors: Vectors, directions: Directions) -> Vectors:
    """Rows whose products are never below the cosines of ``vectors``, but for rounding.

    A row is split into its part along the directions and the rest; of the rest only the length
    is kept, as one more dimension, since by Cauchy and Schwarz the product of two rests is at most
    that of their lengths.

    Args:
        vectors: As `unit_vectors` returns them.
        directions: Columns of `main_directions`: the more, the tighter is the bound.
    """
    dims = directions.shape[1]
    short = np.empty((len(vectors), dims + 1), dtype=np.float32)
    np.matmul(vectors, directions, out=short[:, :dims])
    along = np.einsum("ij,ij->i", short[:, :dims], short[:, :dims], dtype=np.float64)
    # Rounding of a rest near 0 is large beside it, and another's rest multiplies it: stay above.
    short[:, dims] = np.sqrt(np.maximum(1 - along, 0) + rounding_margin(vectors.shape[1]))
    return short
