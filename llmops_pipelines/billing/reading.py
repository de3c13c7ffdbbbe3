"""An invoice's bytes to its lines: JSON, CSV or Parquet; sniffed, not by name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.billing import anthropic, litellm, openai
from llmops_pipelines.billing.lines import LINES, InvoiceLine, LineError, Record, bucket

_Lines = Callable[[Record], Iterator[InvoiceLine]]

_FORMATS: Final[dict[str, tuple[Callable[[Record], bool], _Lines]]] = {
    "openai_costs": (openai.is_cost, openai.cost_lines),
    "openai_usage": (openai.is_usage, openai.usage_lines),
    "anthropic_costs": (anthropic.is_cost, anthropic.cost_lines),
    "anthropic_usage": (anthropic.is_usage, anthropic.usage_lines),
    "litellm_spend": (litellm.is_spend, litellm.spend_lines),
}

FORMATS: Final = tuple(_FORMATS)
"""What invoices may be, in the order in which they are tried."""

_EXPECTED: Final = (
    "expected an export of OpenAI (organization/costs, organization/usage), Anthropic (cost_report,"
    " usage_report/messages, console CSV) or LiteLLM (spend logs, daily activity)"
)
_PARQUET: Final = b"PAR1"
_DELIMITERS: Final = (",", "\t", ";")
_DEEPEST: Final = 64
_MORE: Final = "has_more: this page is not the last one; export the others too"


class NoInvoiceError(ValueError):
    """The file is none of the exports that can be read; the message says what it is instead."""


class Unreadable(NamedTuple):
    """A line that was counted and not understood."""

    line: int
    reason: str


class Invoice(NamedTuple):
    """What one file says."""

    source: str
    """One of ``FORMATS``."""
    lines: pl.DataFrame
    """``LINES``; those of days without spend have neither amount nor tokens."""
    unreadable: list[Unreadable]
    empty: int
    """Lines without a figure: days without spend."""

    @property
    def read(self) -> int:
        """Lines of the file that carry a figure."""
        return int(self.lines["first"].sum()) - self.empty


def read_invoice(data: bytes) -> Invoice:
    """The lines of an export, with those that cannot be read.

    Raises:
        NoInvoiceError: Nothing of it is a line of an export that is known.
    """
    if data[:4] == _PARQUET:
        return _of_records(list(_parquet(data)))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoInvoiceError(f"no UTF-8 text (byte {error.start}); {_EXPECTED}") from None
    if not text.strip():
        raise NoInvoiceError(f"empty; {_EXPECTED}")
    return _of_records(list(_json(text) if text.lstrip()[:1] in "[{" else _table(text)))


def _of_records(found: list[tuple[int, Any]]) -> Invoice:
    # As written first: LiteLLM's own columns have capitals in them.
    for each in (found, [(number, _plainly(record)) for number, record in found]):
        records = [record for _, record in each if isinstance(record, dict)]
        for name, (knows, _) in _FORMATS.items():
            if any(map(knows, records)):
                return _parsed(name, each)
    records = [record for _, record in found if isinstance(record, dict)]
    raise NoInvoiceError(f"{_described(records, found)}; {_EXPECTED}")


def _plainly(record: Any) -> Any:
    """The fields as exports name them, where a spreadsheet wrote ``Start Time``."""
    if not isinstance(record, dict):
        return record
    return {"_".join(str(name).lower().split()): value for name, value in record.items()}


def _parquet(data: bytes) -> Iterator[tuple[int, Any]]:
    """Rows of a Parquet file, numbered from 1."""
    try:
        rows = pl.read_parquet(io.BytesIO(data)).write_json()
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise NoInvoiceError(f"broken Parquet: {str(fault)[:120]}; export it again") from None
    yield from _json(rows)


def _parsed(source: str, found: list[tuple[int, Any]]) -> Invoice:
    rows: list[tuple[Any, ...]] = []
    unreadable, empty = [], 0
    for at, (number, record) in enumerate(found):
        if isinstance(record, Unreadable):
            # Only the last page of several may say that there is more.
            if record.reason != _MORE or at == len(found) - 1:
                unreadable.append(record)
            continue
        try:
            lines = list(_lines_of(source, record))
        except LineError as fault:
            unreadable.append(Unreadable(number, str(fault)))
            continue
        empty += all(line.amount is None and line.tokens is None for line in lines)
        rows += [(number, part == 0, *line) for part, line in enumerate(lines)]
    frame = pl.DataFrame(rows, schema=LINES, orient="row")
    return Invoice(source, frame, unreadable, empty)


def _lines_of(source: str, record: Record) -> Iterator[InvoiceLine]:
    knows, lines_of = _FORMATS[source]
    if knows(record):
        return lines_of(record)
    if record and set(record) <= set(_TIMES):
        return iter([bucket(record, source.partition("_")[0])])
    raise LineError(f"is no line of {source} as the others are")


def _json(text: str) -> Iterator[tuple[int, Any]]:
    """Records of a JSON document, or of one document a line; numbered from 1 or by line."""
    try:
        whole = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as fault:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) == 1 or not _is_json(lines[0]):
            raise NoInvoiceError(f"broken JSON: {str(fault)[:120]}; export it again") from None
        yield from _json_lines(text)
        return
    for number, record in enumerate(_flat(whole), 1):
        yield number, record._replace(line=number) if isinstance(record, Unreadable) else record


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            documents = list(_flat(json.loads(line, parse_float=Decimal)))
        except (ValueError, RecursionError) as fault:
            yield number, Unreadable(number, f"broken JSON: {str(fault)[:80]}")
            continue
        for record in documents:
            yield number, record._replace(line=number) if isinstance(record, Unreadable) else record


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _flat(value: Any, depth: int = 0) -> Iterator[Any]:
    """Results out of pages and buckets, each with the times of its bucket."""
    if depth > _DEEPEST or not isinstance(value, (dict, list)):
        yield Unreadable(0, f"{str(value)[:40]!r} is no record")
    elif isinstance(value, list):
        for part in value:
            yield from _flat(part, depth + 1)
    elif isinstance(value.get("data"), list):
        yield from _flat(value["data"], depth + 1)
        if value.get("has_more") is True:
            yield Unreadable(0, _MORE)
    elif isinstance(value.get("results"), list):
        times = {name: value[name] for name in _TIMES if name in value}
        for result in value["results"]:
            is_object = isinstance(result, dict)
            yield {**times, **result} if is_object else Unreadable(0, f"{result!r:.40}: no record")
        if times and not value["results"]:
            yield times
    else:
        yield value


_TIMES: Final = (
    "start_time",
    "end_time",
    "start_time_iso",
    "end_time_iso",
    "starting_at",
    "ending_at",
)


def _table(text: str) -> Iterator[tuple[int, Any]]:
    """Rows of a CSV or TSV by its header; numbered by the line they end on."""
    header = text.lstrip().split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    names: list[str] = []
    while True:
        try:
            row = next(rows, None)
        except csv.Error as fault:
            yield rows.line_num, Unreadable(rows.line_num, f"broken table: {fault}")
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not names:
            names = [cell.strip() for cell in row]
        elif len(row) != len(names):
            reason = f"{len(row)} cells where the header has {len(names)}"
            yield rows.line_num, Unreadable(rows.line_num, reason)
        else:
            yield rows.line_num, dict(zip(names, row, strict=True))


def _described(records: Sequence[Record], found: list[tuple[int, Any]]) -> str:
    if records:
        fields = ", ".join(map(str, list(records[0])[:8]))
        return f"not an invoice: its records have the fields {fields or 'none'}"
    first = next((entry.reason for _, entry in found if isinstance(entry, Unreadable)), "no rows")
    return f"not an invoice: {first}"
