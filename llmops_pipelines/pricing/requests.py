"""What calls asked for, as numbers: the model and service tier, the moment, the prompt's length."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.keys import Codes, Keys, highest, whole_numbers
from llmops_pipelines.pricing.schedule import REQUEST_COLUMNS, Schedule
from llmops_pipelines.pricing.tariffs import PROMPT_BUCKETS
from llmops_pipelines.pricing.tiers import service_of_call

REQUESTED: Final = ("provider", "model", "service_tier", "is_batch")
"""Columns of ``LLM_CALLS`` that say which model and tier a call asked for."""

_LONGEST: Final = 2**60
"""Longer parts count as this long, so that the lengths of five parts add up in 64 bits."""


class Requests(NamedTuple):
    """Which model and tier each call asked for: ``codes`` are requests of ``schedule``."""

    codes: Codes
    schedule: Schedule

    def tariffs_of(self, calls: pl.DataFrame) -> Codes:
        """The tariff of each of the same ``calls``, as ``Schedule.choose`` finds it."""
        return self.schedule.choose(
            self.codes,
            calls["started_at"].cast(pl.Datetime("us")).to_physical().to_numpy(),
            prompt_lengths(calls),
        )

    def reasons(self) -> pl.Series:
        """Per call, why its model has no price at all; null where it has one."""
        return self.schedule.reasons.gather(self.codes)


class Rates:
    """A price book that remembers what was looked up in it, for who prices many days in turn."""

    def __init__(self, book: pl.DataFrame) -> None:
        """Look up in ``book``, a ``PRICE_BOOK``."""
        self._book = book
        self._known: dict[frozenset[tuple[object, ...]], tuple[dict[object, int], Schedule]] = {}

    def requests_of(self, kinds: Keys) -> Requests:
        """What calls asked for, numbered by ``REQUESTED`` columns and perhaps others."""
        keys = kinds.by(REQUESTED)
        logged = keys.values.rows()
        asked = frozenset(logged)
        if asked not in self._known:
            self._known[asked] = self._look_up(keys.values)
        numbers, schedule = self._known[asked]
        mine = np.array([numbers[row] for row in logged], np.int64)
        return Requests(mine[keys.codes], schedule)

    def _look_up(self, logged: pl.DataFrame) -> tuple[dict[object, int], Schedule]:
        services = logged.select("provider", "model", service=service_of_call())
        requests = services.unique(maintain_order=True)
        numbers = {row: number for number, row in enumerate(requests.rows())}
        return (
            {
                row: numbers[service]
                for row, service in zip(logged.rows(), services.rows(), strict=True)
            },
            Schedule(requests.select(REQUEST_COLUMNS), self._book),
        )


def prompt_lengths(calls: pl.DataFrame) -> NDArray[np.int64]:
    """Tokens of each call's whole prompt, cached parts included."""
    total = np.zeros(calls.height, np.int64)
    for name in PROMPT_BUCKETS:
        longest = highest(calls[name])
        if longest:
            counts = whole_numbers(calls[name])
            total += np.minimum(counts, _LONGEST) if longest > _LONGEST else counts
    return total
