"""``llmops drivers``: why one period cost more or less than another."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import cost
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.money.spending import plain_usd, write_table
from llmops_pipelines.cli.problems import UnusableError, typed
from llmops_pipelines.cli.tables import print_whole
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.money.period_drivers import Compared, Period, drivers_between
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import COST_CUBE

_ALL: Final = "*"


def tell_drivers(
    settings: Settings, before: Period, after: Period, out: Path | None, *, as_json: bool
) -> None:
    """Print what changed spend from ``before`` to ``after``, and write it where that was asked.

    Raises:
        UnusableError: A period without any call or price, a damaged lake, or an unusable file.
    """
    resources = resources_of(settings)
    with read_plainly():
        lake = resources.lake.open()
        found = drivers_between(lake, resources.reference, before, after)
        for period, days in ((before, found.days_before), (after, found.days_after)):
            if not days:
                raise UnusableError(f"no calls from {period}: {_there(lake, settings)}")
    for period in found.unknown:
        raise UnusableError(
            f"none of the calls from {period} has a price, so what they cost is unknown: add the "
            f"price to prices.yaml, then {typed('--data', settings.data, 'reprice')}"
        )
    rows = found.rows.drop("business_day")
    if out:
        write_table(rows, out)
    if as_json:
        typer.echo(json.dumps(_as_dict(found, before, after), indent=2, ensure_ascii=False))
        return
    _show(found, before, after)
    if out:
        typer.echo(f"{rows.height:,} rows in {out}")


def _there(lake: Lake, settings: Settings) -> str:
    days = lake.days(COST_CUBE)
    if not days:
        return f"none at all yet; run {typed('--data', settings.data, 'nightly')}"
    return f"there are some from {days[0]} to {days[-1]}; name days of these"


def _as_dict(found: Compared, before: Period, after: Period) -> dict[str, Any]:
    """The one object of ``--json``; dollars are texts, so that no digit of them is lost."""
    totals = found.rows.filter(pl.col("feature") == _ALL)
    return {
        "report_timezone": found.zone,
        "before": _of_period(before, found.days_before, totals["before"][0]),
        "after": _of_period(after, found.days_after, totals["after"][0]),
        "why": found.told,
        "drivers": [
            {name: row[name] for name in ("feature", "driver")}
            | {"amount_usd": plain_usd(row["amount"])}
            for row in found.rows.iter_rows(named=True)
        ],
    }


def _of_period(period: Period, days: int, spent: Decimal) -> dict[str, Any]:
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "days": period.days,
        "days_with_calls": days,
        "cost_usd": plain_usd(spent),
    }


def _show(found: Compared, before: Period, after: Period) -> None:
    totals = found.rows.filter(pl.col("feature") == _ALL)
    was, now = (totals[name][0] for name in ("before", "after"))
    typer.echo(f"{after} against {before}, in days of {found.zone}")
    table = Table()
    table.add_column("feature", overflow="fold")
    for name in (*cost.DRIVERS, "difference"):
        table.add_column(name.replace("_", "\n"), justify="right")
    wide = found.rows.pivot("driver", index="feature", values="amount", maintain_order=True)
    for row in wide.iter_rows(named=True):
        amounts = [row[driver] for driver in cost.DRIVERS]
        table.add_row(Text(row["feature"]), *map(_signed, (*amounts, sum(amounts))))
    print_whole(Console(), table)
    typer.echo(f"${was:,.6f} before, ${now:,.6f} after. {found.told}")
    for period, days in ((before, found.days_before), (after, found.days_after)):
        if days < period.days:
            typer.echo(f"{period}: {period.days - days} of {period.days} days have no calls")


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.6f}" if amount else "0"
