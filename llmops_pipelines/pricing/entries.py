"""The entries of the price book that calls may be charged by: model, service tier, hours."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from llmops_pipelines.pricing.resolution import BookModel, provider_id, resolve_models
from llmops_pipelines.pricing.tiers import BATCH, STANDARD, tier_name, windows_of


class Window(NamedTuple):
    """Hours of the day at which another entry holds, in minutes since midnight UTC."""

    entry: int
    other: int
    start: int
    end: int


class CallModels(NamedTuple):
    """What the calls asked for, and which entries of the book that means.

    ``asked``: ``provider``, ``model``, ``service``, ``entry`` (UInt32, null without one) and
    ``unpriced_reason``, one row per distinct request. ``listed``: ``entry``, ``provider`` and
    ``model`` as in the book. ``windows``: entries that give way to another at some hours.
    """

    asked: pl.DataFrame
    listed: pl.DataFrame
    windows: tuple[Window, ...]

    def entry_at(self, moment: pl.Expr) -> pl.Expr:
        """The entry that holds at the moment's time of day."""
        minute = moment.dt.hour().cast(pl.Int64) * 60 + moment.dt.minute()
        entry = pl.col("entry")
        for window in self.windows:
            inside = (pl.col("entry") == window.entry) & minute.is_between(
                window.start, window.end, closed="left"
            )
            entry = pl.when(inside).then(pl.lit(window.other, pl.UInt32)).otherwise(entry)
        return entry


def find_entries(asked: pl.DataFrame, book: pl.DataFrame) -> CallModels:
    """Find the entries for distinct ``provider``, ``model`` and ``service`` triples.

    Another provider's price stands in for a resold model (Azure's OpenAI models), but never its
    service tiers, except for the batch discount, which resellers publish alike.
    """
    pairs = {
        (provider, model): (BookModel(owner, name) if name else None, reason)
        for provider, model, owner, name, reason in resolve_models(asked, book).rows()
    }
    numbers: dict[BookModel, int] = {}
    rows = []
    for provider, model, service in (
        asked.select("provider", "model", "service").sort("provider", "model", "service").rows()
    ):
        found, reason = pairs[provider, model]
        entry = None
        if found and (service in (STANDARD, BATCH) or not _borrowed(provider, found)):
            tier = found._replace(model=tier_name(found.model, service))
            entry = numbers.setdefault(tier, len(numbers))
        rows.append((provider, model, service, entry, reason))
    windows = []
    for provider, model, window_model, start, end in windows_of(book).rows():
        entry = numbers.get(BookModel(provider, model))
        if entry is not None:
            other = numbers.setdefault(BookModel(provider, window_model), len(numbers))
            windows.append(Window(entry, other, start, end))
    return CallModels(
        asked=pl.DataFrame(rows, schema=_ASKED, orient="row"),
        listed=pl.DataFrame(
            [(entry, *name) for name, entry in numbers.items()], schema=_LISTED, orient="row"
        ),
        windows=tuple(windows),
    )


def _borrowed(provider: str | None, found: BookModel) -> bool:
    return provider is not None and provider_id(provider) not in (None, found.provider)


_ASKED = {
    "provider": pl.String,
    "model": pl.String,
    "service": pl.String,
    "entry": pl.UInt32,
    "unpriced_reason": pl.String,
}

_LISTED = {"entry": pl.UInt32, "provider": pl.String, "model": pl.String}
