"""``llmops chargeback`` and ``llmops close-month``: a month's costs by team, and its closing."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import typer
from rich.console import Console

from llmops_pipelines import finance
from llmops_pipelines.cli.folder import alone_on, read_plainly
from llmops_pipelines.cli.money.invoices import read_invoices
from llmops_pipelines.cli.money.month_telling import plain, print_month, told_evaluation, told_month
from llmops_pipelines.cli.problems import UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.money.closing import (
    close_month,
    days_left_out,
    refuse_unclosable,
)
from llmops_pipelines.orchestration.money.finance import (
    Books,
    FinanceError,
    books_of,
    judged_in_books,
    settings_of,
    summed_days,
)
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.reference import ReferenceFileError

_NAMED_DAYS = 5


@dataclass(frozen=True)
class Order:
    """Which month, held against which invoices, written where."""

    month: str
    out: Path | None
    invoice: str | None
    invoice_file: Path | None


def charge_back(settings: Settings, order: Order, *, as_json: bool) -> None:
    """Print or write the month's lines, and what they leave of the invoices.

    Raises:
        UnusableError: There is no such month, or a file cannot be read or written.
    """
    invoices = read_invoices(order.invoice, order.invoice_file)
    rules, books = _books(settings)
    lines = _of_month(books, order.month)
    judged = _evaluation(settings, order.month, rules)
    if invoices:  # what judges cost is on the invoice, and not in the books
        lines = pl.concat([lines, judged])
    residue = finance.residue_lines(lines, order.month, invoices, rules)
    left = finance.uninvoiced(lines, invoices) if invoices else None
    whole = pl.concat([lines, residue])
    if order.out:
        _write(order.out, finance.as_csv(whole))
    closed = order.month in set(books.closed["month"])
    told = told_month(order.month, whole, residue, left, closed=closed)
    told["evaluation"] = told_evaluation(judged, is_charged=bool(invoices))
    if as_json:
        told["out"] = str(order.out) if order.out else None
        typer.echo(json.dumps(told, indent=2, default=plain, ensure_ascii=False))
        return
    if not order.out:
        typer.echo(finance.as_csv(whole), nl=False)
    print_month(Console(stderr=True), told, whole)
    if order.out:
        typer.echo(f"{whole.height:,} row(s) in {order.out}", err=True)


def close(settings: Settings, month: str, by: str | None, *, yes: bool) -> None:
    """Show the month, ask, and keep its lines for good.

    Raises:
        UnusableError: The month cannot be closed, or nobody agreed.
    """
    resources = resources_of(settings)
    lake, now = resources.lake.open(), resources.clock.now()
    with alone_on(settings):
        rules, books = _books(settings)
        try:
            refuse_unclosable(books, rules, month, now)
            lines = _of_month(books, month)
            told = told_month(month, lines, lines.clear(), None, closed=False)
            print_month(Console(stderr=True), told, lines)
            _tell_what_is_missing(lake, books, month)
            _agreed(month, yes=yes)
            closed = close_month(lake, books, rules, month, by=by or _user(), now=now)
        except (FinanceError, LakeError) as error:
            raise UnusableError(str(error)) from error
    who, digest = closed.select("closed_by", "digest").row(0)
    typer.echo(
        f"{month} is closed by {who} with {closed.height:,} row(s), digest {digest}; what changes "
        "from now on is booked as adjustments in the month in which it is found"
    )


def _tell_what_is_missing(lake: Lake, books: Books, month: str) -> None:
    """Days that would be closed without their calls: late ones are adjustments, if they come."""
    for found, what in zip(
        days_left_out(lake, books.days, month),
        ("have no call at all", "have landed and are not priced; run `llmops nightly` first"),
        strict=True,
    ):
        if found:
            named = ", ".join(map(str, found[:_NAMED_DAYS]))
            more = f" and {len(found) - _NAMED_DAYS:,} more" if len(found) > _NAMED_DAYS else ""
            typer.echo(f"{len(found):,} day(s) {what}: {named}{more}", err=True)


def _agreed(month: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnusableError("nobody is here to agree to that; add --yes")
    if not typer.confirm(f"Close {month} for good?", err=True):
        raise UnusableError(f"{month} stays open")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UnusableError("nobody knows who you are here; name yourself with --by") from error


def _books(settings: Settings) -> tuple[finance.Finance, Books]:
    resources = resources_of(settings)
    lake = resources.lake.open()
    try:
        rules = settings_of(resources.reference)
        days, _ = summed_days(lake, rules.report_timezone)
        return rules, books_of(days, lake, rules, resources.clock.now())
    except ReferenceFileError as error:
        raise UnusableError(f"the reference files cannot be used:\n{error}") from error
    except (FinanceError, LakeError) as error:
        raise UnusableError(str(error)) from error


def _evaluation(settings: Settings, month: str, rules: finance.Finance) -> pl.DataFrame:
    with read_plainly():
        judged = judged_in_books(resources_of(settings).lake.open())
    return finance.evaluation_lines(judged, month, rules)


def _of_month(books: Books, month: str) -> pl.DataFrame:
    lines = books.lines.filter(pl.col("month") == month)
    if lines.height:
        return lines
    months = books.lines["month"].unique().sort().to_list()
    raise UnusableError(
        f"{month} holds no cost; there are costs from {months[0]} to {months[-1]}"
        if months
        else f"no call has been priced yet; put logs in place, then: {typed('nightly')}"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise of_file_system(error, remedy="choose another --out") from error
