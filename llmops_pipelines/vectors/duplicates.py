"""Pairs of vectors at or above a cosine, found exactly, and the groups they form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmops_pipelines.vectors.units import (
    VectorsError,
    exact_cosines,
    rounding_margin,
    unit_vectors,
)

_BLOCK = 1024
"""Rows a side: one product takes 4 MB whatever the number of vectors."""


class Pair(NamedTuple):
    """Two rows that resemble each other; ``left < right``."""

    left: int
    right: int
    cosine: float


def near_duplicates(
    vectors: npt.ArrayLike,
    threshold: float,
    *,
    block: int = _BLOCK,
    max_pairs: int = 2_000_000,
) -> list[Pair]:
    """Find every pair of rows whose cosine is at least ``threshold``, in order of (left, right).

    All pairs are compared: block by block over the upper triangle in float32, and whatever comes
    near the threshold once more in float64, so that the answer does not depend on ``block``.
    Beside its answer it holds one copy of the vectors and one block of products.

    Raises:
        VectorsError: The rows are not unit vectors, the threshold is outside (-1, 1], or more than
            ``max_pairs`` pairs were found.
    """
    if not -1 < threshold <= 1:
        raise VectorsError(f"threshold: is {threshold}, expected a cosine above -1 and at most 1")
    if block < 1:
        raise VectorsError(f"block: is {block}, expected at least 1 row")
    rows = unit_vectors(vectors)
    count = rows.shape[0]
    # Identical rows reach 1 only up to rounding; without this a threshold of 1 would miss them.
    wanted = threshold - 1e-7
    worth_a_look = wanted - rounding_margin(rows.shape[1])
    pairs: list[Pair] = []
    for top in range(0, count, block):
        for side in range(top, count, block):
            product = rows[top : top + block] @ rows[side : side + block].T
            near = product >= worth_a_look
            if side == top:
                near = np.triu(near, k=1)
            i, j = np.nonzero(near)
            i, j = i + top, j + side
            cosines = exact_cosines(rows, rows, i, j)
            kept = cosines >= wanted
            if len(pairs) + int(kept.sum()) > max_pairs:
                raise VectorsError(
                    f"more than {max_pairs:,} pairs of {count:,} vectors reach a cosine of "
                    f"{threshold}; drop exact duplicates first, or raise the threshold"
                )
            pairs.extend(
                Pair(*pair)
                for pair in zip(
                    i[kept].tolist(), j[kept].tolist(), cosines[kept].tolist(), strict=True
                )
            )
    return sorted(pairs)


def duplicate_groups(pairs: Iterable[tuple[int, int, float]], n: int) -> list[tuple[int, ...]]:
    """Join ``pairs`` over ``n`` rows into groups, each ascending, in order of their first member.

    Resemblance chains: a group holds every row that a chain of pairs reaches, so its ends may be
    less alike than the threshold. Rows in no pair are in no group.

    Raises:
        VectorsError: A pair names a row outside 0 to n - 1.
    """
    parent = list(range(n))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for left, right, _ in pairs:
        if not (0 <= left < n and 0 <= right < n):
            raise VectorsError(f"the pair ({left}, {right}) names a row outside 0 to {n - 1}")
        a, b = root(left), root(right)
        parent[max(a, b)] = min(a, b)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in range(n):
        groups[root(row)].append(row)
    return [tuple(members) for members in groups.values() if len(members) > 1]
