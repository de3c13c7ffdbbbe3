"""``llmops costs``: what was spent, by any dimension of a bill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import cost
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.cli.tables import print_whole
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.money.spending import Spend, spend_by
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.tables import CALL_COSTS

DOES_NOT_ADD_UP = 1
"""Exit code where the rows are not the sum of the calls."""

_SHOWN = ("calls", "errors", "unpriced_calls")


@dataclass(frozen=True)
class Question:
    """What is asked, as it was typed."""

    by: Sequence[str]
    first: date | None
    last: date | None
    top: int
    out: Path | None


def tell_costs(settings: Settings, question: Question, *, as_json: bool) -> int:
    """Print the spend, and write it where that was asked; the exit code.

    Raises:
        UnusableError: An unknown dimension, no such days, a damaged lake or a file that cannot be
            written.
    """
    try:
        by = list(dict.fromkeys(map(cost.dimension_called, question.by)))
        lake = resources_of(settings).lake.open()
        days = costed_days(lake, question.first, question.last)
        spend = spend_by(lake, days, by, question.first, question.last)
    except (cost.UnknownDimensionError, LakeError) as error:
        raise UnusableError(str(error)) from error
    if question.out:
        write_table(_exported(spend, days), question.out)
    if as_json:
        typer.echo(json.dumps(_as_dict(spend, by, days), indent=2, ensure_ascii=False))
    else:
        _show(spend, by, days, question.top)
        if question.out:
            typer.echo(f"{spend.rows.height + 1:,} rows in {question.out}")
    return 0 if spend.adds_up else DOES_NOT_ADD_UP


def costed_days(lake: Lake, first: date | None, last: date | None) -> list[date]:
    """The days from ``first`` to ``last`` whose calls were priced.

    Raises:
        UnusableError: There are none.
    """
    known = lake.days(CALL_COSTS)
    days = [day for day in known if (first or day) <= day <= (last or day)]
    if not known:
        raise UnusableError("no day has costs yet; run `llmops nightly` on this data folder")
    if not days:
        raise UnusableError(
            f"no day from {first or known[0]} to {last or known[-1]} has costs; those from "
            f"{known[0]} to {known[-1]} have"
        )
    return days


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write ``frame`` as its ending says, money in plain digits.

    Raises:
        UnusableError: Another ending, or a place that cannot be written to.
    """
    try:
        match path.suffix.lower():
            case ".csv":
                frame.write_csv(path)
            case ".parquet":
                frame.write_parquet(path)
            case ending:
                raise UnusableError(f"{path}: expected a .csv or .parquet file, not {ending!r}")
    except OSError as error:
        raise of_file_system(error, remedy="choose another --out") from error


def _exported(spend: Spend, days: Sequence[date]) -> pl.DataFrame:
    """The rows with a column that tells production from evaluation, whose one row comes last."""
    period = {"from": pl.lit(days[0]), "to": pl.lit(days[-1])}
    return pl.concat(
        [
            spend.rows.select(pl.lit("production").alias("spend"), pl.all()),
            spend.evaluation.select(pl.lit("evaluation").alias("spend"), pl.all()),
        ],
        how="diagonal",
    ).with_columns(**period)


def _as_dict(spend: Spend, by: Sequence[str], days: Sequence[date]) -> dict[str, Any]:
    """The one object of ``--json``; dollars are texts, so that no digit of them is lost."""
    return {
        "from": days[0].isoformat(),
        "to": days[-1].isoformat(),
        "days": len(days),
        "by": list(by),
        "rows": [_plain(row) for row in spend.rows.iter_rows(named=True)],
        "total_usd": plain_usd(spend.total) if _is_known(spend) else None,
        "adds_up": spend.adds_up,
        "unpriced_calls": int(spend.rows["unpriced_calls"].sum()),
        "evaluation": _plain(spend.evaluation.row(0, named=True)),
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}_usd" if isinstance(value, Decimal) or name == "cost" else name: plain_value(value)
        for name, value in row.items()
    }


def plain_value(value: Any) -> Any:
    """As JSON holds it: dollars and days are texts."""
    if isinstance(value, Decimal):
        return plain_usd(value)
    return value.isoformat() if isinstance(value, date) else value


def plain_usd(amount: Decimal) -> str:
    """All digits of an amount that are not trailing zeros."""
    digits = f"{amount:.18f}"
    return digits.rstrip("0").rstrip(".")


def _is_known(spend: Spend) -> bool:
    """Whether the cost of any call is known: a sum of none of them is no amount."""
    return spend.rows["cost"].count() > 0


def _told_evaluation(judged: dict[str, Any]) -> str:
    if judged["cost"] is None:
        return f"{judged['calls']:,} judge calls, all of unknown cost"
    told = f"${plain_usd(judged['cost'])} for {judged['calls']:,} judge calls"
    unpriced = judged["unpriced_calls"]
    return f"{told}, {unpriced:,} of unknown cost" if unpriced else told


def _show(spend: Spend, by: Sequence[str], days: Sequence[date], top: int) -> None:
    table = Table(title=f"spend by {', '.join(by)}, {days[0]} to {days[-1]} (UTC)")
    for name in by:
        table.add_column(name, overflow="fold")
    for name in (*_SHOWN, "cost", "share"):
        table.add_column(name.replace("_calls", ""), justify="right")
    for row in spend.rows.head(top).iter_rows(named=True):
        table.add_row(
            *(Text("-" if row[name] is None else str(row[name])) for name in by),
            *(f"{row[name]:,}" for name in _SHOWN),
            "unknown" if row["cost"] is None else f"${row['cost']:,.6f}",
            f"{float(row['cost'] / spend.total):.1%}" if row["cost"] and spend.total else "",
        )
    print_whole(Console(), table)
    for line in _closing(spend, top):
        typer.echo(line)


def _closing(spend: Spend, top: int) -> list[str]:
    rows, judged = spend.rows, spend.evaluation.row(0, named=True)
    says = "is" if spend.adds_up else "is NOT"
    unpriced = int(rows["unpriced_calls"].sum())
    calls = f"{int(rows['calls'].sum()):,} calls"
    lines = [
        f"total ${plain_usd(spend.total)}: {says} the sum of these rows, to the last digit, "
        f"of {calls}"
        if _is_known(spend) or not spend.adds_up
        else f"total unknown: of none of {calls} the cost is known"
    ]
    if rows.height > top:
        lines.insert(0, f"{rows.height - top:,} more row(s): --top, --out or --json")
    if unpriced:
        lines.append(f"{unpriced:,} successful call(s) without a price are not in it")
    if judged["calls"]:
        lines.append(f"evaluation, apart: {_told_evaluation(judged)}")
    else:
        lines.append("evaluation, apart: no judge was asked in these days")
    return lines
