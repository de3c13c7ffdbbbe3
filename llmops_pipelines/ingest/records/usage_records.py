"""Usage records priced one by one: what a provider counted, and what that comes to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any, Final

import duckdb
import orjson
import polars as pl

from llmops_pipelines.formats.records import as_object
from llmops_pipelines.formats.usage.usage import WEB_SEARCH_PATHS, usage_of
from llmops_pipelines.formats.usage.usage_maps import token_fields
from llmops_pipelines.ingest.records.reading import as_written, read_records
from llmops_pipelines.ingest.records.record_usage import usage_in
from llmops_pipelines.pricing import PER_THOUSAND, Rates, price_rows, price_tokens
from llmops_pipelines.pricing.book.resolution import provider_id
from llmops_pipelines.reference.spelling import NO_SUCH_NAME, names_like
from llmops_pipelines.tables import TOKEN_BUCKETS

NEEDED: Final = "id, provider, model, timestamp, usage; optional service_tier, batch and team"
"""Fields of a usage record."""


_REASONS: Final = {
    "no_usage": "no usage: it counts no tokens of prompt or answer",
    "no_model": "no model: name it",
    "unknown_model": "this model has no price: add it to prices.yaml",
    "no_search_price": "its web searches have no price: add one under `searches:` in prices.yaml",
    "no_price_at_that_time": "no price at that time: add it to prices.yaml",
}


_NO_COUNTS: Final = {"id", "provider", "model", "timestamp", "service_tier", "batch", "team"}

_TOOLS: Final = ("server_tool_use", "server_side_tool_usage_details")
_FREE_TOOLS: Final = ("web_fetch_requests",)
"""Anthropic bills pages that are fetched by their tokens alone."""


@dataclass(frozen=True)
class PriceRow:
    """One row of the price book, applied: ``price`` in USD per million tokens, ``usd`` charged.

    ``price`` is ``list_price`` in ``currency`` times ``usd_rate``, less ``discount``, a fraction.
    For the bucket ``request`` tokens are calls, for ``web_searches`` searches, and the prices are
    per million of them.
    """

    bucket: str
    tokens: int
    price: Decimal
    usd: Decimal
    valid_from: datetime
    valid_to: datetime | None
    context_from: int
    source: str
    list_price: Decimal
    currency: str
    usd_rate: Decimal
    discount: Decimal


@dataclass(frozen=True)
class PricedRecord:
    """One record: its cost in USD and how it comes about, or null with the reason.

    ``buckets`` has the tokens of all buckets; null where a side was not counted. ``searches`` of
    the web are in the cost; ``not_in_it`` names what else the provider's tools did, and bills.
    """

    line: int
    id: Any = None
    cost: Decimal | None = None
    reason: str | None = None
    buckets: Mapping[str, int | None] = field(default_factory=lambda: dict.fromkeys(TOKEN_BUCKETS))
    rows: tuple[PriceRow, ...] = ()
    searches: int | None = None
    not_in_it: str | None = None


def price_records(
    connection: duckdb.DuckDBPyConnection,
    lines: Iterable[tuple[int, str | None]],
    book: pl.DataFrame,
    *,
    at: datetime | None = None,
) -> list[PricedRecord]:
    """Price the usage records in ``lines``; none is left out.

    Args:
        connection: Of ``formats.connect``.
        lines: Line numbers and JSON texts; None for a line that is no UTF-8.
        book: ``PRICE_BOOK``.
        at: Price all of them as of this moment, UTC, whatever their ``timestamp``.
    """
    records = {line: _record(raw, at) for line, raw in lines}
    readable = {line: json.dumps(each.fields) for line, each in records.items() if not each.fault}
    read = read_records(connection, readable)
    faults = dict(read.rejected.select("n", "reason").rows())
    priced = dict(_priced(read.calls, book))
    found = []
    for line, each in records.items():
        if line in priced:
            why = priced[line].reason and (each.refused or priced[line].reason)
            found.append(
                replace(priced[line], id=each.id, reason=why, not_in_it=each.billed_beside)
            )
        else:
            why = each.fault or as_written(faults[line])
            found.append(PricedRecord(line, each.id, reason=why))
    return found


@dataclass(frozen=True)
class _Record:
    """A record in the fields of ``formats``, or why it is none; ``refused`` as in ``Usage``."""

    id: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None
    fault: str | None = None
    billed_beside: str | None = None


def _record(raw: str | None, at: datetime | None) -> _Record:
    if raw is None:
        return _Record(fault="line: is no UTF-8 text")
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _Record(fault=f"line: is no JSON ({error})")
    if not isinstance(record, dict):
        return _Record(fault=f"line: holds no object; a usage record has {NEEDED}")
    own, moment = record.get("id"), record.get("timestamp")
    usage = usage_in(record, _NO_COUNTS)
    if isinstance(usage, str):
        return _Record(own, fault=usage)
    if at is None and moment is None:
        return _Record(own, fault="timestamp: is missing, and prices change; give it, or --at")
    counted = usage_of(usage)
    fields = {
        "provider": record.get("provider"),
        "model": record.get("model"),
        "started_at": f"{at.isoformat()}Z" if at else _moment(moment),
        "service_tier": record.get("service_tier", usage.get("service_tier")),
        "is_batch": record.get("batch"),
        "team": record.get("team"),
        "status": "ok",
        **(counted.fields if counted.family else token_fields(usage)),
    }
    return _Record(own, fields, counted.refused, billed_beside=_tools(usage))


def _tools(usage: Mapping[str, Any]) -> str | None:
    """What a usage counts of hosted tools other than searches of the web, which have a price."""
    used = [
        f"{count:,} {name} ({place})"
        for place in _TOOLS
        for name, count in as_object(usage.get(place)).items()
        if (place, name) not in WEB_SEARCH_PATHS
        and name not in _FREE_TOOLS
        and isinstance(count, int)
        and count > 0
    ]
    sources = usage.get("num_sources_used")
    if isinstance(sources, int) and sources > 0:
        used.append(f"{sources:,} sources (num_sources_used)")
    return ", ".join(used) or None


def _moment(timestamp: Any) -> Any:
    """A bare day is its first moment."""
    try:
        return f"{date.fromisoformat(timestamp)}T00:00:00Z"
    except (TypeError, ValueError):
        return timestamp


def _priced(calls: pl.DataFrame, book: pl.DataFrame) -> Iterator[tuple[int, PricedRecord]]:
    rows: dict[int, list[PriceRow]] = {}
    asked: dict[tuple[str, ...], str | None] = {}

    def why(row: Mapping[str, Any]) -> str | None:
        # A file names one mistyped model many times.
        key = tuple(str(row[name]) for name in ("unpriced_reason", "provider", "model"))
        if key not in asked:
            asked[key] = _why(row, book)
        return asked[key]

    for row in price_rows(calls, Rates(book)).iter_rows(named=True):
        rows.setdefault(row["call"], []).append(_price_row(row))
    for call, row in enumerate(price_tokens(calls, book).iter_rows(named=True)):
        lacking = _without_price(row, rows.get(call, ()))
        yield (
            row["n"],
            PricedRecord(
                row["n"],
                cost=row["cost"],
                reason=f"no price of {lacking}: add it to prices.yaml" if lacking else why(row),
                buckets={bucket: row[bucket] for bucket in TOKEN_BUCKETS},
                rows=tuple(rows.get(call, ())),
                searches=row["web_searches"],
            ),
        )


def _without_price(row: Mapping[str, Any], charged: Collection[PriceRow]) -> str:
    """Buckets of a record that have tokens and no price, where others of its model have one."""
    if row["unpriced_reason"] != "no_price_at_that_time" or not charged:
        return ""
    priced = {each.bucket for each in charged}
    return ", ".join(name for name in TOKEN_BUCKETS if row[name] and name not in priced)


def _why(row: Mapping[str, Any], book: pl.DataFrame) -> str | None:
    """Why a record has no price, with names of the book that its own may be mistyped for."""
    reason = row["unpriced_reason"]
    if reason != "unknown_model":
        return _REASONS[reason] if reason else None
    provider, sold = row["provider"], book
    if provider is not None:
        sold = book.filter(pl.col("provider") == (provider_id(provider) or provider))
        if sold.is_empty():
            known = names_like(provider, book["provider"].unique().to_list())
            return f"no provider {provider!r}{_meant(known)}: {_REASONS[reason]}"
    return _REASONS[reason] + _meant(names_like(row["model"], sold["model"].unique().to_list()))


def _meant(names: str) -> str:
    return "" if names == NO_SUCH_NAME else f" (did you mean {names}?)"


def _price_row(row: dict[str, Any]) -> PriceRow:
    with localcontext(prec=60):
        return PriceRow(
            bucket=row["bucket"],
            tokens=row["tokens"],
            price=Decimal(row["units"]).scaleb(-12),
            usd=Decimal(row["units"] * row["tokens"]).scaleb(-18),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            context_from=row["context_from"],
            source=row["price_source"],
            list_price=row["list_price"] * (1000 if row["bucket"] in PER_THOUSAND else 1),
            currency=row["currency"],
            usd_rate=row["usd_rate"],
            discount=row["discount"],
        )
