"""The entries of the price book that calls may be charged by: model, tier, region, team, hours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import polars as pl

from llmops_pipelines.pricing.book.regions import region_of
from llmops_pipelines.pricing.book.resolution import BookModel, provider_id, resolve_models
from llmops_pipelines.pricing.book.rows import ANY, Name
from llmops_pipelines.pricing.book.tiers import BATCH, STANDARD

REQUEST_COLUMNS = ("provider", "model", "service", "team")
"""What tells one request from another; a null team is none in particular."""


class Window(NamedTuple):
    """Hours of the day at which another entry holds, in minutes since midnight UTC."""

    entry: int
    other: int
    start: int
    end: int


class CallModels(NamedTuple):
    """What the calls asked for, and which entries of the book that means.

    ``asked``: ``REQUEST_COLUMNS``, ``entry`` (UInt32, null without one) and ``unpriced_reason``,
    one row per distinct request. ``listed``: ``entry`` and its ``Name`` in the book. ``windows``:
    entries that give way to another at some hours.
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
    """Find the entries for distinct ``REQUEST_COLUMNS``.

    A team's own price wins over that of all, a region's over that of all, and a reseller's over
    that of the maker. Without its own, the maker's price stands in for a resold model (Azure's
    OpenAI models), but never the maker's service tiers, except for the batch discount, which
    resellers publish alike.
    """
    pairs = {
        (provider, model): (BookModel(owner, name) if name else None, reason)
        for provider, model, owner, name, reason in resolve_models(asked, book).rows()
    }
    requests = [
        (request, list(_candidates(found, *request)) if found else [], reason)
        for request in asked.select(REQUEST_COLUMNS).sort(REQUEST_COLUMNS).rows()
        for found, reason in (pairs[request[:2]],)
    ]
    meant = {name.model for _, candidates, _ in requests for name in candidates}
    listed = book.filter(pl.col("model").is_in(meant)).select(Name._fields)
    names = {Name(*row) for row in listed.unique().rows()}
    numbers: dict[Name, int] = {}
    rows = []
    for request, candidates, reason in requests:
        name = next((name for name in candidates if name in names), None)
        entry = None if name is None else numbers.setdefault(name, len(numbers))
        rows.append((*request, entry, reason))
    windows = []
    for other in sorted(name for name in names if name.hours != ANY):
        entry = numbers.get(other._replace(hours=ANY))
        if entry is not None:
            number = numbers.setdefault(other, len(numbers))
            windows.append(Window(entry, number, *map(_minutes, other.hours.split("-"))))
    return CallModels(
        asked=pl.DataFrame(rows, schema=_ASKED, orient="row"),
        listed=pl.DataFrame(
            [(entry, *name) for name, entry in numbers.items()], schema=_LISTED, orient="row"
        ),
        windows=tuple(windows),
    )


def _candidates(
    found: BookModel, provider: str | None, model: str, service: str, team: str | None
) -> Iterator[Name]:
    """Names that may price the request, the most particular first.

    Some hosts sell a tier under a name of its own: OpenRouter's ``...:batch``.
    """
    seller = (provider_id(provider) if provider else None) or found.provider
    makers = [found.provider] if seller == found.provider or service in (STANDARD, BATCH) else []
    sold = [(found.model, service)]
    if service != STANDARD:
        sold.append((f"{found.model.removesuffix(f':{service}')}:{service}", STANDARD))
    for owner, (named, tier), whose, region in product(
        dict.fromkeys((seller, *makers)),
        sold,
        dict.fromkeys((team or ANY, ANY)),
        dict.fromkeys((region_of(model), ANY)),
    ):
        yield Name(owner, named, tier, region, ANY, whose)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


_ASKED = {
    **dict.fromkeys(REQUEST_COLUMNS, pl.String),
    "entry": pl.UInt32,
    "unpriced_reason": pl.String,
}

_LISTED = {"entry": pl.UInt32, **dict.fromkeys(Name._fields, pl.String)}
