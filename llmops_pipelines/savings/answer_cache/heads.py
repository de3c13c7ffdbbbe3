"""How a cache passes over questions that cannot be alike: by what stand-ins, in what groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmops_pipelines.vectors import Vectors, heads, main_directions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_LENGTHS = (2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320)
"""Numbers of directions that are tried."""

_GROUPS = (128, 256)
"""Numbers of requests that are tried."""

_SAMPLE = 2_048
"""Requests of the trial, whose last eighth is held against those before."""

_PACKED, _GATHERED = 23, 30
"""What it takes to get answers ready for a product, and to fetch them first, in requests that could
be multiplied with them instead. Measured with OpenBLAS on AVX-512."""


class Heads(NamedTuple):
    """How requests are compared: by heads, and whole what these cannot tell apart."""

    short: Vectors
    """One head per key."""
    group: int
    """Requests compared at once with the answers that any of them may be near to."""


def chosen_heads(vectors: Vectors, keys: Ints, cuts: Floats) -> Heads:
    """The heads and groups by which a replay of ``keys`` has least to do, as a sample tells.

    Short heads are cheap and let many pairs through; so do large groups, which multiply faster.
    What is best depends on how crowded questions are, and on the thresholds at which their answers
    are kept. No result depends on it.

    Args:
        vectors: One unit vector per key.
        keys: What was asked, in the order of time.
        cuts: The thresholds, ascending.
    """
    directions, dims = main_directions(vectors), vectors.shape[1]
    sample = vectors[keys[:: -(-len(keys) // _SAMPLE)]]
    earlier, asked = np.split(sample, [len(sample) - -(-len(sample) // 8)])
    floor = _floors(earlier, cuts)
    kept, floor = earlier[np.isfinite(floor)], floor[np.isfinite(floor), None]
    costs = {}
    for length in (*(length for length in _LENGTHS if length < dims), dims):
        short, held = (heads(some, directions[:, :length]) for some in (asked, kept))
        for group in _GROUPS:
            near = [(held @ short[rows].T >= floor).any(axis=1) for rows in alike(short, group)]
            whole = (
                dims * (1 + (_PACKED + _GATHERED) / group) * np.sum(near) / max(np.size(near), 1)
            )
            costs[length, group] = length * (1 + _PACKED / group) + whole
    length, group = min(costs, key=costs.__getitem__)
    return Heads(heads(vectors, directions[:, :length]), group)


def alike(short: Vectors, most: int) -> list[Ints]:
    """Rows in groups of ``most`` that are alike: what is far from one is far from the others."""
    return _halved(short, np.arange(len(short)), most)


def _halved(short: Vectors, rows: Ints, most: int) -> list[Ints]:
    if rows.size <= most:
        return [np.sort(rows)]
    widest = short[rows].var(axis=0).argmax()
    order = rows[np.argsort(short[rows, widest], kind="stable")]
    half = rows.size // 2
    return _halved(short, order[:half], most) + _halved(short, order[half:], most)


def _floors(vectors: Vectors, cuts: Floats) -> Singles:
    """The lowest threshold whose cache keeps each; infinity where none does."""
    nearest = np.tril(vectors @ vectors.T, k=-1).max(axis=1, initial=0)
    lowest: Floats = np.append(cuts, np.inf)[np.searchsorted(cuts, nearest, side="right")]
    return lowest.astype(np.float32)
