"""The catalogue that the installed genai-prices ships, flattened to rows of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

from llmops_pipelines.pricing.book.batch import BATCH_HALVES, DISCOUNT
from llmops_pipelines.pricing.book.buckets import CATALOGUE_KEYS, STAND_INS, WEB_SEARCHES
from llmops_pipelines.pricing.book.rows import ANY, Name, PriceRow, to_pico
from llmops_pipelines.pricing.book.tiers import STANDARD
from llmops_pipelines.pricing.book.timelines import Span, spans

SOURCE_PREFIX = "genai-prices "
"""Prices of the catalogue say this; a price from anywhere else is an override."""

_WIDEST = frozenset({"input_mtok", "output_mtok"})


@cache
def providers() -> tuple[Any, ...]:
    """Providers of the snapshot inside the installed package; the network is never asked."""
    from genai_prices.data import providers as snapshot

    return tuple(snapshot)


@cache
def catalogue_rows() -> tuple[PriceRow, ...]:
    """Every token price of the snapshot, dated.

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
    name = Name(provider, model, span.service, hours="-".join(span.window) if span.window else ANY)
    is_free = model.endswith(":free") and span.service == STANDARD
    if span.halved:
        source += ", halved for batch"
    for context_from, prices in _bands(span):
        # The tokens are free, what a host searches for them is not.
        free = dict.fromkeys(CATALOGUE_KEYS, (Decimal(0), False)) if is_free else {}
        free.pop(WEB_SEARCHES, None)
        for bucket, (price, is_stand_in) in (prices or free).items():
            yield PriceRow(
                name,
                bucket,
                context_from,
                to_pico(price),
                span.valid_from,
                span.valid_to,
                source,
                is_stand_in=is_stand_in,
                is_assumed=bool(span.halved),
            )


def _bands(span: Span) -> Iterator[tuple[int, dict[str, tuple[Decimal, bool]]]]:
    """Prompt lengths from which other prices hold, with those per bucket and what stands in.

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
        yield (
            context_from,
            {
                bucket: (amounts[key], bucket in STAND_INS and key in _WIDEST)
                for bucket, key in keys.items()
                if key
            },
        )


def _at_length(price: Any, prompt_tokens: int) -> Decimal:
    amount: Decimal = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if prompt_tokens > tier.start:
            amount = tier.price
    return amount
