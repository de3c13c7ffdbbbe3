"""Groups of calls priced by their sums: tokens are added up per tariff, then charged once.

A price is linear in tokens as long as date, tier and band of prompt length stay the same. Where a
tariff is finer than six decimals per million tokens the cost of each call is rounded, so its calls
are charged one by one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.book.buckets import REQUEST, WEB_SEARCHES
from llmops_pipelines.pricing.charging.calls import charge, metered, money_of, pico_of
from llmops_pipelines.pricing.charging.counts import Counts, counts_of
from llmops_pipelines.pricing.charging.keys import Codes, Keys, nulls, renumber
from llmops_pipelines.pricing.charging.requests import Rates
from llmops_pipelines.pricing.charging.schedule import NONE, Schedule
from llmops_pipelines.tables import COST_PARTS, TOKEN_BUCKETS

_EXACT: Final = 2**53
"""Below this, sums of whole numbers are exact in a double, which numpy adds fastest."""

_WIDE: Final = 2**63
"""Below this, whole numbers are exact in 64 bits."""

_HALF: Final = 2**26

_COUNTED: Final = ("calls", "errors", "unpriced_calls", "no_usage_calls")


def price_groups(calls: pl.DataFrame, kinds: Keys, groups: Codes, rates: Rates) -> pl.DataFrame:
    """What groups of calls cost: to the last digit the sum of what ``price_tokens`` finds.

    Args:
        calls: As for ``price_tokens``, with ``status``.
        kinds: The same calls, numbered by ``rates.decisive`` columns and perhaps others.
        groups: Group of each call, consecutive from 0.
        rates: Prices.

    Returns:
        One row per group, in order: ``calls``, ``errors``, ``unpriced_calls`` (successful ones
        without a cost), ``no_usage_calls`` (without recorded tokens), the sum of recorded tokens
        per bucket, and ``cost`` (null where no call has one).

    Raises:
        ValueError: A token count is negative.
    """
    calls = metered(calls)
    requests = rates.requests_of(kinds)
    tokens = counts_of(calls)
    tariff = requests.tariffs_of(calls, tokens)
    tariff[~_priced(calls, tokens, tariff, requests.schedule)] = NONE
    cells = _Cells(groups, tariff, requests.schedule.tariffs.height)
    sums = {bucket: cells.sum(counts) for bucket, counts in tokens.items()}
    return _per_group(calls, cells, sums, _pico(calls, sums, cells, tariff, requests.schedule))


def sum_groups(calls: pl.DataFrame, groups: Codes) -> pl.DataFrame:
    """As ``price_groups``, of calls that have been priced: their costs are added up as they are.

    ``COST_PARTS`` that ``calls`` have are added up too; null where a call with a cost lacks one.
    """
    priced = ~nulls(calls["cost"])
    cells = _Cells(groups, np.where(priced, 0, NONE), 1)
    sums = {bucket: cells.sum(counts) for bucket, counts in counts_of(calls).items()}
    totals = _per_group(calls, cells, sums, cells.sum(pico_of(calls["cost"].fill_null(0))))
    known, parts = totals["cost"].is_not_null().to_numpy(), {}
    for name in COST_PARTS:
        if name in calls.columns:
            pico = cells.per_group(cells.sum(pico_of(calls[name].fill_null(0))))
            lacking = cells.per_group(cells.count(priced & nulls(calls[name])))
            parts[name] = money_of(pico, known & (lacking == 0))
    return totals.with_columns(**parts)


def _per_group(
    calls: pl.DataFrame, cells: _Cells, sums: Counts, pico: NDArray[Any]
) -> pl.DataFrame:
    failed = (calls["status"] == "error").to_numpy()
    unknown = nulls(calls["uncached_input"])
    count, errors = cells.count(), cells.count(failed)
    priced = cells.tariff != NONE
    figures = {
        "calls": count,
        "errors": errors,
        "unpriced_calls": np.where(priced, 0, count - errors),
        "no_usage_calls": cells.count(unknown),
        **sums,
    }
    found = {name: pl.Series(name, cells.per_group(figure)) for name, figure in figures.items()}
    nothing = pl.Series(np.zeros(len(found["calls"]), np.int64))
    known = cells.per_group(np.where(priced, count, 0)) > 0
    return pl.DataFrame(
        [
            *(found.get(name, nothing.alias(name)) for name in (*_COUNTED, *TOKEN_BUCKETS)),
            money_of(cells.per_group(pico), known).alias("cost"),
        ]
    )


class _Cells:
    """Groups split by tariff: ``codes`` numbers the cell of each call, ``tariff`` is that of each.

    Most groups have one tariff, and their cells have their numbers; what is charged otherwise
    follows in cells of its own.
    """

    def __init__(self, groups: Codes, tariff: Codes, tariffs: int) -> None:
        self._groups = int(groups.max(initial=-1)) + 1
        usual = np.full(self._groups, NONE)
        usual[groups] = tariff
        apart = np.flatnonzero(usual[groups] != tariff)
        width = tariffs + 1
        own, both = renumber(groups[apart] * width + (tariff[apart] - NONE))
        self.codes, self.tariff = groups, np.append(usual, both % width + NONE)
        self._more_of = both // width
        if len(apart):
            self.codes = groups.copy()
            self.codes[apart] = self._groups + own

    def count(self, calls: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Calls of each cell, or those of ``calls`` among them."""
        if calls is not None and not calls.any():
            return np.zeros(len(self.tariff), np.int64)
        codes = self.codes if calls is None else self.codes[calls]
        return np.bincount(codes, minlength=len(self.tariff))

    def sum(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The whole numbers of the calls of each cell, added up."""
        most = int(tokens.max(initial=0))
        if most * len(tokens) < _EXACT:
            return np.bincount(self.codes, tokens, len(self.tariff)).astype(np.int64)
        if most * len(tokens) >= _WIDE:
            total = np.zeros(len(self.tariff), object)
            np.add.at(total, self.codes, tokens)
            return total
        high, low = np.divmod(tokens, _HALF)
        return self.sum(high) * _HALF + self.sum(low)

    def per_group(self, figures: NDArray[Any]) -> NDArray[Any]:
        """The sum of a figure of cells over each group."""
        if not len(self._more_of):
            return figures
        total = figures[: self._groups].copy()
        np.add.at(total, self._more_of, figures[self._groups :])
        return total


def _priced(
    calls: pl.DataFrame, tokens: Counts, tariff: Codes, schedule: Schedule
) -> NDArray[np.bool_]:
    """Calls with a cost: usage and tariff are known, and so are the prices of all buckets used."""
    priced: NDArray[np.bool_] = tariff != NONE
    priced &= ~nulls(calls["uncached_input"])
    priced &= ~nulls(calls["output_text"]) | schedule.lacks("output_text")[tariff]
    for bucket, counts in tokens.items():
        lacks = schedule.lacks(bucket)
        if bucket == WEB_SEARCHES:  # the fee of a call pays for its searches
            lacks = lacks & schedule.lacks(REQUEST)
        if lacks[:NONE].any():
            priced &= (counts == 0) | ~lacks[tariff]
    return priced


def _pico(
    calls: pl.DataFrame, sums: Counts, cells: _Cells, tariff: Codes, schedule: Schedule
) -> NDArray[Any]:
    """Pico-dollars of each cell, 0 for calls without a price."""
    amounts = {REQUEST: cells.count(), **sums}
    prices = {bucket: schedule.pico_prices(bucket) for bucket in amounts}
    single = np.isin(tariff, schedule.fine)
    # No cell comes to more than all tokens at the highest price.
    most = sum(int(amounts[bucket].sum()) * max(prices[bucket]) for bucket in amounts)
    exact = np.int64 if most < _WIDE and not single.any() else object
    total = np.zeros(len(cells.tariff), exact)
    for bucket, amount in amounts.items():
        total += amount.astype(exact) * prices[bucket].astype(exact)[cells.tariff]
    if single.any():
        costs = charge(calls.filter(single), tariff[single], schedule)["cost"]
        np.add.at(total, cells.codes[single], pico_of(costs))
    return total
