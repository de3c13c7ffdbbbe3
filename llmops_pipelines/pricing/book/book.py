"""The price book: the installed catalogue with a team's own prices laid over it."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from llmops_pipelines.pricing.book.belief import revise
from llmops_pipelines.pricing.book.catalogue import catalogue_rows
from llmops_pipelines.pricing.book.discounts import take_off
from llmops_pipelines.pricing.book.entry import FILE
from llmops_pipelines.pricing.book.multipliers import multiply
from llmops_pipelines.pricing.book.overrides import PriceOverrides
from llmops_pipelines.pricing.book.price_lists import PriceList
from llmops_pipelines.pricing.book.resolution import BookModel, resolve
from llmops_pipelines.pricing.book.rows import ANY, Books, Name, PriceRow, copy_list, outside
from llmops_pipelines.pricing.book.searches import price_searches
from llmops_pipelines.pricing.book.tiers import BATCH
from llmops_pipelines.pricing.book.timelines import BEGINNING
from llmops_pipelines.tables import PRICE_BOOK


def price_book(
    overrides: PriceOverrides,
    fetched_at: datetime | None = None,
    *,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every known price, dated: the catalogue of the installed genai-prices, then ``overrides``.

    Search prices and multipliers fill in what the catalogue does not list. An override is the whole
    price list of its model while it holds; what it does not list is priced by the stand-ins of
    ``buckets``. Before and after, the catalogue's prices hold, if it has any. Discounts are taken
    off what that gives.

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
    price_searches(books, overrides.searches)
    multiply(books, overrides.multipliers)
    for place, listed in _lists(overrides):
        source = f"{FILE} {place}: {listed.told()}"
        for name in _names(books, listed):
            kept = outside(books.get(name, []), listed.valid_from, listed.valid_to)
            books[name] = [*kept, *listed.rows(name, source)]
    for hosted in overrides.self_hosted:
        for name in _names(books, hosted):
            # GPUs cost what they cost, however urgent the call.
            copy_list(books, name, name._replace(tier=BATCH))
    take_off(books, overrides.discounts)
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
        row.source + row.discounted,
        fetched_at,
    )


def _lists(overrides: PriceOverrides) -> list[tuple[str, PriceList]]:
    """Price lists by their place in the file; those of a region after those it is carved out of."""
    lists: list[tuple[str, PriceList]] = [
        *((f"overrides.{number}", each) for number, each in enumerate(overrides.overrides)),
        *((f"self_hosted.{number}", each) for number, each in enumerate(overrides.self_hosted)),
    ]
    return sorted(lists, key=lambda each: each[1].sold_as("", "").region != ANY)


def _names(books: Books, override: PriceList) -> list[Name]:
    """What the override prices: its model, at all hours of the day.

    A name that the catalogue folds into another model first gets that model's prices as its own,
    so that they hold where the override does not; so does a region.
    """
    provider = override.seller
    region = override.sold_as(provider, override.model).region
    # Some hosts have an entry of its own for a model that is asked of a region.
    in_region = resolve(provider, f"{region}.{override.model}") if region != ANY else None
    listed = in_region or resolve(provider, override.model)
    own = BookModel(provider, override.model)
    is_own = listed and listed.provider == provider and listed.model.lower() == own.model.lower()
    if listed and (in_region or is_own):
        own = listed
    elif listed is not None:
        for name in [name for name in books if name[:2] == listed]:
            copy_list(books, name, name._replace(**own._asdict()))
    priced = override.sold_as(*own)
    general = priced._replace(region=ANY)
    for name in [name for name in books if name._replace(hours=ANY) == general]:
        copy_list(books, name, name._replace(region=priced.region))
    others = (name for name in books if name != priced and name._replace(hours=ANY) == priced)
    return [priced, *others]
