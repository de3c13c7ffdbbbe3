"""``llmops chargeback`` and ``llmops close-month``: a month's costs by team, and its closing."""

from __future__ import annotations

import csv
import getpass
import json
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import finance
from llmops_pipelines.cli.problems import UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.finance import (
    Books,
    FinanceError,
    books_of,
    close_month,
    refuse_unclosable,
    settings_of,
    summed_days,
)
from llmops_pipelines.orchestration.lake import LakeError
from llmops_pipelines.orchestration.locks import alone
from llmops_pipelines.reference import ReferenceFileError


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
    invoices = _invoices(order)
    rules, books = _books(settings)
    lines = _of_month(books, order.month)
    residue = finance.residue_lines(lines, order.month, invoices, rules)
    left = finance.uninvoiced(lines, invoices) if invoices else None
    whole = pl.concat([lines, residue])
    if order.out:
        _write(order.out, finance.as_csv(whole))
    told = _told(order, whole, residue, left, closed=order.month in set(books.closed["month"]))
    if as_json:
        typer.echo(json.dumps(told, indent=2, default=_plain, ensure_ascii=False))
        return
    if not order.out:
        typer.echo(finance.as_csv(whole), nl=False)
    _tell(Console(stderr=True), told, whole)


def close(settings: Settings, month: str, by: str | None, *, yes: bool) -> None:
    """Show the month, ask, and keep its lines for good.

    Raises:
        UnusableError: The month cannot be closed, or nobody agreed.
    """
    resources = resources_of(settings)
    lake, now = resources.lake.open(), resources.clock.now()
    with alone(settings.home / "nightly.lock", _say_so):
        rules, books = _books(settings)
        try:
            refuse_unclosable(books, rules, month, now)
            lines = _of_month(books, month)
            order = Order(month, None, None, None)
            told = _told(order, lines, lines.clear(), None, closed=False)
            _tell(Console(stderr=True), told, lines)
            _agreed(month, yes=yes)
            closed = close_month(lake, books, rules, month, by=by or _user(), now=now)
        except (FinanceError, LakeError) as error:
            raise UnusableError(str(error)) from error
    who, digest = closed.select("closed_by", "digest").row(0)
    typer.echo(
        f"{month} is closed by {who} with {closed.height:,} row(s), digest {digest}; what changes "
        "from now on is booked as adjustments in the month in which it is found"
    )


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


def _invoices(order: Order) -> dict[str | None, Decimal]:
    """US dollars by provider; under None what is one invoice for everything."""
    if order.invoice is not None:
        return {None: _amount(order.invoice, "--invoice")}
    if order.invoice_file is None:
        return {}
    try:
        with order.invoice_file.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"provider", "amount"} - set(reader.fieldnames or ())
            if missing:
                raise UnusableError(
                    f"{order.invoice_file}:1: has no column {', '.join(sorted(missing))}; the "
                    "first line is `provider,amount`, the amounts are US dollars"
                )
            found: dict[str | None, Decimal] = {}
            for row in reader:
                place = f"{order.invoice_file}:{reader.line_num}"
                provider = (row["provider"] or "").strip().lower()
                if not provider:
                    raise UnusableError(f"{place}: names no provider")
                amount = _amount(row["amount"] or "", place)
                # Several invoices of one provider count together.
                found[provider] = found.get(provider, Decimal(0)) + amount
    except OSError as error:
        raise of_file_system(error, remedy="name a CSV of invoices") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusableError(f"{order.invoice_file}: is no CSV in UTF-8: {error}") from error
    if not found:
        raise UnusableError(f"{order.invoice_file}: holds no invoice")
    return found


def _amount(text: str, place: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**12 or amount != round(amount, 12):
        raise UnusableError(
            f"{place}: {text!r} is no amount of US dollars such as 1234.56, of at most 12 decimals"
        )
    return amount


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise of_file_system(error, remedy="choose another --out") from error


def _told(
    order: Order,
    lines: pl.DataFrame,
    residue: pl.DataFrame,
    left: pl.DataFrame | None,
    *,
    closed: bool,
) -> dict[str, Any]:
    """The one object of ``--json``."""
    teams = finance.by_team(lines)
    kinds = lines.group_by("kind").agg(pl.col("cost", "cost_report").sum()).sort("kind")
    return {
        "month": order.month,
        "state": "closed" if closed else "open",
        "currency": lines["currency"][0],
        "cost_usd": lines["cost"].sum(),
        "cost_report": lines["cost_report"].sum(),
        "unpriced_calls": int(lines["unpriced_calls"].sum()),
        "unrated_rows": int(lines.select(finance.unrated()).item()),
        "residue": residue.select("provider", "cost", "rule").to_dicts(),
        "not_on_an_invoice": [] if left is None else left.to_dicts(),
        "kinds": kinds.to_dicts(),
        "teams": teams.to_dicts(),
        "out": str(order.out) if order.out else None,
        "rows": lines.to_dicts(),
    }


def _tell(console: Console, told: dict[str, Any], lines: pl.DataFrame) -> None:
    """The same for people: who pays what, and what the sum leaves out."""
    kinds = [kind["kind"] for kind in told["kinds"]]
    foreign = told["currency"] != "USD"
    table = Table(title=f"{told['month']} ({told['state']}), US dollars")
    table.add_column("team")
    for name in ("calls", *kinds, "total", *([told["currency"]] if foreign else [])):
        table.add_column(name, justify="right")
    for team in told["teams"]:
        own = dict(
            lines.filter(pl.col("team") == team["team"])
            .group_by("kind")
            .agg(pl.col("cost").sum())
            .iter_rows()
        )
        table.add_row(
            Text(team["team"]),
            f"{team['calls']:,}",
            *(_money(own.get(kind, Decimal(0))) for kind in kinds),
            _money(team["cost"]),
            *([_money(team["cost_report"])] if foreign else []),
        )
    table.add_section()
    table.add_row(
        "all",
        f"{lines['calls'].sum():,}",
        *(_money(kind["cost"]) for kind in told["kinds"]),
        _money(told["cost_usd"]),
        *([_money(told["cost_report"])] if foreign else []),
    )
    console.print(table)
    for line in _notes(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _notes(told: dict[str, Any]) -> list[str]:
    notes = []
    if told["unpriced_calls"]:
        notes.append(f"{told['unpriced_calls']:,} call(s) have no price and are in no amount")
    if told["unrated_rows"]:
        notes.append(
            f"{told['unrated_rows']:,} row(s) have no {told['currency']} amount: exchange_rates of "
            "finance.yaml has no rate of their day that is recent enough"
        )
    notes += [
        f"residue of {_dollars(one['cost'])}"
        + (f" for {one['provider']}" if one["provider"] else "")
        + f": {one['rule']}"
        for one in told["residue"]
    ]
    notes += [
        f"{_dollars(one['cost'])} of {one['provider'] or 'no provider'} is on no invoice given"
        for one in told["not_on_an_invoice"]
    ]
    if told["out"]:
        notes.append(f"{len(told['rows']):,} row(s) in {told['out']}")
    return notes


def _dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${_money(abs(amount))}"


def _money(amount: Decimal) -> str:
    """With cents, and more digits where there would be nothing to see."""
    cents = f"{amount:,.2f}"
    return cents if abs(amount) >= Decimal("0.005") or not amount else f"{amount:,.12f}".rstrip("0")


def _plain(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _say_so() -> None:
    typer.echo("another `llmops` is at work on this folder; waiting for its end", err=True)
