"""The price catalogue that the installed genai-prices ships, flattened to rows of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from typing import Any, NamedTuple

from llmops_pipelines.pricing.buckets import CATALOGUE_KEYS
from llmops_pipelines.pricing.tiers import BATCH, STANDARD, tier_name, window_name

BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC
"""Start of a price that the catalogue gives no start for."""

SOURCE_PREFIX = "genai-prices "
"""Prices of the catalogue; a price from anywhere else is an override."""

_MIDNIGHT = "24:00"
_PICO = Decimal("0.000000000001")
_HALF = Decimal("0.5")

_FRESH = frozenset(
    {"input_mtok", "output_mtok", "output_reasoning_mtok", "input_audio_mtok", "output_audio_mtok"}
)
_CACHES = frozenset(
    {"cache_read_mtok", "cache_write_mtok", "cache_write_5m_mtok", "cache_write_1h_mtok"}
)

BATCH_HALVES = {
    "openai": _FRESH,
    "azure": _FRESH,
    "google": _FRESH,
    "mistral": _FRESH,
    "anthropic": _FRESH | _CACHES,
}
"""Prices that a provider's batch endpoint halves, where the catalogue does not know the batch price
of a model at a time (its own batch prices start in October 2026 and win).

All five publish "50 %": developers.openai.com/api/docs/guides/batch,
learn.microsoft.com/azure/ai-foundry/openai/how-to/batch, ai.google.dev/gemini-api/docs/batch-api,
docs.mistral.ai/capabilities/batch, platform.claude.com/docs/en/build-with-claude/batch-processing.
Only Anthropic says that its cache prices are halved too; Google says that its are not
(docs.cloud.google.com, batch inference with Gemini). For any other provider a batch call outside
the catalogue has no known price.
"""


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


class _Span(NamedTuple):
    """Prices of a model for one service in one interval of days and one window of the clock."""

    service: str
    window: tuple[str, str] | None
    valid_from: datetime
    valid_to: datetime | None
    prices: Any
    halved: frozenset[str]


def source_of_catalogue() -> str:
    """What rows of the catalogue name as their source."""
    return SOURCE_PREFIX + version("genai-prices")


@cache
def providers() -> tuple[Any, ...]:
    """Providers of the snapshot inside the installed package; the network is never asked."""
    from genai_prices.data import providers as snapshot  # noqa: PLC0415 - loads an HTTP client

    return tuple(snapshot)


@cache
def catalogue_rows() -> tuple[PriceRow, ...]:
    """Every token price of the snapshot, dated.

    ``model`` is the catalogue's id of the model. Two suffixes tell prices of one model apart:
    ``:batch``, ``:flex``, ``:priority`` and ``:fast`` are the prices of those service tiers, and
    ``@16:30-24:00`` is the price at those hours of the day (UTC, the end excluded).
    A model without any token price (billed by hour, page or character) has no row.
    """
    source = source_of_catalogue()
    return tuple(
        row
        for provider in providers()
        for model in provider.models
        for span in _spans(provider.id, model)
        for row in _rows(provider.id, model.id, span, source)
    )


def _rows(provider: str, model: str, span: _Span, source: str) -> Iterator[PriceRow]:
    model = tier_name(model, span.service)
    if span.window:
        model = window_name(model, *span.window)
    if span.halved:
        source += ", halved for batch"
    for context_from, prices in _bands(span.prices, span.halved):
        if not prices and model.endswith(":free"):
            prices = dict.fromkeys(CATALOGUE_KEYS, Decimal(0))  # noqa: PLW2901
        for bucket, price in prices.items():
            yield PriceRow(
                provider, model, bucket, price.quantize(_PICO, ROUND_HALF_EVEN),
                span.valid_from, span.valid_to, context_from, source,
            )  # fmt: skip


def _bands(prices: Any, halved: frozenset[str]) -> Iterator[tuple[int, dict[str, Decimal]]]:
    """Prompt lengths from which other prices hold, with those prices per bucket.

    A tier of the catalogue applies to prompts *longer* than its start, to all of their tokens.
    """
    keys = {
        bucket: next((key for key in keys if getattr(prices, key) is not None), None)
        for bucket, keys in CATALOGUE_KEYS.items()
    }
    listed = {key: getattr(prices, key) for key in keys.values() if key}
    starts = {tier.start + 1 for price in listed.values() for tier in getattr(price, "tiers", ())}
    for context_from in sorted({0} | starts):
        amounts = {
            key: _at_length(price, context_from) * (_HALF if key in halved else 1)
            for key, price in listed.items()
        }
        yield context_from, {bucket: amounts[key] for bucket, key in keys.items() if key}


def _at_length(price: Any, prompt_tokens: int) -> Decimal:
    amount: Decimal = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if prompt_tokens > tier.start:
            amount = tier.price
    return amount


def _spans(provider: str, model: Any) -> Iterator[_Span]:
    """Intervals in which the catalogue answers the same, found by asking it at every edge."""
    constraints = [getattr(entry, "constraint", None) for entry in _conditional(model)]
    days = sorted({BEGINNING.date()} | {day for c in constraints if (day := _start_date(c))})
    hours = sorted({time(0)} | {edge for c in constraints for edge in _clock_edges(c)})
    services: dict[str, dict[str, str]] = {STANDARD: {}}
    for variant in model.price_variants or ():
        if service := _service(variant.when):
            services[service] = variant.when
    halves = BATCH_HALVES.get(provider, frozenset())
    if halves:
        services.setdefault(BATCH, {})

    for service, context in services.items():
        usual = _timeline(model, days, hours[0], service, context, halves)
        yield from (_Span(service, None, *span) for span in usual)
        for hour, until in pairwise([*hours, None]):
            other = _timeline(model, days, hour, service, context, halves)
            if hour and other != usual:
                window = (_clock(hour), _clock(until) if until else _MIDNIGHT)
                yield from (_Span(service, window, *span) for span in other)


_Timeline = list[tuple[datetime, datetime | None, Any, frozenset[str]]]


def _timeline(
    model: Any, days: list[date], hour: time | None, service: str, context: Any, halves: frozenset[str]
) -> _Timeline:
    """Start, end, prices and keys to halve, one after the other, at one hour of the day."""
    changes: list[tuple[datetime, Any, frozenset[str]]] = []
    for day in days:
        at = datetime.combine(day, hour or time(0))
        prices, halved = _prices_at(model, at, service, context, halves)
        if not changes or changes[-1][1:] != (prices, halved):
            changes.append((datetime.combine(day, time(0)), prices, halved))
    ends = [start for start, *_ in changes[1:]] + [None]
    return [
        (start, end, prices, halved)
        for (start, prices, halved), end in zip(changes, ends, strict=True)
        if prices is not None
    ]


def _prices_at(
    model: Any, at: datetime, service: str, context: dict[str, str], halves: frozenset[str]
) -> tuple[Any, frozenset[str]]:
    """Prices of one service at one moment, and the keys of those still to be halved."""
    if service == STANDARD:
        return model.get_prices(at), frozenset()
    if any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    ):
        return model.get_prices(at, context), frozenset()
    return (model.get_prices(at), halves) if service == BATCH and halves else (None, frozenset())


def _conditional(model: Any) -> list[Any]:
    dated = model.prices if isinstance(model.prices, list) else []
    return [*dated, *(model.price_variants or ())]


def _start_date(constraint: Any) -> date | None:
    found: date | None = getattr(constraint, "start_date", None)
    return found


def _clock_edges(constraint: Any) -> Iterator[time]:
    for name in ("start_time", "end_time"):
        edge: time | None = getattr(constraint, name, None)
        if edge is not None:
            # The catalogue reads a time without a zone as UTC, and so do we.
            moment = datetime.combine(BEGINNING + timedelta(days=1), edge.replace(tzinfo=None))
            yield (moment - (edge.utcoffset() or timedelta(0))).time()


def _service(when: dict[str, str]) -> str | None:
    """The service tier of a price variant; None for a variant that no logged call can tell."""
    match when:
        case {"processing": "batch"}:
            return BATCH
        case {"service_tier": "flex" | "priority" | "fast" as tier}:
            return tier
        case {"speed": "fast"}:
            return "fast"
        case _:
            return None


def _clock(edge: time) -> str:
    return edge.isoformat("minutes")
