"""Rows numbered by the values of some columns: grouping by arithmetic on small integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.charging.texts import number_texts

Codes = NDArray[np.int64]

_DENSE: Final = 4
"""Numbers that may stand free per row before they are looked for by sorting."""

_FEW: Final = 4096

# glibc gives memory back to the kernel once twice the largest block freed so far lies idle. Arrays
# of some hundred kilobytes would thus be paid for page by page with every day, at a sixth of its
# time. A large block, freed untouched, lifts that limit to 32 MiB.
np.empty(1 << 24, np.uint8)


@dataclass(frozen=True)
class Keys:
    """``codes`` numbers each row's combination of values, from 0; ``values`` has a row a number.

    ``single`` numbers the values of each column of ``values`` by itself, a number per row of it.
    """

    codes: Codes
    single: Mapping[str, Codes]
    frame: pl.DataFrame
    example: Codes
    """A row of ``frame`` for each number."""

    @cached_property
    def values(self) -> pl.DataFrame:
        """The combination of each number; made when it is first asked for."""
        return self._values(list(self.single), self.example)

    def by(self, names: Sequence[str]) -> Keys:
        """The same rows, by some of the columns only."""
        codes, example = self._combined(names)
        return Keys(
            codes.take(self.codes),
            {name: self.single[name][example] for name in names},
            self.frame,
            self.example[example],
        )

    def among(self, names: Sequence[str]) -> tuple[pl.DataFrame, Codes]:
        """Combinations of some of the columns only, and which of them each number has."""
        codes, example = self._combined(names)
        return self._values(names, self.example[example]), codes

    def _combined(self, names: Sequence[str]) -> tuple[Codes, Codes]:
        return _combine([self.single[name] for name in names], len(self.example))

    def _values(self, names: Sequence[str], rows: Codes) -> pl.DataFrame:
        values = self.frame[list(names)][rows]
        coded = [name for name, kind in values.schema.items() if kind == pl.Categorical]
        return values.cast(dict.fromkeys(coded, pl.String)) if coded else values


def number_rows(frame: pl.DataFrame, names: Sequence[str]) -> Keys:
    """Number the rows by their combinations of values in ``names``; null is a value of its own.

    The numbers are in no order that means anything. Categorical columns come back as text.
    """
    single = {name: _codes(frame[name]) for name in names}
    codes, example = _combine(list(single.values()), frame.height)
    return Keys(codes, {name: own[example] for name, own in single.items()}, frame, example)


def _combine(columns: Sequence[Codes], rows: int) -> tuple[Codes, Codes]:
    """A number per row for its combination of numbers, and a row for each such number."""
    codes, count = np.zeros(rows, np.int64), 1
    for own in columns:
        width = int(own.max(initial=0)) + 1
        if width > 1:
            if count > 1:
                codes = codes * width
                codes += own
            else:
                codes = own
            count *= width
        if count > _spread(rows):
            codes, seen = renumber(codes)
            count = len(seen)
    example = np.full(count, -1)
    example[codes] = np.arange(rows)
    seen = np.flatnonzero(example >= 0)
    if len(seen) == count:
        return codes, example
    numbers = np.empty(count, np.int64)
    numbers[seen] = np.arange(len(seen))
    return numbers.take(codes), example[seen]


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
    return numbers.take(codes), seen


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
    if series.dtype == pl.Boolean and not series.null_count() and series.all() == series.any():
        return np.zeros(len(series), np.int64)
    numbers = number_texts(series) if series.dtype == pl.String else None
    if numbers is None:
        numbers = _physical(series).to_numpy().astype(np.int64)
    elif not series.null_count():
        return numbers
    if series.null_count():
        numbers = np.where(nulls(series), numbers.max() + 1, numbers)
    return renumber(numbers)[0]


def _physical(series: pl.Series) -> pl.Series:
    """A number per value; any number for null."""
    if series.dtype == pl.String:
        # A mapping of its own: the global one would keep every user's key for good.
        series = series.cast(pl.Categorical(pl.Categories.random()))
    if series.dtype == pl.Categorical:
        numbers = series.to_physical()
    elif series.dtype == pl.Boolean:
        numbers = series.cast(pl.UInt8)
    else:
        numbers = series.rank("dense")
    return numbers.fill_null(0) if numbers.null_count() else numbers
