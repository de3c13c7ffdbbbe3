"""Texts numbered by the sixteen bytes that Arrow keeps for each, without reading the texts.

Equal bytes are equal texts: a short text stands in them whole, a longer one as its length, its
first four bytes and where it lies. Few different texts are told apart by a table that their hashes
point into, at a fraction of what hashing the texts costs.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

_BITS: Final = 14
_FEW: Final = 256
"""Of more texts than these, some share a place in the table."""

_INLINE: Final = 12
"""Bytes of a text that stands whole in its view."""

_ODD: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Multipliers to spread bytes by; where two texts share a place under one, the next is tried."""


def number_texts(texts: pl.Series) -> NDArray[np.int64] | None:
    """A number per text, from 0 and equal for equal texts; None where too many differ.

    The numbers are consecutive, unless there are nulls: theirs mean nothing.
    """
    low, high = _views(texts)
    rows = np.arange(len(low))
    for odd in _ODD:
        spread = low * np.uint64(odd)
        spread += high
        spread *= np.uint64(_ODD[0])
        spread >>= np.uint64(64 - _BITS)
        place = spread.view(np.int64)
        holder = np.full(1 << _BITS, -1)
        holder[place] = rows
        taken = np.flatnonzero(holder >= 0)
        if len(taken) > _FEW:
            return None
        held = holder[taken]
        if _holds(low, held, taken, place) and _holds(high, held, taken, place):
            holder[taken] = _same(texts, held, low)
            return holder.take(place)
    return None


def _holds(
    half: NDArray[np.uint64],
    held: NDArray[np.int64],
    taken: NDArray[np.int64],
    place: NDArray[np.int64],
) -> bool:
    """Whether each row has what the row held at its place has."""
    # A small table is read faster than rows all over a column are.
    table = np.empty(1 << _BITS, np.uint64)
    table[taken] = half[held]
    return np.array_equal(table.take(place), half)


def _views(texts: pl.Series) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    array = cast(pa.Array, texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest()))
    words = np.frombuffer(array.buffers()[1], np.uint64)
    here = words[2 * array.offset : 2 * (array.offset + len(array))]
    return here[::2], here[1::2]


def _same(texts: pl.Series, rows: NDArray[np.int64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
    """A number for the text of each of some rows: long texts that are equal may lie apart."""
    if not ((low[rows] & np.uint64(2**32 - 1)) > _INLINE).any():
        return np.arange(len(rows))
    numbers: dict[str | None, int] = {}
    found = [texts[row] for row in rows.tolist()]  # one by one: they are few
    return np.array([numbers.setdefault(text, len(numbers)) for text in found])
