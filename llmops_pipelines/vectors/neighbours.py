"""The k nearest rows of a corpus by cosine, found exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmops_pipelines.vectors.units import (
    VectorsError,
    exact_cosines,
    rounding_margin,
    unit_vectors,
)

_PRODUCTS_AT_ONCE = 4_194_304
"""Cosines of one block: 16 MB of float32."""


class Neighbours(NamedTuple):
    """One row a query, nearest first: rows of the corpus and their cosines."""

    rows: npt.NDArray[np.int64]
    cosines: npt.NDArray[np.float64]


def nearest(queries: npt.ArrayLike, corpus: npt.ArrayLike, k: int) -> Neighbours:
    """Find the ``k`` rows of ``corpus`` nearest to each query; equal cosines go by row.

    With fewer than ``k`` rows in the corpus the answer has as many columns as there are rows.

    Raises:
        VectorsError: Rows are not unit vectors, dimensions differ, or ``k`` is below 1.
    """
    if k < 1:
        raise VectorsError(f"k: is {k}, expected at least 1 neighbour")
    asked = unit_vectors(queries, name="queries")
    known = unit_vectors(corpus, name="corpus")
    if asked.shape[1] != known.shape[1] and asked.size and known.size:
        raise VectorsError(
            f"queries have {asked.shape[1]} dimensions, the corpus has {known.shape[1]}; "
            "embed both with the same model"
        )
    columns = min(k, known.shape[0])
    rows = np.empty((asked.shape[0], columns), dtype=np.int64)
    cosines = np.empty((asked.shape[0], columns), dtype=np.float64)
    if rows.size == 0:
        return Neighbours(rows, cosines)
    margin = 2 * rounding_margin(known.shape[1])
    block = max(1, _PRODUCTS_AT_ONCE // known.shape[0])
    for top in range(0, asked.shape[0], block):
        product = asked[top : top + block] @ known.T
        cut = np.partition(product, -columns, axis=1)[:, -columns]
        i, j = np.nonzero(product >= cut[:, None] - margin)
        exact = exact_cosines(asked, known, i + top, j)
        order = np.lexsort((j, -exact, i))
        i, j, exact = i[order], j[order], exact[order]
        first = np.searchsorted(i, np.arange(product.shape[0]))
        chosen = first[:, None] + np.arange(columns)
        rows[top : top + block] = j[chosen]
        cosines[top : top + block] = exact[chosen]
    return Neighbours(rows, cosines)
