"""``llmops reconcile``: one invoice or usage export held against our own records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import billing
from llmops_pipelines.cli import telling
from llmops_pipelines.cli.logs.filing import File
from llmops_pipelines.cli.money.spending import plain_usd, plain_value, write_table
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.ingest.log_files.files import read_content
from llmops_pipelines.orchestration.money.invoices import (
    MOST_UNEXPLAINED,
    UnreadableInvoiceError,
    invoice_in,
    reconciled,
    within,
)
from llmops_pipelines.orchestration.storage.lake import LakeError

UNEXPLAINED = 1
"""Exit code where more than ``MOST_UNEXPLAINED`` is unexplained, or lines cannot be read."""

_LARGE = 8 * 2**20

_SIDES = {
    True: ("invoiced", "ours", "evaluation", "difference"),
    False: ("invoiced_tokens", "our_tokens", "evaluation_tokens", "token_difference"),
}
"""Columns of both sides of the bill: in money, or in tokens where no money is billed."""

_KEY = ("day", "provider", "model", "tier", "meter")
_CENTS_SHOWN = Decimal("0.0001")


def reconcile_file(
    settings: Settings,
    path: Path,
    first: date | None,
    last: date | None,
    *,
    out: Path | None,
    top: int,
    as_json: bool,
) -> int:
    """Reconcile ``path``, print what came of it, write all rows to ``out``; the exit code.

    Raises:
        UnusableError: The file is no invoice, has no such days, or the lake cannot be used.
    """
    try:
        file = File.at(path)
        if file.size > _LARGE:
            # Some seconds without a sign of life look like a fault.
            telling.say(f"reading {file.size >> 20:,} MiB")
        content = read_content(file.log(path.name))
        invoice = within(invoice_in(content), first, last)
        if invoice.lines.is_empty() and not invoice.unreadable:
            raise UnusableError(f"{path}: no line from {first or '...'} to {last or '...'}")
        rows = reconciled(resources_of(settings).lake.open(), content, invoice)
    except UnreadableInvoiceError as error:
        raise UnusableError(f"{path}: {error}") from error
    except LakeError as error:
        raise UnusableError(str(error)) from error
    found = billing.totals(rows)
    if out:
        write_table(rows, out)
    if as_json:
        typer.echo(json.dumps(_as_dict(rows, found), indent=2, ensure_ascii=False))
    else:
        _show(rows, found, top)
    off = (found.unexplained_share or 0) > MOST_UNEXPLAINED or bool(invoice.unreadable)
    return UNEXPLAINED if off else 0


def _as_dict(rows: pl.DataFrame, found: billing.Totals) -> dict[str, Any]:
    """The one object of ``--json``; dollars are texts, so that no digit of them is lost."""
    return {
        "file": rows["source_file"][0],
        "source": rows["source"][0],
        "invoiced_usd": plain_usd(found.invoiced),
        "unexplained_usd": plain_usd(found.unexplained),
        "unexplained_share": found.unexplained_share,
        "by_state": [_plain(row) for row in found.by_state.iter_rows(named=True)],
        "rows": [
            _plain(row)
            for row in rows.drop("source_file", "digest", "source").iter_rows(named=True)
        ],
        "reasons": {
            name: billing.REASONS[name]
            for name in rows["reason"].drop_nulls().unique().sort()
            if name in billing.REASONS
        },
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in row.items()}


def _show(rows: pl.DataFrame, found: billing.Totals, top: int) -> None:
    console = Console()
    off = rows.filter(~pl.col("state").is_in(["matched", "empty", "unreadable"])).sort(
        pl.col("difference").abs().fill_null(0),
        pl.col("token_difference").abs().fill_null(0),
        descending=True,
    )
    in_money = rows["invoiced"].count() > 0 or not rows["invoiced_tokens"].count()
    if off.height:
        console.print(_differences(off.head(top), in_money=in_money))
    console.print(_states(found, in_money=in_money))
    for line in _closing(rows, found, off.height - top):
        typer.echo(line)


def _differences(off: pl.DataFrame, *, in_money: bool) -> Table:
    unit = "" if in_money else ", tokens"
    table = Table(title=f"what does not match, the largest first{unit}")
    table.add_column("what is billed", overflow="fold")
    for name in ("billed", "ours", "judges", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state, *proven reason", overflow="fold")
    for row in off.iter_rows(named=True):
        table.add_row(
            Text(" ".join(str(row[name]) for name in _KEY if row[name] is not None)),
            *(_figure(row[name], in_money=in_money) for name in _SIDES[in_money]),
            f"{row['state']}: {'*' if row['proven'] else ''}{row['reason'] or ''}",
        )
    return table


def _states(found: billing.Totals, *, in_money: bool) -> Table:
    table = Table(title="in sum" if in_money else "in sum, tokens")
    for name in ("state", "rows", "lines", "billed", "ours", "judges", "difference"):
        table.add_column(name, justify="left" if name == "state" else "right")
    for row in found.by_state.iter_rows(named=True):
        table.add_row(
            row["state"],
            f"{row['rows']:,}",
            f"{row['lines']:,}",
            *(_figure(row[name], in_money=in_money) for name in _SIDES[in_money]),
        )
    return table


def _figure(value: Any, *, in_money: bool) -> str:
    if value is None:
        return "-"
    if not in_money:
        return f"{value:,}"
    # A difference that is there shall not read as none.
    decimals = 4 if abs(value) >= _CENTS_SHOWN or not value else 6
    return f"${value:,.{decimals}f}".replace("$-", "-$")


def _closing(rows: pl.DataFrame, found: billing.Totals, hidden: int) -> Iterator[str]:
    if hidden > 0:
        yield f"{hidden:,} more row(s): --top, --out or --json"
    if rows["invoiced"].count():
        yield (
            f"billed ${plain_usd(found.invoiced)}: what matched, differs and is missing adds up to "
            "it to the last digit"
        )
    if found.unexplained_share is not None:
        yield (
            f"unexplained: {found.unexplained_share:.2%}"
            + (f", ${plain_usd(found.unexplained)}" if found.unexplained else "")
            + f" (a check warns above {MOST_UNEXPLAINED:.0%})"
        )
    for name in rows["reason"].drop_nulls().unique().sort():
        yield f"  {name}: {billing.REASONS[name]}" if name in billing.REASONS else f"  {name}"
