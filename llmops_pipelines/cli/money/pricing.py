"""``llmops price``: usage records priced line by line, with the arithmetic shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import typer
from rich.console import Console

from llmops_pipelines import pricing
from llmops_pipelines.cli import telling
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.logs.record_reading import content_of
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.formats import connect
from llmops_pipelines.ingest import LandingOptions
from llmops_pipelines.ingest.log_files.files import Content
from llmops_pipelines.ingest.log_files.lines import Refused, line_frame, of_few_lines
from llmops_pipelines.ingest.log_files.record_files import record_blocks
from llmops_pipelines.ingest.records.usage_records import (
    NEEDED,
    PricedRecord,
    PriceRow,
    price_records,
)

_AT_ONCE: Final = 20_000


def price_file(settings: Settings, path: Path, at: date | None, *, as_json: bool) -> None:
    """Price ``path`` and print every record, those without a price with the reason.

    Raises:
        UnusableError: The file or prices.yaml cannot be read.
    """
    content, book = content_of(path), _book(settings)
    moment = datetime.combine(at, time()) if at else None
    with telling.progress(Console(stderr=True)) as show:
        records = _priced(content, book, moment, show)
        total, priced, unpriced = _print_json(records) if as_json else _print(records)
    if not priced + unpriced:
        typer.echo(f"{path}: no record in it; a usage record has {NEEDED}", err=True)
        return
    told = f"{_usd(total)} in all" if priced else "nothing is priced"
    typer.echo(f"{told}; {unpriced:,} record(s) without a price", err=as_json)


def _book(settings: Settings) -> pl.DataFrame:
    reference = resources_of(settings).reference
    with read_plainly():
        return pricing.price_book(reference.read("prices.yaml", pricing.PriceOverrides))


def _priced(
    content: Content, book: pl.DataFrame, at: datetime | None, show: telling.Show
) -> Iterator[PricedRecord]:
    connection, read, size = connect(), 0, content.file.size
    try:
        for block in record_blocks(content, LandingOptions.max_line_bytes):
            if isinstance(block, Refused):
                if block.line == 1 and block.reason.startswith("file: "):
                    raise UnusableError(f"{content.file.path}: {block.reason[6:]}")
                yield PricedRecord(block.line, reason=block.reason)
                continue
            read += len(block.data)
            for few in of_few_lines(block, _AT_ONCE):
                lines = line_frame(few)
                written = lines.filter(~lines["blank"]).select("line", "raw").iter_rows()
                yield from price_records(connection, written, book, at=at)
            show("pricing, bytes", min(read, size), size)
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then try again") from error


def _print_json(records: Iterable[PricedRecord]) -> tuple[Decimal, int, int]:
    """One list, an item at a time: a file may hold more than memory does."""
    total, priced, unpriced, separator = Decimal(0), 0, 0, "["
    for record in records:
        typer.echo(f"{separator}\n  {json.dumps(as_dict(record))}", nl=False)
        separator = ","
        total += record.cost or 0
        priced += record.cost is not None
        unpriced += record.cost is None
    typer.echo("\n]" if separator == "," else "[]")
    return total, priced, unpriced


def as_dict(record: PricedRecord) -> dict[str, Any]:
    """A record as ``--json`` tells it; ``cost_usd`` is null where no price is known."""
    return {
        "id": record.id,
        "line": record.line,
        "cost_usd": None if record.cost is None else float(record.cost),
        "reason": record.reason,
        "not_in_it": record.not_in_it,
        "buckets": dict(record.buckets),
        "web_searches": record.searches,
        "price_rows": [
            {
                "bucket": row.bucket,
                "tokens": row.tokens,
                "usd_per_mtok": float(row.price),
                "list_price": float(row.list_price),
                "currency": row.currency,
                "usd_rate": float(row.usd_rate),
                "discount": float(row.discount),
                "usd": float(row.usd),
                "valid_from": row.valid_from.isoformat(),
                "valid_to": row.valid_to and row.valid_to.isoformat(),
                "context_from": row.context_from,
                "source": row.source,
            }
            for row in record.rows
        ],
    }


def _print(records: Iterable[PricedRecord]) -> tuple[Decimal, int, int]:
    """A line a record; the sum, and how many have a price and how many have none."""
    total, priced, unpriced = Decimal(0), 0, 0
    for record in records:
        name = f"line {record.line}" if record.id is None else str(record.id)
        if record.cost is None:
            where = "" if record.id is None else f" (line {record.line})"
            typer.echo(f"{name}{where}: unpriced: {record.reason}")
        else:
            steps = " + ".join(_step(row) for row in record.rows)
            source = f"  [{record.rows[0].source}]" if record.rows else ""
            beside = f"; not in it: {record.not_in_it}" if record.not_in_it else ""
            typer.echo(f"{name}: {_usd(record.cost)} = {steps or '0 tokens'}{source}{beside}")
        total += record.cost or 0
        priced += record.cost is not None
        unpriced += record.cost is None
    return total, priced, unpriced


def _step(row: PriceRow) -> str:
    band = f" (prompts from {row.context_from:,})" if row.context_from else ""
    if row.bucket in pricing.PER_THOUSAND:
        price, listed = _usd(row.price / 1_000_000), row.list_price / 1_000_000
        return f"{row.tokens:,} {row.bucket} at {price}{_made_of(row, listed)}{band}"
    price = f"{_usd(row.price)}/M{_made_of(row, row.list_price)}"
    return f"{row.tokens:,} {row.bucket} at {price}{band}"


def _made_of(row: PriceRow, listed: Decimal) -> str:
    """How a price came about that is not the list price in dollars."""
    if row.currency == "USD" and not row.discount:
        return ""
    made = _usd(listed)
    if row.currency != "USD":
        made = f"{made.removeprefix('$')} {row.currency} x {_plain(row.usd_rate)}"
    return f" [{made}{f' - {_plain(row.discount * 100)}%' if row.discount else ''}]"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _usd(amount: Decimal) -> str:
    """All digits of an amount that are not trailing zeros, at least two of them."""
    plain = f"{amount:,.12f}".rstrip("0")
    whole, _, cents = plain.partition(".")
    return f"${whole}.{cents:0<2}"
