"""Lines of invoices and usage exports, whoever sent them: what one says, and how figures read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.tables import INSTANT, MONEY

Record = Mapping[str, Any]

INPUT, CACHED, OUTPUT, TOOL = "input", "cached_input", "output", "tool"
"""Meters: the prompt (cache writes included), what was read from the cache, the answer, and what
is no token (a search, a container)."""

BATCH, NOT_BATCH = "batch", "not_batch"
"""Tiers: calls of batches; all others, where an export tells only whether a batch was it."""

_STARTS: Final = ("start_time_iso", "start_time", "starting_at")
_STOPS: Final = ("end_time_iso", "end_time", "ending_at")
_MOST: Final = Decimal(10) ** 15
_PICO: Final = Decimal("0.000000000001")
_AMOUNT: Final = re.compile(r"\$?(-?)\$?(\d{1,3}(?:,\d{3})+(?:\.\d+)?)")


class LineError(ValueError):
    """A line cannot be read; the message names field and value."""


class InvoiceLine(NamedTuple):
    """One charge, or one count of tokens, of one period.

    ``model`` is null for all models together, ``tier`` and ``meter`` where the export does not
    divide by them. ``amount`` is in US dollars, null in usage exports; ``tokens`` are null where
    only money is told. ``begins`` is null where a date is all that is known of the period.
    ``places`` is how many decimal places the amount was written with.
    """

    day: date
    provider: str
    model: str | None = None
    tier: str | None = None
    meter: str | None = None
    amount: Decimal | None = None
    tokens: int | None = None
    begins: datetime | None = None
    hours: float | None = None
    places: int = 12


LINES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "line": pl.Int64,
    "first": pl.Boolean,
    "day": pl.Date,
    "provider": pl.String,
    "model": pl.String,
    "tier": pl.String,
    "meter": pl.String,
    "amount": MONEY,
    "tokens": pl.Int64,
    "begins": INSTANT,
    "hours": pl.Float64,
    "places": pl.Int64,
}
"""Columns of lines as a frame; a line of the file may make several, the ``first`` counts it."""


def bucket(record: Record, provider: str) -> InvoiceLine:
    """The period of a record, with nothing in it: what JSON and CSV exports call a bucket.

    Raises:
        LineError: It names no time.
    """
    start = next((record[name] for name in _STARTS if record.get(name)), None)
    stop = next((record[name] for name in _STOPS if record.get(name)), None)
    begins = moment(start, "start of the period")
    hours = (moment(stop, "end of the period") - begins).total_seconds() / 3600 if stop else None
    return InvoiceLine(begins.date(), provider, begins=begins, hours=hours)


def amount_in(text: str) -> Decimal:
    """What ``text`` says, as invoices write it: ``$1,234.50``, ``(3.20)`` for what is below 0.

    Raises:
        InvalidOperation: No number.
    """
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):  # as accountants write it
        text = f"-{text[1:-1]}"
    if grouped := _AMOUNT.fullmatch(text):
        text = grouped[1] + grouped[2].replace(",", "")
    return Decimal(text.replace("$", "", 1))


def money(value: Any, field: str, *, times: Decimal = Decimal(1)) -> tuple[Decimal, int]:
    """Dollars, and the decimal places they were written with.

    Raises:
        LineError: No finite number below 10^15.
    """
    try:
        amount = amount_in(str(value)) * times
        if not amount.is_finite() or abs(amount) >= _MOST:
            raise InvalidOperation
    except InvalidOperation:
        raise LineError(f"{field}: {str(value)[:40]!r} is no amount of money") from None
    exponent = amount.as_tuple().exponent
    places = min(12, -exponent) if isinstance(exponent, int) and exponent < 0 else 0
    return amount.quantize(_PICO), max(places, 2)


def count(value: Any, field: str) -> int:
    """Tokens or requests; nothing written is none.

    Raises:
        LineError: No whole number from 0 to 10^15.
    """
    if value is None or value == "":
        return 0
    try:
        number = Decimal(str(value).replace(",", ""))
        if not number.is_finite() or number != int(number) or not 0 <= number < _MOST:
            raise InvalidOperation
    except InvalidOperation:
        raise LineError(f"{field}: {str(value)[:40]!r} is no count of tokens") from None
    return int(number)


def moment(value: Any, field: str) -> datetime:
    """A moment in UTC, from seconds since 1970 or an ISO text; without a zone it is UTC.

    Raises:
        LineError: Neither, or a time that no invoice is of.
    """
    try:
        text = str(value).strip()
        if re.fullmatch(r"\d{9,11}(\.0+)?", text):
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(float(text)))
        else:
            found = datetime.fromisoformat(text.removesuffix(" UTC"))
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise LineError(f"{field}: {str(value)[:40]!r} is no time") from None
    if not 2015 <= found.year <= 2100:
        raise LineError(f"{field}: {str(value)[:40]!r} is no time of an invoice")
    return found.replace(tzinfo=None)


def dollars_only(currency: Any) -> None:
    """Refuse amounts in another currency: they add up to nothing.

    Raises:
        LineError: A currency that is not the US dollar.
    """
    if currency and str(currency).strip().lower() != "usd":
        raise LineError(f"currency: {str(currency)[:10]!r}; export it in US dollars")


def tier_of(service_tier: Any, *, batch: Any = None) -> str | None:
    """``BATCH``, ``NOT_BATCH``, ``standard``, ``flex``, ...; None where the export does not say."""
    if str(batch).strip().lower() in ("true", "1"):
        return BATCH
    said = str(service_tier or "").strip().lower()
    if said in ("", "null", "none"):
        return NOT_BATCH if str(batch).strip().lower() in ("false", "0") else None
    return "standard" if said in ("default", "auto", "standard") else said


def name_of(value: Any) -> str | None:
    """A name, or None for what stands for none."""
    text = str(value or "").strip()
    return text[:200] if text and text.lower() not in ("null", "none") else None
