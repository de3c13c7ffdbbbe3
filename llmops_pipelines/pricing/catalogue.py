"""The catalogue that the installed genai-prices ships, flattened to rows of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from llmops_pipelines.pricing.batch import BATCH_HALVES, DISCOUNT
from llmops_pipelines.pricing.buckets import CATALOGUE_KEYS
from llmops_pipelines.pricing.tiers import tier_name, window_name
from llmops_pipelines.pricing.timelines import Span, spans

SOURCE_PREFIX = "genai-prices "
"""Prices of the catalogue say this; a price from anywhere else is an override."""

_PICO = Decimal("0.000000000001")


class PriceRow(NamedTuple):
    """One row of the price book, before it is one."""

    provider: str
    model: str
    bucket: str
    price: Decimal
    valid_from: datetime
    valid_to: datetime | None
    context_from: int
    source: str


@cache
def providers() -> tuple[Any, ...]:
    """Providers of the snapshot inside the installed package; the network is never asked."""
    from genai_prices.data import providers as snapshot

    return tuple(snapshot)


@cache
def catalogue_rows() -> tuple[PriceRow, ...]:
    """Every token price of the snapshot, dated.

    ``model`` is the catalogue's id of the model. Two suffixes tell prices of one model apart:
    ``:batch``, ``:flex``, ``:priority`` and ``:fast`` are the prices of those service tiers, and
    ``@16:30-24:00`` is the price at those hours of the day (UTC, the end excluded).
    A model without any token price (billed by hour, page or character) has no row.
    """
    source = SOURCE_PREFIX + version("genai-prices")
    return tuple(
        row
        for provider in providers()
        for model in provider.models
        for span in spans(model, BATCH_HALVES.get(provider.id, frozenset()))
        for row in _rows(provider.id, model.id, span, source)
    )


def _rows(provider: str, model: str, span: Span, source: str) -> Iterator[PriceRow]:
    model = tier_name(model, span.service)
    if span.window:
        model = window_name(model, *span.window)
    if span.halved:
        source += ", halved for batch"
    for context_from, prices in _bands(span):
        free = dict.fromkeys(CATALOGUE_KEYS, Decimal(0)) if model.endswith(":free") else {}
        for bucket, price in (prices or free).items():
            yield PriceRow(
                provider,
                model,
                bucket,
                price.quantize(_PICO, ROUND_HALF_EVEN),
                span.valid_from,
                span.valid_to,
                context_from,
                source,
            )


def _bands(span: Span) -> Iterator[tuple[int, dict[str, Decimal]]]:
    """Prompt lengths from which other prices hold, with those prices per bucket.

    A tier of the catalogue applies to prompts *longer* than its start, to all of their tokens.
    """
    keys = {
        bucket: next((key for key in keys if getattr(span.prices, key) is not None), None)
        for bucket, keys in CATALOGUE_KEYS.items()
    }
    listed = {key: getattr(span.prices, key) for key in keys.values() if key}
    starts = {tier.start + 1 for price in listed.values() for tier in getattr(price, "tiers", ())}
    for context_from in sorted({0} | starts):
        amounts = {
            key: _at_length(price, context_from) * (DISCOUNT if key in span.halved else 1)
            for key, price in listed.items()
        }
        yield context_from, {bucket: amounts[key] for bucket, key in keys.items() if key}


def _at_length(price: Any, prompt_tokens: int) -> Decimal:
    amount: Decimal = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if prompt_tokens > tier.start:
            amount = tier.price
    return amount
