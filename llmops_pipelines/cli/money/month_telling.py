"""What a month cost, told to people and to machines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import finance
from llmops_pipelines.cli.tables import print_whole
from llmops_pipelines.reference import UNATTRIBUTED


def told_month(
    month: str,
    lines: pl.DataFrame,
    residue: pl.DataFrame,
    left: pl.DataFrame | None,
    *,
    closed: bool,
) -> dict[str, Any]:
    """The one object of ``--json``."""
    teams = finance.by_team(lines)
    kinds = (
        lines.group_by("kind")
        .agg(cost=finance.known_cost(), cost_report=finance.in_currency())
        .sort("kind")
    )
    return {
        "month": month,
        "state": "closed" if closed else "open",
        "currency": lines["currency"][0],
        "cost_usd": lines.select(finance.known_cost()).item(),
        "cost_report": lines.select(finance.in_currency()).item(),
        "unpriced_calls": int(lines["unpriced_calls"].sum()),
        "unrated_rows": int(lines.select(finance.unrated()).item()),
        "residue": residue.select("provider", "cost", "rule").to_dicts(),
        "not_on_an_invoice": [] if left is None else left.to_dicts(),
        "kinds": kinds.to_dicts(),
        "teams": teams.to_dicts(),
        "rows": lines.to_dicts(),
    }


def told_evaluation(judged: pl.DataFrame, *, is_charged: bool) -> dict[str, Any]:
    """What judges cost in the month, null where no call has a price; whether it is on the lines."""
    costs = judged["cost"].drop_nulls()
    return {
        "calls": int(judged["calls"].sum()),
        "unpriced_calls": int(judged["unpriced_calls"].sum()),
        "cost_usd": costs.sum() if len(costs) or judged.is_empty() else None,
        "is_among_the_lines": is_charged,
    }


def print_month(console: Console, told: dict[str, Any], lines: pl.DataFrame) -> None:
    """The same for people: who pays what, and what the sum leaves out."""
    kinds = [kind["kind"] for kind in told["kinds"]]
    foreign = told["currency"] != "USD"
    # Without a grid: nine columns of amounts fit into eighty characters.
    table = Table(
        title=f"{told['month']} ({told['state']}), US dollars",
        box=HORIZONTALS,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("team", overflow="fold", min_width=len(UNATTRIBUTED))
    headings = [kind.replace("adjustment", "adjusted") for kind in kinds]
    for name in ("calls", *headings, "total", *([told["currency"]] if foreign else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for team in told["teams"]:
        own = dict(
            lines.filter(pl.col("team") == team["team"])
            .group_by("kind")
            .agg(finance.known_cost())
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
    print_whole(console, table)
    for line in _notes(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _notes(told: dict[str, Any]) -> list[str]:
    notes = []
    if told["unpriced_calls"]:
        notes.append(f"{told['unpriced_calls']:,} call(s) have no price and are in no amount")
    if told["unrated_rows"]:
        notes.append(
            f"{told['unrated_rows']:,} row(s) have no {told['currency']} amount, so sums have "
            "none: exchange_rates of finance.yaml has no rate of their day that is recent enough"
        )
    judged = told.get("evaluation")
    if judged and judged["calls"] and not judged["is_among_the_lines"]:
        cost, calls = judged["cost_usd"], f"{judged['calls']:,} judge call(s)"
        if cost is not None and judged["unpriced_calls"]:
            calls += f", {judged['unpriced_calls']:,} of unknown cost"
        notes.append(
            f"evaluation, apart: {calls} of unknown cost"
            if cost is None
            else f"evaluation, apart: {_dollars(cost)} for {calls}; held against an invoice it is "
            "a line of its own"
        )
    notes += [
        f"residue of {_dollars(one['cost'])}"
        + (f" for {one['provider']}" if one["provider"] else "")
        + f": {one['rule']}"
        for one in told["residue"]
    ]
    notes += [
        f"{'an unknown amount' if one['cost'] is None else _dollars(one['cost'])} of "
        f"{one['provider'] or 'no provider'} is on no invoice given"
        for one in told["not_on_an_invoice"]
    ]
    return notes


def _dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${_money(abs(amount))}"


def _money(amount: Decimal | None) -> str:
    """With cents, and more digits where there would be nothing to see."""
    if amount is None:
        return "unknown"
    cents = f"{amount:,.2f}"
    return cents if abs(amount) >= Decimal("0.005") or not amount else f"{amount:,.12f}".rstrip("0")


def plain(value: Any) -> str:
    """What JSON has no word for: amounts with all their digits, days, instants."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
