"""What the commands that replay a saving have in common: exit code, charts, shares in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import typer

from llmops_pipelines import savings
from llmops_pipelines.cli.problems import of_file_system

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CANNOT_TELL: Final = 3
"""Exit code where nothing may be recommended; 0 says that something is."""

_ENDINGS: Final = (".svg", ".png")


def chart_file(path: Path | None) -> Path | None:
    """Take the file of ``--chart-out``, refused before the replay rather than after it.

    Raises:
        typer.BadParameter: Its name says neither SVG nor PNG.
    """
    if path is not None and path.suffix.lower() not in _ENDINGS:
        raise typer.BadParameter(f"{path} ends in neither {' nor '.join(_ENDINGS)}")
    return path


def tell(told: dict[str, Any], in_sentences: Callable[[], None], *, as_json: bool) -> int:
    """Print what came of a replay, to machines or to people; the exit code.

    Args:
        told: The one object of ``--json``, with ``chart_out`` and ``exit_code``.
        in_sentences: Prints the same for people.
        as_json: Whether machines read it.
    """
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        in_sentences()
        if told["chart_out"]:
            typer.echo(f"chart in {told['chart_out']}")
    return int(told["exit_code"])


def write_chart(path: Path, figure: Figure, description: str) -> None:
    """Write ``figure`` as the kind of picture that ``path`` is named after.

    Raises:
        UnusableError: The file cannot be written.
    """
    from llmops_pipelines.adapters.charting.figures import file_bytes

    drawn = file_bytes(figure, path.suffix.lower().removeprefix("."), description)
    try:
        path.write_bytes(drawn)
    except OSError as error:
        raise of_file_system(error, remedy="choose another --chart-out") from error


NO_YEAR: Final = (
    "a year's saving is unknown: this is less than a day of traffic; give --calls-per-day"
)


def days_of_traffic(began: pl.Series, calls_per_day: float | None) -> float | None:
    """How many days of traffic a file's calls are; None where nobody knows.

    Args:
        began: When each call began.
        calls_per_day: As ``--calls-per-day`` says; else as `savings.days_of_traffic` tells.
    """
    if calls_per_day is not None:
        return began.len() / calls_per_day if calls_per_day else inf
    return savings.days_of_traffic(began)


def of_a_year(row: dict[str, Any]) -> str:
    """``saved_a_year`` of ``row``, to follow what is saved in a file; empty where it is unknown."""
    if row["saved_a_year"] is None:
        return ""
    return f", {bounded(row, 'saved_a_year', usd)} a year of such traffic"


def bounded(row: dict[str, Any], name: str, written: Callable[[float], str]) -> str:
    """Write the figure ``name`` of ``row`` with its interval, as ``12 % (9 to 15)``."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return "unknown"
    if low is None or high is None:
        return written(value)
    ends = (written(end).replace("$", "").removesuffix(" %") for end in (low, high))
    return f"{written(value)} ({' to '.join(ends)})"


def finite(row: dict[str, Any]) -> dict[str, Any]:
    """``row`` as JSON holds it: money as numbers, days as texts."""
    return {
        name: float(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for name, value in row.items()
    }


def percent(value: float | None, digits: int = 1) -> str:
    """``0.05`` as ``5.0 %``; never -0.0."""
    return "unknown" if value is None else f"{round(100 * value, digits) + 0.0:.{digits}f} %"


def usd(value: float | None, digits: int = 2) -> str:
    """US dollars, the sign in front."""
    if value is None:
        return "unknown"
    amount = round(float(value), digits) + 0.0
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"
