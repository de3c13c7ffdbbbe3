"""The price book: the installed catalogue with a team's own prices laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import polars as pl

from llmops_pipelines.pricing.buckets import complete
from llmops_pipelines.pricing.catalogue import PriceRow, catalogue_rows
from llmops_pipelines.pricing.overrides import PriceOverride, PriceOverrides
from llmops_pipelines.pricing.resolution import BookModel, provider_id, resolve
from llmops_pipelines.pricing.tiers import base_name, tier_name
from llmops_pipelines.tables import PRICE_BOOK

_FILE = "prices.yaml"


def price_book(overrides: PriceOverrides, fetched_at: datetime | None = None) -> pl.DataFrame:
    """Every known price, dated: the catalogue of the installed genai-prices, then ``overrides``.

    An override is the whole price list of its model while it holds; what it does not list is priced
    by the stand-ins of ``buckets``. Before and after, the catalogue's prices hold, if it has any.

    Args:
        overrides: What ``prices.yaml`` says.
        fetched_at: When the catalogue was read, for the record; it changes no price.

    Returns:
        ``PRICE_BOOK``. ``model`` is the catalogue's id or the name in the override, followed by
        ``:batch``, ``:flex``, ``:priority`` or ``:fast`` for a service tier and by ``@16:30-24:00``
        for hours of the day, UTC; ``resolve_models`` tells which one a logged name means.
    """
    books: dict[BookModel, list[PriceRow]] = {}
    for row in catalogue_rows():
        books.setdefault(BookModel(row.provider, row.model), []).append(row)
    for number, override in enumerate(overrides.overrides):
        source = f"{_FILE} overrides.{number}: {override.why}"
        for name in _names(books, override):
            kept = _outside(books.get(name, []), override.valid_from, override.valid_to)
            books[name] = [*kept, *_rows(name, override, source)]
    frame = pl.DataFrame(
        [(*row, fetched_at) for rows in books.values() for row in rows],
        schema=PRICE_BOOK.schema,
        orient="row",
    )
    return PRICE_BOOK.require(frame)


def _names(books: dict[BookModel, list[PriceRow]], override: PriceOverride) -> list[BookModel]:
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
            if name.provider == listed.provider and base_name(name.model) == listed.model:
                copy = own._replace(model=own.model + name.model.removeprefix(listed.model))
                books.setdefault(copy, [row._replace(**copy._asdict()) for row in rows])
    priced = own._replace(model=tier_name(own.model, override.service))
    return [priced] + [
        name
        for name in books
        if name.provider == priced.provider and name.model.startswith(f"{priced.model}@")
    ]


def _outside(rows: Iterable[PriceRow], start: datetime, end: datetime | None) -> Iterator[PriceRow]:
    """The parts of ``rows`` before ``start`` and from ``end`` on."""
    for row in rows:
        if row.valid_from < start:
            yield row._replace(valid_to=start if row.valid_to is None else min(row.valid_to, start))
        if end is not None and (row.valid_to is None or row.valid_to > end):
            yield row._replace(valid_from=max(row.valid_from, end))


def _rows(name: BookModel, override: PriceOverride, source: str) -> Iterator[PriceRow]:
    for bucket, price in complete(override.prices).items():
        yield PriceRow(*name, bucket, price, override.valid_from, override.valid_to, 0, source)
