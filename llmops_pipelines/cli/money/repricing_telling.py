"""What ``llmops reprice`` shows: before and after by day and by model, and restatements of old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import cost
from llmops_pipelines.cli.money.spending import plain_usd
from llmops_pipelines.orchestration.runs.nightly import Failure
from llmops_pipelines.orchestration.runs.repricing import DayPlan

_COUNTS: Final = ("calls", "calls_changed", "now_priced", "now_unpriced")
_MONEY: Final = ("cost_before", "cost_after", "difference")
_HEADINGS: Final = ("before", "after", "difference", "", "calls changed")
_NOW: Final = {"now_priced": "now priced", "now_unpriced": "now unpriced"}
_MOST_ROWS: Final = 40


def show(plans: Sequence[DayPlan], first: date, last: date) -> None:
    """Print the days and the models that change, then the sum over all days looked at."""
    changing = [plan for plan in plans if plan.state == "changes"]
    unfinished = [plan for plan in plans if plan.state == "unfinished"]
    looked_at = [plan for plan in plans if plan.groups is not None]
    if changing:
        by_day, by_model = _by_day(changing), _by_model(changing)
        _print("day", by_day.rows(named=True), lambda row: str(row["day"]))
        _print("model, feature, team", by_model.rows(named=True), _group)
    total = _total(looked_at)
    same = sum(plan.state == "same" for plan in looked_at)
    if total["calls_changed"]:
        now = "".join(
            f", {total[column]:,} are {name}" for column, name in _NOW.items() if total[column]
        )
        typer.echo(
            f"\n{first} to {last}: {_dollars(total['cost_before'])} before, "
            f"{_dollars(total['cost_after'])} after ({_signed(total['difference'])}); "
            f"{total['calls_changed']:,} of {total['calls']:,} calls change{now}; "
            f"{len(changing):,} day(s) change, {same:,} stay"
        )
    elif looked_at:
        typer.echo(
            f"nothing changes: the {total['calls']:,} calls of {len(looked_at):,} day(s) already "
            f"cost what today's prices make of them ({_dollars(total['cost_before'])})"
        )
    if unfinished:
        typer.echo(
            f"{len(unfinished):,} day(s) were restated by a run that stopped; what rests on their "
            "costs is still to be computed"
        )


def as_dict(
    plans: Sequence[DayPlan], restated: Sequence[date], failures: Sequence[Failure]
) -> dict[str, Any]:
    """The object of ``--json``: every day with its state, the groups that change, the sum."""
    looked_at = [plan for plan in plans if plan.groups is not None]
    return {
        "days": [
            {
                "day": str(plan.day),
                "state": plan.state,
                **({} if plan.groups is None else _plain(_sum_of(plan.groups))),
            }
            for plan in plans
        ],
        "groups": [
            {"day": str(plan.day), **_plain(row)}
            for plan in looked_at
            if plan.groups is not None
            for row in plan.groups.rows(named=True)
            if row["calls_changed"]
        ],
        "total": _plain(_total(looked_at)),
        "restated": [str(day) for day in restated],
        "failures": [
            {"day": failure.day and str(failure.day), "step": failure.step, "error": failure.error}
            for failure in failures
        ],
    }


def show_history(rows: pl.DataFrame) -> None:
    """Print a line per restated day, oldest restatement first."""
    if rows.is_empty():
        typer.echo("nothing was ever restated")
        return
    same = ("restated_at", "day", "number", "state", "why")
    summed = cost.sum_changes(rows, *same).sort("restated_at", "day", "number")
    for row in summed.rows(named=True):
        before, after, difference, share, calls = _cells(row)
        state = row["state"].replace("_", " ")
        typer.echo(
            f"{row['day']}: {before} -> {after} ({', '.join(filter(None, (difference, share)))}; "
            f"{calls} calls), {state}; {row['restated_at']:%Y-%m-%d %H:%M}: "
            f"{row['why'] or 'no reason given'}"
        )


def history_as_list(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Every row of the table with its day and state; dollars and instants (ISO) are texts."""
    return [_plain(row) for row in rows.rows(named=True)]


def _by_day(plans: Iterable[DayPlan]) -> pl.DataFrame:
    return pl.concat(
        cost.sum_changes(plan.groups).select(pl.lit(plan.day).alias("day"), pl.all())
        for plan in plans
        if plan.groups is not None
    )


def _by_model(plans: Iterable[DayPlan]) -> pl.DataFrame:
    """Models, features and teams with calls that change, the largest difference first."""
    groups = pl.concat(plan.groups for plan in plans if plan.groups is not None)
    summed = cost.sum_changes(groups, *cost.GROUP).filter(pl.col("calls_changed") > 0)
    return summed.sort(pl.col("difference").abs(), *cost.GROUP, descending=[True, *[False] * 3])


def _sum_of(groups: pl.DataFrame) -> dict[str, Any]:
    return cost.sum_changes(groups).row(0, named=True)


def _total(plans: Sequence[DayPlan]) -> dict[str, Any]:
    groups = [plan.groups for plan in plans if plan.groups is not None]
    if not groups:
        return {**dict.fromkeys(_COUNTS, 0), **dict.fromkeys(_MONEY)}
    return _sum_of(pl.concat(groups))


def _print(
    heading: str, rows: Sequence[dict[str, Any]], name_of: Callable[[dict[str, Any]], str]
) -> None:
    """A table of sums; whether calls become priced or unpriced stands below their number."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(heading, overflow="fold", min_width=16)
    for figure in _HEADINGS:
        table.add_column(figure, justify="right", no_wrap=True)
    for row in rows[:_MOST_ROWS]:
        now = [f"{row[column]:,} {name}" for column, name in _NOW.items() if row[column]]
        *money, calls = _cells(row)
        table.add_row(Text(name_of(row)), *money, "\n".join([calls, *now]))
    console = Console()
    console.print()
    console.print(table)
    if len(rows) > _MOST_ROWS:
        typer.echo(f"{len(rows) - _MOST_ROWS:,} more; --json tells all")


def _cells(row: dict[str, Any]) -> list[str]:
    before, difference = row["cost_before"], row["difference"]
    return [
        _dollars(before),
        _dollars(row["cost_after"]),
        _signed(difference),
        f"{difference / before:+.1%}" if before and difference is not None else "",
        f"{row['calls_changed']:,} of {row['calls']:,}",
    ]


def _group(row: dict[str, Any]) -> str:
    return f"{row['model']}, {row['feature']}, {row['team']}"


def _dollars(amount: Decimal | None) -> str:
    """Cents; less than ten dollars more finely: small is not nothing, and unknown is not $0."""
    if amount is None:
        return "unpriced"
    size = abs(amount)
    decimals = 2 if size >= 10 or size == 0 else 4 if size >= Decimal("0.001") else 6
    return f"{'-' if amount < 0 else ''}${size:,.{decimals}f}"


def _signed(amount: Decimal | None) -> str:
    if amount is None:
        return ""
    return f"+{_dollars(amount)}" if amount > 0 else _dollars(amount)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row for JSON; the names of money say that it is in dollars, texts lose no digit of it."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        if name in _MONEY:
            told[f"{name}_usd"] = None if value is None else plain_usd(value)
        else:
            told[name] = value.isoformat() if isinstance(value, date) else value
    return told
