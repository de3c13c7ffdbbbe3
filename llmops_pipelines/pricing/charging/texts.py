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

_SAMPLE: Final = 2048
"""Rows that are likely to hold each of few texts."""

_PART: Final = 8192
"""Rows whose views are compared at once: few enough to stay in the processor's caches."""

_ODD: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Multipliers to spread bytes by; where two texts share a place under one, the next is tried."""

_View = np.complex128
"""Sixteen bytes: nothing else in numpy moves as many at once."""


def number_texts(texts: pl.Series) -> NDArray[np.int64] | None:
    """A number per text, from 0 and equal for equal texts; None where too many differ.

    The numbers are consecutive, unless there are nulls: theirs mean nothing.
    """
    views = _views(texts)
    rows = np.arange(len(views))
    for odd in _ODD:
        place = _places(views, odd)
        for some in (rows[:_SAMPLE], rows):
            table = np.full(1 << _BITS, -1)
            table[place[some]] = some
            taken = np.flatnonzero(table >= 0)
            if len(taken) > _FEW:
                return None
            held = table[taken]
            table[taken] = np.arange(len(taken))
            numbers = table.take(place)
            if _are(views, views[held], numbers):
                return _same(texts, views, held, numbers)
    return None


def _are(views: NDArray[_View], known: NDArray[_View], numbers: NDArray[np.int64]) -> bool:
    """Whether each row has the view of its number.

    Where no row that was looked at points to, there is number -1, which takes the last view: one
    whose hash points elsewhere, so that the two differ.
    """
    return all(
        (
            known.take(numbers[begin : begin + _PART]).view(np.uint64)
            == views[begin : begin + _PART].view(np.uint64)
        ).all()
        for begin in range(0, len(views), _PART)
    )


def _places(views: NDArray[_View], odd: int) -> NDArray[np.int64]:
    """Where in a table the hash of each view points to."""
    words = views.view(np.uint64)
    spread = words[::2] * np.uint64(odd)
    spread += words[1::2]
    spread *= np.uint64(_ODD[0])
    spread >>= np.uint64(64 - _BITS)
    return spread.view(np.int64)


def _views(texts: pl.Series) -> NDArray[_View]:
    array = cast(pa.Array, texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest()))
    views = np.frombuffer(array.buffers()[1], _View)
    return views[array.offset : array.offset + len(array)]


def _same(
    texts: pl.Series, views: NDArray[_View], held: NDArray[np.int64], numbers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """``numbers`` of views as those of texts: long texts that are equal may lie apart."""
    if not (views[held].view(np.uint32)[::4] > _INLINE).any():
        return numbers
    known: dict[str | None, int] = {}
    found = [texts[row] for row in held.tolist()]  # one by one: they are few
    return np.array([known.setdefault(text, len(known)) for text in found]).take(numbers)
