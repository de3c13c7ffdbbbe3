"""``llmops export``: the cost table as a FOCUS data set, and FOCUS files held against the rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import typer

from llmops_pipelines import focus
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.logs.filing import File
from llmops_pipelines.cli.money.spending import costed_days, plain_usd, write_table
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.money.focus_export import FocusExport, focus_export

BROKEN = 1
"""Exit code where a data set breaks a rule, or does not add up."""


def write_focus(
    settings: Settings,
    first: date | None,
    last: date | None,
    out: Path,
    account: str,
    *,
    as_json: bool,
) -> int:
    """Write the days as FOCUS rows, read them back and validate them; the exit code.

    Raises:
        UnusableError: No such days, a damaged lake, or a file that cannot be written.
    """
    if not account.strip():
        raise UnusableError("--account: name a billing account; FOCUS allows none without")
    with read_plainly():
        lake = resources_of(settings).lake.open()
        days = costed_days(lake, first, last)
        found = focus_export(lake, days, account)
    is_csv = out.suffix.lower() == ".csv"
    write_table(focus.written(found.rows) if is_csv else found.rows, out)
    broken = focus.violations(_cells(out))
    if as_json:
        told = _as_dict(found, days, broken)
        typer.echo(json.dumps(told | {"file": str(out)}, indent=2, ensure_ascii=False))
    else:
        _tell(found, days, out)
        _tell_violations(broken)
    return BROKEN if broken or found.billed != found.spent else 0


def validate_file(path: Path, *, as_json: bool) -> int:
    """Print the rules of FOCUS that a file breaks; the exit code.

    Raises:
        UnusableError: The file is no table.
    """
    cells = _cells(File.at(path).path)
    broken = focus.violations(cells)
    if as_json:
        typer.echo(json.dumps(_told(broken), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{cells.height:,} rows, {len(cells.columns)} columns")
        _tell_violations(broken)
    return BROKEN if broken else 0


def _cells(path: Path) -> pl.DataFrame:
    """The cells of a CSV or Parquet file as texts; an empty cell is null."""
    try:
        match path.suffix.lower():
            case ".csv":
                return pl.read_csv(path, infer_schema=False)
            case ".parquet":
                return focus.written(pl.read_parquet(path))
            case ending:
                raise UnusableError(f"{path}: expected a .csv or .parquet file, not {ending!r}")
    except pl.exceptions.PolarsError as error:
        raise UnusableError(f"{path}: cannot be read: {str(error)[:200]}") from error


def _as_dict(
    found: FocusExport, days: Sequence[date], broken: Sequence[focus.Violation]
) -> dict[str, Any]:
    """The one object of ``--json``; dollars are texts, so that no digit of them is lost."""
    return {
        "focus_version": focus.VERSION,
        "from": days[0].isoformat(),
        "to": days[-1].isoformat(),
        "rows": found.rows.height,
        "billed_usd": plain_usd(found.billed),
        "calls_usd": plain_usd(found.spent),
        "adds_up": found.billed == found.spent,
        "unpriced_calls": found.unpriced_calls,
        "violations": _told(broken),
    }


def _told(broken: Sequence[focus.Violation]) -> list[dict[str, Any]]:
    return [violation._asdict() for violation in broken]


def _tell(found: FocusExport, days: Sequence[date], out: Path) -> None:
    typer.echo(f"{found.rows.height:,} rows of {days[0]} to {days[-1]} (UTC) in {out}")
    says = "exactly" if found.billed == found.spent else "NOT"
    typer.echo(
        f"BilledCost ${plain_usd(found.billed)}: {says} what the priced calls cost, "
        f"${plain_usd(found.spent)}"
    )
    if found.unpriced_calls:
        typer.echo(f"{found.unpriced_calls:,} successful call(s) without a price are not in it")


def _tell_violations(broken: Sequence[focus.Violation]) -> None:
    if not broken:
        typer.echo(f"meets FOCUS {focus.VERSION}: no rule is broken")
    for column, rule, rows, first in broken:
        where = f" in {rows:,} row(s), first {first!r}" if rows else ""
        typer.echo(f"FOCUS {focus.VERSION}: {column} {rule}{where}")
