"""Invoices in their folder held against the lake: read, compared, and told where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import polars as pl

from llmops_pipelines import billing, ingest
from llmops_pipelines.ingest.log_files.files import Content, DamagedFileError, read_content
from llmops_pipelines.orchestration.money.spending import evaluation_spend
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_COSTS,
    COST_CUBE,
    INVOICE_RECONCILIATION,
    JUDGE_CALLS,
    PRICE_BOOK,
)

MOST_UNEXPLAINED = 0.01
"""Of an invoice: more than this and somebody should look."""

MOST_BYTES = 256 * 2**20
"""Unpacked; an invoice of a year by minute and key is a tenth of it."""

_HIDDEN = "."


class UnreadableInvoiceError(ValueError):
    """A file is no invoice that can be read; the message says why."""


def invoice_in(content: Content) -> billing.Invoice:
    """The invoice in a file, which may be packed.

    Raises:
        UnreadableInvoiceError: It cannot be read, is too large, or is no invoice.
    """
    pieces, size = list[bytes](), 0
    if content.failure:
        raise UnreadableInvoiceError(content.failure)
    try:
        for piece in content.chunks():
            size += len(piece)
            if size > MOST_BYTES:
                raise UnreadableInvoiceError(
                    f"more than {MOST_BYTES >> 20} MiB; export a month, or by day and model"
                )
            pieces.append(piece)
        return billing.read_invoice(b"".join(pieces))
    except (billing.NoInvoiceError, DamagedFileError, OSError) as error:
        raise UnreadableInvoiceError(str(error)) from error


def reconciled(lake: Lake, content: Content, invoice: billing.Invoice) -> pl.DataFrame:
    """``INVOICE_RECONCILIATION`` of the invoice in a file."""
    days, priced = billing.days_of(invoice), lake.days(CALL_COSTS)
    book = lake.read(PRICE_BOOK)
    records = billing.Records(
        calls=billing.calls_side(lake.read(COST_CUBE, days), book),
        judges=billing.judges_side(_judged(lake, days), book),
        book=book,
        last_day=priced[-1] if priced else None,
    )
    return billing.reconcile(_named(content), invoice, records)


def reconcile_folder(lake: Lake, files: Iterable[ingest.LogFile]) -> pl.DataFrame:
    """``INVOICE_RECONCILIATION`` of every file in the invoice folder; a hidden file is none."""
    rows = [_of_file(lake, content) for content in _contents(files)]
    return INVOICE_RECONCILIATION.require(pl.concat([INVOICE_RECONCILIATION.empty(), *rows]))


def invoices_changed(lake: Lake, files: Iterable[ingest.LogFile]) -> bool:
    """Whether the invoice folder holds other files than were reconciled last."""
    known = lake.scan(INVOICE_RECONCILIATION).select("source_file", "digest").unique().collect()
    return {_named(content) for content in _contents(files)} != set(known.iter_rows())


def within(invoice: billing.Invoice, first: date | None, last: date | None) -> billing.Invoice:
    """The lines of an invoice from ``first`` to ``last``."""
    day = pl.col("day")
    kept = invoice.lines.filter(day >= (first or day), day <= (last or day))
    empty = kept.filter(pl.col("amount").is_null() & pl.col("tokens").is_null()).height
    return invoice._replace(lines=kept, empty=empty)


def unexplained_invoices(rows: pl.DataFrame) -> pl.DataFrame:
    """Invoices of which more than ``MOST_UNEXPLAINED`` is unexplained, or that hold odd lines.

    Returns:
        ``file``, ``unexplained`` (a percentage, as text) and ``unreadable`` (what is wrong first).
    """
    faults = []
    for (file,), own in rows.group_by("source_file", maintain_order=True):
        share = billing.totals(own).unexplained_share
        unreadable = own.filter(pl.col("state") == "unreadable")["reason"].to_list()
        if (share or 0) > MOST_UNEXPLAINED or unreadable:
            told = "unknown" if share is None else f"{share:.1%}"
            faults.append((str(file), told, unreadable[0] if unreadable else None))
    names = dict.fromkeys(("file", "unexplained", "unreadable"), pl.String)
    return pl.DataFrame(faults, schema=names, orient="row")


def _judged(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    return evaluation_spend(lake, days[0], days[-1]) if days else JUDGE_CALLS.empty()


def _of_file(lake: Lake, content: Content) -> pl.DataFrame:
    try:
        return reconciled(lake, content, invoice_in(content))
    except UnreadableInvoiceError as error:
        return billing.unknown_file(_named(content), str(error))


def _contents(files: Iterable[ingest.LogFile]) -> Iterator[Content]:
    return (read_content(file) for file in files if not _is_hidden(file.path))


def _named(content: Content) -> billing.InvoiceFile:
    return billing.InvoiceFile(content.file.path, content.digest)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(_HIDDEN) for part in path.split("/"))
