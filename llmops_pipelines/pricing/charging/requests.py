"""What calls asked for, as numbers: the model and service tier, the moment, the prompt's length."""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing.book.belief import as_believed
from llmops_pipelines.pricing.book.rows import ANY
from llmops_pipelines.pricing.book.tiers import service_of_call
from llmops_pipelines.pricing.charging.counts import Counts
from llmops_pipelines.pricing.charging.entries import REQUEST_COLUMNS
from llmops_pipelines.pricing.charging.keys import Codes, Keys, number_rows
from llmops_pipelines.pricing.charging.schedule import Schedule
from llmops_pipelines.pricing.charging.tariffs import PROMPT_BUCKETS

REQUESTED: Final = ("provider", "model", "service_tier", "is_batch")
"""Columns of ``LLM_CALLS`` that say which model and tier a call asked for."""

_LONGEST: Final = 2**60
"""Longer parts count as this long, so that the lengths of five parts add up in 64 bits."""


class Requests(NamedTuple):
    """What calls asked for: ``request`` is that of each kind of call, a number of ``schedule``."""

    kind: Codes
    """Kind of each call."""
    request: Codes
    schedule: Schedule

    def tariffs_of(self, calls: pl.DataFrame, counts: Counts) -> Codes:
        """The tariff of each of the same ``calls``, as ``Schedule.choose`` finds it."""
        return self.schedule.choose(
            self.kind,
            self.request,
            calls["started_at"].cast(pl.Datetime("us")).to_numpy().view(np.int64),
            _prompt_lengths(counts, calls.height),
        )

    def reasons(self) -> pl.Series:
        """Per call, why its model has no price at all; null where it has one."""
        return self.schedule.reasons.gather(self.request.take(self.kind))


class Rates:
    """A price book that remembers what was looked up in it, for who prices many days in turn.

    ``requested`` are the columns of calls that decide on their prices: ``REQUESTED``, and ``team``
    where the book has prices of teams. Calls without that column are those of no team.
    """

    def __init__(self, book: pl.DataFrame) -> None:
        """Look up in ``book``, a ``PRICE_BOOK``, as it is believed now."""
        self.book = as_believed(book)
        self.requested = (*REQUESTED, "team") if (self.book["team"] != ANY).any() else REQUESTED
        self._known: dict[frozenset[tuple[object, ...]], tuple[dict[object, int], Schedule]] = {}

    def requests_of(self, kinds: Keys) -> Requests:
        """What calls asked for, numbered by ``decisive`` columns and perhaps others."""
        asking, request = kinds.among(self.decisive(kinds.single))
        logged = asking.rows()
        asked = frozenset(logged)
        if asked not in self._known:
            self._known[asked] = self._look_up(asking)
        numbers, schedule = self._known[asked]
        mine = np.array([numbers[row] for row in logged], np.int64)
        return Requests(kinds.codes, mine.take(request), schedule)

    def numbered(self, calls: pl.DataFrame) -> Keys:
        """``calls`` by the columns that decide on their prices."""
        return number_rows(calls, self.decisive(calls.columns))

    def decisive(self, columns: Container[str]) -> list[str]:
        """Which of the columns of calls decide on prices: ``requested``, as far as known."""
        return [name for name in self.requested if name in columns or name != "team"]

    def _look_up(self, logged: pl.DataFrame) -> tuple[dict[object, int], Schedule]:
        team = pl.col("team") if "team" in logged.columns else pl.lit(None, pl.String)
        services = logged.select("provider", "model", service=service_of_call(), team=team)
        requests = services.unique(maintain_order=True)
        numbers = {row: number for number, row in enumerate(requests.rows())}
        return (
            {
                row: numbers[service]
                for row, service in zip(logged.rows(), services.rows(), strict=True)
            },
            Schedule(requests.select(REQUEST_COLUMNS), self.book),
        )


def _prompt_lengths(counts: Counts, calls: int) -> NDArray[np.int64]:
    """Tokens of each call's whole prompt, cached parts included."""
    total = np.zeros(calls, np.int64)
    for name in PROMPT_BUCKETS:
        if name in counts:
            part = counts[name]
            total += part if part.max() <= _LONGEST else np.minimum(part, _LONGEST)
    return total
