"""Batch and cached prices that the catalogue does not list, as parts of those it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from llmops_pipelines.pricing.book.buckets import PER_THOUSAND
from llmops_pipelines.pricing.book.entry import FILE, Entry
from llmops_pipelines.pricing.book.reach import ALL, catalogue_models, reached
from llmops_pipelines.pricing.book.resolution import BookModel
from llmops_pipelines.pricing.book.rows import ANY, Books, Name, PriceRow, outside, to_pico, within
from llmops_pipelines.pricing.book.tiers import BATCH, STANDARD

Factor = Annotated[Decimal, Field(ge=0, le=100, decimal_places=12)]

_CACHES = ("cache_read", "cache_write_5m", "cache_write_1h")


class Multiplier(Entry):
    """What a provider charges for batches or caches, where the catalogue lists nothing."""

    model: str = Field(ALL, min_length=1, description="Catalogue id, or a pattern of them with *.")
    batch: Factor | None = Field(None, description="Batch price, as a part of the standard one.")
    batch_cached: Factor | None = Field(
        None, description="The same for prices of caches; left out: they stay as they are."
    )
    cache_read: Factor | None = Field(None, description="As a part of the input price.")
    cache_write_5m: Factor | None = Field(None, description="As a part of the input price.")
    cache_write_1h: Factor | None = Field(None, description="As a part of the input price.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.batch is None and (self.batch_cached is not None or not self.caches):
            raise ValueError(
                "give batch (with batch_cached, if caches are cheaper too), "
                f"or some of {', '.join(_CACHES)}"
            )
        return self

    @property
    def caches(self) -> dict[str, Decimal]:
        """Factors of the cache buckets that it sets."""
        factors = {bucket: getattr(self, bucket) for bucket in _CACHES}
        return {bucket: factor for bucket, factor in factors.items() if factor is not None}

    def clash(self, other: Multiplier) -> str | None:
        """What both set for the same model, where they do."""
        mine, its = (
            {*entry.caches, *(["batch"] if entry.batch is not None else [])}
            for entry in (self, other)
        )
        models = catalogue_models()
        both = sorted(mine & its) if reached(self, models) & reached(other, models) else []
        return f"set {', '.join(both)} for models of {self.provider}" if both else None


def multiply(books: Books, multipliers: Iterable[Multiplier]) -> None:
    """Fill ``books`` of the catalogue with what it does not list; what it lists stays."""
    for number, entry in enumerate(multipliers):
        note = f"{FILE} multipliers.{number}: {entry.why}"
        models = reached(entry, catalogue_models())
        names = [name for name in books if BookModel(name.provider, name.model) in models]
        for name in names:
            kept = outside(books[name], entry.valid_from, entry.valid_to)
            meant = within(books[name], entry.valid_from, entry.valid_to)
            books[name] = [*kept, *_with_caches(list(meant), entry, note)]
        if entry.batch is not None:
            for name in names:
                if name.tier == STANDARD:
                    _add_batch(books, name, entry, note)


def _with_caches(rows: list[PriceRow], entry: Multiplier, note: str) -> Iterator[PriceRow]:
    factors = {
        bucket: factor
        for bucket, factor in entry.caches.items()
        if any(row.bucket == bucket and row.is_stand_in for row in rows)
    }
    inputs = {
        (row.valid_from, row.context_from): row.list_price
        for row in rows
        if row.bucket == "uncached_input"
    }
    said = ", ".join(f"{bucket} x {factor}" for bucket, factor in factors.items())
    for row in rows:
        told = row._replace(source=f"{row.source}, {said} ({note})") if factors else row
        if row.bucket in factors and row.is_stand_in:
            price = to_pico(inputs[row.valid_from, row.context_from] * factors[row.bucket])
            told = told._replace(list_price=price, is_stand_in=False)
        yield told


def _add_batch(books: Books, name: Name, entry: Multiplier, note: str) -> None:
    """Batch rows of a standard name, but for the time of which the catalogue has its own."""
    target = name._replace(tier=BATCH)
    own = [row for row in books.get(target._replace(hours=ANY), ()) if not row.is_assumed]
    there = books.get(target, [])
    made: Iterable[PriceRow] = _batch_rows(books[name], target, entry, note)
    if own:
        ends = [row.valid_to for row in own]
        last = max((end for end in ends if end is not None), default=None)
        made = outside(made, min(row.valid_from for row in own), None if None in ends else last)
    assumed = [row for row in there if row.is_assumed]
    books[target] = [
        *(row for row in there if not row.is_assumed),
        *outside(assumed, entry.valid_from, entry.valid_to),
        *made,
    ]


def _batch_rows(
    rows: Iterable[PriceRow], target: Name, entry: Multiplier, note: str
) -> Iterator[PriceRow]:
    said = f"x {entry.batch} for batch"
    for row in within(rows, entry.valid_from, entry.valid_to):
        factor = entry.batch
        if row.bucket in PER_THOUSAND:
            factor = None
        elif row.bucket in _CACHES and not row.is_stand_in:
            factor = entry.batch_cached
        yield row._replace(
            name=target,
            list_price=row.list_price if factor is None else to_pico(row.list_price * factor),
            source=f"{row.source}, {said} ({note})",
        )
