"""Rows numbered by the values of some columns: grouping by arithmetic on small integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_DENSE: Final = 4
"""Numbers that may stand free per row before they are looked for by sorting."""

_FEW: Final = 4096


@dataclass(frozen=True)
class Keys:
    """``codes`` numbers each row's combination of values, from 0; ``values`` has a row a number.

    ``single`` numbers the values of each column of ``values`` by itself.
    """

    codes: Codes
    values: pl.DataFrame
    single: Mapping[str, Codes]

    def by(self, names: Sequence[str]) -> Keys:
        """The same rows, by some of the columns only."""
        fewer = _combine(self.values, {name: self.single[name] for name in names})
        return Keys(fewer.codes[self.codes], fewer.values, fewer.single)


def number_rows(frame: pl.DataFrame, names: Sequence[str]) -> Keys:
    """Number the rows by their combinations of values in ``names``; null is a value of its own.

    The numbers are in no order that means anything. Categorical columns come back as text.
    """
    return _combine(frame, {name: _codes(frame[name]) for name in names})


def _combine(frame: pl.DataFrame, single: Mapping[str, Codes]) -> Keys:
    codes, count = np.zeros(frame.height, np.int64), 1
    for own in single.values():
        width = int(own.max(initial=0)) + 1
        if width > 1:
            codes = codes * width + own
            count *= width
        if count > _spread(len(codes)):
            codes, seen = renumber(codes)
            count = len(seen)
    codes, seen = renumber(codes)
    example = np.zeros(len(seen), np.int64)
    example[codes] = np.arange(len(codes))
    values = frame[list(single)][example].with_columns(cs.categorical().cast(pl.String))
    return Keys(codes, values, {name: own[example] for name, own in single.items()})


def highest(counts: pl.Series) -> int:
    """The highest of some whole numbers; 0 where there are none."""
    return cast(int, counts.max() or 0)


def lowest(counts: pl.Series) -> int:
    """The lowest of some whole numbers; 0 where there are none."""
    return cast(int, counts.min() or 0)


def renumber(codes: Codes) -> tuple[Codes, Codes]:
    """``codes`` in consecutive numbers of the same order, and which code each number was."""
    last = int(codes.max(initial=-1))
    if last > _spread(len(codes)):
        seen, anew = np.unique(codes, return_inverse=True)
        return anew, seen
    seen = np.flatnonzero(np.bincount(codes, minlength=last + 1))
    if len(seen) == last + 1:
        return codes, seen
    numbers = np.zeros(last + 1, np.int64)
    numbers[seen] = np.arange(len(seen))
    return numbers[codes], seen


def whole_numbers(counts: pl.Series) -> NDArray[np.int64]:
    """``counts`` as an array; what was not recorded is 0."""
    return (counts.fill_null(0) if counts.null_count() else counts).to_numpy()


def nulls(series: pl.Series) -> NDArray[np.bool_]:
    """Which values are null."""
    if series.null_count():
        return series.is_null().to_numpy()
    return np.zeros(len(series), np.bool_)


def _spread(rows: int) -> int:
    """How far numbers may be spread over."""
    return max(_DENSE * rows, _FEW)


def _codes(series: pl.Series) -> Codes:
    """A number per value, consecutive from 0."""
    if series.null_count() == len(series):
        return np.zeros(len(series), np.int64)
    if series.dtype == pl.Categorical:
        numbers = series.to_physical()
    elif series.dtype == pl.String:
        # A mapping of its own: the global one would keep every user's key for good.
        numbers = series.cast(pl.Categorical(pl.Categories.random())).to_physical()
    elif series.dtype == pl.Boolean:
        numbers = series.cast(pl.UInt8)
    else:
        numbers = series.rank("dense")
    if numbers.null_count():
        numbers = numbers.cast(pl.Int64).fill_null(highest(numbers) + 1)
    return renumber(numbers.to_numpy().astype(np.int64))[0]
