"""What counts as a matrix of unit vectors, and cosines between rows in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""One unit vector a row, float32, contiguous."""

NORM_TOLERANCE = 1e-3
"""How far a row's length may be from 1 before it is taken for an unnormalised vector."""

_PAIRS_AT_ONCE = 16_384


class VectorsError(ValueError):
    """An array is not a matrix of unit vectors. The message names the first bad row."""


def unit_vectors(vectors: npt.ArrayLike, *, name: str = "vectors") -> Vectors:
    """Return ``vectors`` as float32 rows of length 1, one vector a row.

    Lengths within 0.001 of 1 are accepted and made exact, so that rounding of an embedder does not
    move a pair across a threshold.

    Raises:
        VectorsError: Naming ``name``, the shape or the first bad row, and the remedy.
    """
    array = np.asarray(vectors)
    if array.ndim != 2:
        raise VectorsError(f"{name}: has shape {array.shape}, expected one vector a row (n, dims)")
    if array.dtype.kind not in "fiu":
        raise VectorsError(f"{name}: holds {array.dtype}, expected numbers")
    rows = array.astype(np.float32, copy=False)
    if rows.shape[0] == 0:
        return np.ascontiguousarray(rows)
    if rows.shape[1] == 0:
        raise VectorsError(f"{name}: has shape {array.shape}: its vectors have no dimensions")
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    bad = np.flatnonzero(~np.isfinite(lengths))
    if bad.size:
        raise VectorsError(
            f"{name}: {bad.size:,} of {rows.shape[0]:,} rows hold NaN or infinity, "
            f"the first is row {bad[0]}; embed its text again"
        )
    bad = np.flatnonzero(np.abs(lengths - 1) > NORM_TOLERANCE)
    if bad.size:
        raise VectorsError(
            f"{name}: {bad.size:,} of {rows.shape[0]:,} rows are not unit vectors, "
            f"the first is row {bad[0]} of length {lengths[bad[0]]:.4g}; "
            "divide every row by its length"
        )
    return np.ascontiguousarray(rows / lengths.astype(np.float32)[:, None])


def rounding_margin(dims: int) -> float:
    """How far a float32 product of unit vectors may lie from the exact cosine (dims x epsilon)."""
    return max(dims, 16) * float(np.finfo(np.float32).eps)


def exact_cosines(
    left: Vectors, right: Vectors, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Cosine of ``left[rows[p]]`` and ``right[columns[p]]`` for every pair p, in float64.

    A block product rounds differently with its shape; these do not depend on it.
    """
    cosines = np.empty(rows.size, dtype=np.float64)
    for start in range(0, rows.size, _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        a = left[rows[part]].astype(np.float64)
        b = right[columns[part]].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b))
        cosines[part] = np.einsum("ij,ij->i", a, b) / lengths
    return np.clip(cosines, -1.0, 1.0)
