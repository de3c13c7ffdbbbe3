"""The price book: the installed catalogue with a team's own prices laid over it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from llmops_pipelines.pricing.belief import revise
from llmops_pipelines.pricing.buckets import complete
from llmops_pipelines.pricing.catalogue import catalogue_rows
from llmops_pipelines.pricing.overrides import PriceOverride, PriceOverrides
from llmops_pipelines.pricing.resolution import BookModel, provider_id, resolve
from llmops_pipelines.pricing.rows import Name, PriceRow, outside
from llmops_pipelines.pricing.timelines import BEGINNING
from llmops_pipelines.tables import PRICE_BOOK

_FILE = "prices.yaml"

Books = dict[Name, list[PriceRow]]
"""The rows of each price list."""


def price_book(
    overrides: PriceOverrides,
    fetched_at: datetime | None = None,
    *,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every known price, dated: the catalogue of the installed genai-prices, then ``overrides``.

    An override is the whole price list of its model while it holds; what it does not list is priced
    by the stand-ins of ``buckets``. Before and after, the catalogue's prices hold, if it has any.

    Args:
        overrides: What ``prices.yaml`` says.
        fetched_at: When the catalogue was read; what is new is believed from then on.
        before: ``PRICE_BOOK`` so far: what it said and is said no longer is closed, not lost.

    Returns:
        ``PRICE_BOOK``. ``resolve_models`` tells which model of it a logged name means.
    """
    books: Books = {}
    for row in catalogue_rows():
        books.setdefault(row.name, []).append(row)
    for number, override in enumerate(overrides.overrides):
        source = f"{_FILE} overrides.{number}: {override.why}"
        for name in _names(books, override):
            kept = outside(books.get(name, []), override.valid_from, override.valid_to)
            books[name] = [*kept, *_rows(name, override, source)]
    known_from = fetched_at or BEGINNING
    book = PRICE_BOOK.require(
        pl.DataFrame(
            [_told(row, known_from, fetched_at) for rows in books.values() for row in rows],
            schema=PRICE_BOOK.schema,
            orient="row",
        )
    )
    return book if before is None else revise(before, book, known_from)


def _told(row: PriceRow, known_from: datetime, fetched_at: datetime | None) -> tuple[object, ...]:
    """A row in the order of the table's columns."""
    return (
        *row.name,
        row.bucket,
        row.context_from,
        row.price,
        row.list_price,
        row.currency,
        row.usd_rate,
        row.discount,
        row.valid_from,
        row.valid_to,
        known_from,
        None,
        row.source,
        fetched_at,
    )


def _names(books: Books, override: PriceOverride) -> list[Name]:
    """What the override prices: its model, at all hours of the day.

    A name that the catalogue folds into another model first gets that model's prices as its own,
    so that they hold where the override does not.
    """
    provider = provider_id(override.provider) or override.provider.lower()
    listed = resolve(provider, override.model)
    own = BookModel(provider, override.model)
    if listed and (listed.provider, listed.model.lower()) == (provider, own.model.lower()):
        own = listed
    elif listed is not None:
        for name, rows in list(books.items()):
            if (name.provider, name.model) == listed:
                copy = name._replace(**own._asdict())
                books.setdefault(copy, [row._replace(name=copy) for row in rows])
    priced = Name(*own, override.service)
    return [
        priced,
        *(name for name in books if name != priced and name._replace(hours=priced.hours) == priced),
    ]


def _rows(name: Name, override: PriceOverride, source: str) -> Iterator[PriceRow]:
    for bucket, price in complete(override.prices).items():
        yield PriceRow(name, bucket, 0, price, override.valid_from, override.valid_to, source)
