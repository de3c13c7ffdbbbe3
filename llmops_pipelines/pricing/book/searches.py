"""Prices of searches of the web that the catalogue does not list: hosted tools of answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from pydantic import Field

from llmops_pipelines.pricing.book.buckets import WEB_SEARCHES
from llmops_pipelines.pricing.book.entry import FILE, Entry
from llmops_pipelines.pricing.book.reach import ALL, catalogue_models, reached
from llmops_pipelines.pricing.book.resolution import BookModel
from llmops_pipelines.pricing.book.rows import Books, PriceRow, outside, within


class SearchPrice(Entry):
    """What a provider charges for a search of the web, where the catalogue lists nothing."""

    model: str = Field(ALL, min_length=1, description="Catalogue id, or a pattern of them with *.")
    usd_per_thousand: Decimal = Field(
        ge=0, le=1_000_000, decimal_places=12, description="USD per 1,000 searches."
    )

    def clash(self, other: SearchPrice) -> str | None:
        """What both price, where they do."""
        models = catalogue_models()
        both = reached(self, models) & reached(other, models)
        return f"price searches of {self.provider}" if both else None


def price_searches(books: Books, searches: Iterable[SearchPrice]) -> None:
    """Add to ``books`` of the catalogue the searches it has no price of; what it lists stays."""
    for number, entry in enumerate(searches):
        models = reached(entry, catalogue_models())
        price = f"{entry.usd_per_thousand.normalize():f}"
        note = f", searches at {price} USD per 1,000 ({FILE} searches.{number}: {entry.why})"
        for name in [name for name in books if BookModel(name.provider, name.model) in models]:
            rows = books[name]
            if not any(row.bucket == WEB_SEARCHES for row in rows):
                kept = outside(rows, entry.valid_from, entry.valid_to)
                meant = within(rows, entry.valid_from, entry.valid_to)
                books[name] = [*kept, *_with_searches(meant, entry.usd_per_thousand, note)]


def _with_searches(rows: Iterable[PriceRow], price: Decimal, note: str) -> Iterator[PriceRow]:
    for row in rows:
        told = row._replace(source=row.source + note)
        yield told
        if row.bucket == "uncached_input":  # once an interval and prompt length
            yield told._replace(bucket=WEB_SEARCHES, list_price=price, is_stand_in=False)
