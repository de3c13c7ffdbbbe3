"""Which tariff each of many calls is charged by: its dates, hours of the day and prompt length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.book.buckets import PRICED
from llmops_pipelines.pricing.charging.entries import (
    REQUEST_COLUMNS,
    CallModels,
    Window,
    find_entries,
)
from llmops_pipelines.pricing.charging.tariffs import UNITS_PER_PICO, tariffs

NONE: Final = -1
"""The tariff of a call whose price is not known."""

_MANY: Final = -2
_ALWAYS: Final = np.iinfo(np.int64).max
_DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True)
class _Interval:
    """One interval of an entry: from its start, microseconds, until its end; bands by length."""

    start: int
    end: int
    tariff: int
    lengths: NDArray[np.int64]

    def band_of(self, prompt: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of the few lengths each prompt reaches."""
        band = np.zeros(len(prompt), np.int64)
        for length in self.lengths:
            band += prompt >= length
        return band


class Schedule:
    """The tariffs that distinct requests for a model may be charged by, at all times.

    ``tariffs`` has a row per tariff, in order of their numbers, as ``pricing.tariffs`` returns it;
    ``reasons`` says per request why it has no entry at all, null where it has one.
    """

    def __init__(self, requests: pl.DataFrame, book: pl.DataFrame) -> None:
        """Find what ``requests`` (``REQUEST_COLUMNS``; unique) cost.

        Args:
            requests: One row per request; its row number stands for it from here on.
            book: ``PRICE_BOOK``, one belief.
        """
        models = find_entries(requests, book)
        self.tariffs = tariffs(book, models.listed)
        found = requests.join(
            models.asked,
            on=list(REQUEST_COLUMNS),
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        self.reasons = found["unpriced_reason"]
        self._entries = found["entry"].to_list()
        self._intervals = _intervals(self.tariffs)
        self._windows = _windows(models)
        prices = self.tariffs.select(pl.col(PRICED).fill_null(0))
        self.fine = np.flatnonzero(
            prices.select(pl.any_horizontal(pl.all() % UNITS_PER_PICO != 0)).to_series().to_numpy()
        )
        # Not by functools: its cache would keep every schedule for good.
        self._pico_prices: dict[str, NDArray[np.object_]] = {}
        self._lacks: dict[str, NDArray[np.bool_]] = {}
        self._simple = np.array([self._only_tariff(entry) for entry in self._entries], np.int64)

    def choose(
        self,
        kind: NDArray[np.int64],
        request: NDArray[np.int64],
        started_at: NDArray[np.int64],
        prompt: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """The tariff of each call, ``NONE`` where no price is known.

        Args:
            kind: The call's kind.
            request: Row number of the request that each kind of call is.
            started_at: When it began, microseconds since 1970, UTC.
            prompt: Length of its whole prompt, tokens.
        """
        if not len(kind):
            return np.zeros(0, np.int64)
        first, last = int(started_at.min()), int(started_at.max())
        usual, banded, others = self._simple.copy(), [], []
        for number in np.flatnonzero(self._simple == _MANY):
            interval = self._only_interval(self._entries[number], first, last)
            if interval is None:
                others.append(number)
                continue
            usual[number] = interval.tariff
            if len(interval.lengths):
                banded.append((number, interval))
        chosen = usual[request].take(kind)
        if banded:
            # Few prompts are so long that they cost more.
            long = np.flatnonzero(prompt >= min(each.lengths.min() for _, each in banded))
            asked = request.take(kind[long])
            for number, interval in banded:
                rows = long[asked == number]
                chosen[rows] = interval.tariff + interval.band_of(prompt[rows])
        for number in others:
            rows = np.flatnonzero((request == number).take(kind))
            if len(rows):
                entry = self._entries[number]
                chosen[rows] = self._of_entry(entry, started_at[rows], prompt[rows])
        return chosen

    def _only_interval(self, entry: int | None, first: int, last: int) -> _Interval | None:
        """The interval that an entry's prices are of from ``first`` to ``last``; None: several."""
        if entry is None or entry in self._windows:
            return None
        intervals = self._intervals.get(entry, ())
        return next((i for i in intervals if i.start <= first and last < i.end), None)

    def pico_prices(self, bucket: str) -> NDArray[np.object_]:
        """Pico-dollars a token (a call) by tariff and, last, for ``NONE``.

        0 where the bucket has no price, and for the tariffs in ``fine``, whose prices are no whole
        pico-dollars.
        """
        if bucket not in self._pico_prices:
            whole = [int(units or 0) // UNITS_PER_PICO for units in self.tariffs[bucket]]
            prices = np.array([*whole, 0], object)
            prices[self.fine] = 0
            self._pico_prices[bucket] = prices
        return self._pico_prices[bucket]

    def lacks(self, bucket: str) -> NDArray[np.bool_]:
        """Tariffs without a price for the bucket and, last, ``NONE``."""
        if bucket not in self._lacks:
            self._lacks[bucket] = np.append(self.tariffs[bucket].is_null().to_numpy(), True)
        return self._lacks[bucket]

    def _only_tariff(self, entry: int | None) -> int:
        """The tariff of an entry that has only one, always and for all lengths, else ``_MANY``."""
        if entry is None:
            return NONE
        match self._intervals.get(entry, []):
            case [] if entry not in self._windows:
                return NONE
            case [_Interval(start=start, end=end, tariff=tariff, lengths=lengths)] if (
                start <= 0 and end == _ALWAYS and not len(lengths) and entry not in self._windows
            ):
                return tariff
            case _:
                return _MANY

    def _of_entry(
        self, entry: int, started_at: NDArray[np.int64], prompt: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        chosen = self._at(entry, started_at, prompt)
        windows = self._windows.get(entry, ())
        minute = started_at % _DAY_US // _MINUTE_US if windows else started_at
        for window in windows:
            inside = (minute >= window.start) & (minute < window.end)
            if inside.any():
                chosen[inside] = self._at(window.other, started_at[inside], prompt[inside])
        return chosen

    def _at(
        self, entry: int, started_at: NDArray[np.int64], prompt: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        chosen = np.full(len(started_at), NONE)
        first, last = started_at.min(), started_at.max()
        for interval in self._intervals.get(entry, ()):
            band = interval.band_of(prompt)
            if interval.start <= first and last < interval.end:
                return interval.tariff + band
            held = (started_at >= interval.start) & (started_at < interval.end)
            chosen = np.where(held, interval.tariff + band, chosen)
        return chosen


def _intervals(listed: pl.DataFrame) -> dict[int, list[_Interval]]:
    found: dict[int, list[_Interval]] = {}
    by_interval = listed.group_by("entry", "valid_from", maintain_order=True).agg(
        pl.col("valid_to", "tariff").first(), lengths=pl.col("context_from").slice(1)
    )
    for entry, start, end, tariff, lengths in by_interval.with_columns(
        pl.col("valid_from", "valid_to").cast(pl.Int64)
    ).iter_rows():
        until = _ALWAYS if end is None else end
        found.setdefault(entry, []).append(
            _Interval(start, until, tariff, np.array(lengths, np.int64))
        )
    return found


def _windows(models: CallModels) -> dict[int, list[Window]]:
    found: dict[int, list[Window]] = {}
    for window in models.windows:
        found.setdefault(window.entry, []).append(window)
    return found
