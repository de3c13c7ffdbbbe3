"""Rows of the price book while it is built: what a price is for, and how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final, NamedTuple

from llmops_pipelines.pricing.book.tiers import STANDARD

ANY: Final = "*"
"""Any region, hours or team that has no price of its own."""

USD: Final = "USD"

ONE: Final = Decimal(1)

_PICO: Final = Decimal("0.000000000001")


class Name(NamedTuple):
    """What a price list is for; calls are charged by one ``Name`` at a time."""

    provider: str
    model: str
    tier: str = STANDARD
    region: str = ANY
    hours: str = ANY
    team: str = ANY


class PriceRow(NamedTuple):
    """One row of the price book, before it is one.

    ``discounted`` is what its source says of a discount. ``is_stand_in`` tells that the price is
    that of the wider kind of tokens, for lack of its own, ``is_assumed`` that it is no price of the
    catalogue but what the provider says of batches in general.
    """

    name: Name
    bucket: str
    context_from: int
    list_price: Decimal
    valid_from: datetime
    valid_to: datetime | None
    source: str
    currency: str = USD
    usd_rate: Decimal = ONE
    discount: Decimal = Decimal(0)
    discounted: str = ""
    is_stand_in: bool = False
    is_assumed: bool = False

    @property
    def price(self) -> Decimal:
        """USD that are charged: the list price, converted, less the discount."""
        if self.usd_rate == 1 and not self.discount:
            return self.list_price
        with localcontext(prec=80):
            return to_pico(self.list_price * self.usd_rate * (1 - self.discount))


Books = dict[Name, list[PriceRow]]
"""The rows of each price list."""


def copy_list(books: Books, name: Name, other: Name) -> None:
    """Give ``other`` the price list of ``name``, unless it has one."""
    if other not in books:
        books[other] = [row._replace(name=other) for row in books[name]]


def to_pico(price: Decimal) -> Decimal:
    """A price rounded to twelve decimals, half to even."""
    with localcontext(prec=80):
        return price.quantize(_PICO, ROUND_HALF_EVEN)


def within(rows: Iterable[PriceRow], start: datetime, end: datetime | None) -> Iterator[PriceRow]:
    """The parts of ``rows`` from ``start`` until before ``end``."""
    for row in rows:
        first, last = max(row.valid_from, start), _earlier(row.valid_to, end)
        if last is None or first < last:
            yield row._replace(valid_from=first, valid_to=last)


def outside(rows: Iterable[PriceRow], start: datetime, end: datetime | None) -> Iterator[PriceRow]:
    """The parts of ``rows`` before ``start`` and from ``end`` on."""
    for row in rows:
        if row.valid_from < start:
            yield row._replace(valid_to=_earlier(row.valid_to, start))
        if end is not None and (row.valid_to is None or row.valid_to > end):
            yield row._replace(valid_from=max(row.valid_from, end))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((end for end in (one, other) if end is not None), default=None)
