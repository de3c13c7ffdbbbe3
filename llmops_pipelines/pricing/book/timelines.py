"""When a model of the catalogue costs what: its answers at every edge of time, as intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from llmops_pipelines.pricing.book.tiers import BATCH, STANDARD

BEGINNING = datetime.combine(date(1970, 1, 1), time(0))
"""Start of a price that the catalogue gives no start for."""

_MIDNIGHT = "24:00"


class Span(NamedTuple):
    """Prices of a model in one service tier, interval of days and window of hours.

    ``prices`` is genai-prices' ``ModelPrice``; ``halved`` its keys that a batch call pays half of.
    ``window`` is None for the hours that have no window of their own.
    """

    service: str
    window: tuple[str, str] | None
    valid_from: datetime
    valid_to: datetime | None
    prices: Any
    halved: frozenset[str]


class _Tier(NamedTuple):
    """A service tier: its name, the request context that selects it, and what it halves."""

    service: str
    context: Mapping[str, str]
    halves: frozenset[str]


def spans(model: Any, halves: frozenset[str]) -> Iterator[Span]:
    """All prices of ``model``; the catalogue's own rules pick them, one question per edge.

    Args:
        model: genai-prices' ``ModelInfo``.
        halves: Price keys to halve for batch calls where it lists no batch price.
    """
    constraints = [getattr(price, "constraint", None) for price in _conditional_prices(model)]
    days = sorted({BEGINNING.date()} | {day for c in constraints if (day := _start_day(c))})
    hours = sorted({time(0)} | {edge for c in constraints for edge in _clock_edges(c)})
    for tier in _tiers(model, halves):
        usual = _timeline(model, tier, days, hours[0])
        yield from (span._replace(window=None) for span in usual)
        for hour, until in pairwise([*hours, None]):
            other = _timeline(model, tier, days, hour)
            if other != usual:
                window = (_clock(hour), _clock(until) if until else _MIDNIGHT)
                yield from (span._replace(window=window) for span in other)


def _tiers(model: Any, halves: frozenset[str]) -> list[_Tier]:
    tiers = {STANDARD: _Tier(STANDARD, {}, frozenset())}
    for variant in model.price_variants or ():
        if service := _service(variant.when):
            tiers[service] = _Tier(
                service, variant.when, halves if service == BATCH else frozenset()
            )
    if halves:
        tiers.setdefault(BATCH, _Tier(BATCH, {}, halves))
    return list(tiers.values())


def _timeline(model: Any, tier: _Tier, days: list[date], hour: time | None) -> list[Span]:
    """What one tier costs at one hour of the day, from the first day on, changes only."""
    changes: list[Span] = []
    for day in days:
        prices, halved = _prices_at(model, tier, datetime.combine(day, hour or time(0)))
        if not changes or (changes[-1].prices, changes[-1].halved) != (prices, halved):
            start = datetime.combine(day, time(0))
            if changes:
                changes[-1] = changes[-1]._replace(valid_to=start)
            changes.append(Span(tier.service, None, start, None, prices, halved))
    return [span for span in changes if span.prices is not None]


def _prices_at(model: Any, tier: _Tier, at: datetime) -> tuple[Any, frozenset[str]]:
    if tier.service == STANDARD:
        return model.get_prices(at), frozenset()
    if any(
        variant.when == tier.context
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    ):
        return model.get_prices(at, tier.context), frozenset()
    return (model.get_prices(at), tier.halves) if tier.halves else (None, frozenset())


def _conditional_prices(model: Any) -> list[Any]:
    dated = model.prices if isinstance(model.prices, list) else []
    return [*dated, *(model.price_variants or ())]


def _start_day(constraint: Any) -> date | None:
    found: date | None = getattr(constraint, "start_date", None)
    return found


def _clock_edges(constraint: Any) -> Iterator[time]:
    for name in ("start_time", "end_time"):
        edge: time | None = getattr(constraint, name, None)
        if edge is not None:
            # The catalogue reads a time without a zone as UTC, and so do we.
            moment = datetime.combine(BEGINNING + timedelta(days=1), edge.replace(tzinfo=None))
            yield (moment - (edge.utcoffset() or timedelta(0))).time()


def _clock(edge: time | None) -> str:
    return edge.isoformat("minutes") if edge else "00:00"


def _service(when: Mapping[str, str]) -> str | None:
    """The service tier of a price variant; None for a variant that no logged call can tell."""
    match when:
        case {"processing": "batch"}:
            return BATCH
        case {"service_tier": "flex" | "priority" | "fast" as tier}:
            return str(tier)
        case {"speed": "fast"}:
            return "fast"
        case _:
            return None
