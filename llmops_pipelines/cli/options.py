"""What commands share: options, what they accept, and the settings they run with."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmops_pipelines.cli.problems import UnusableError, of_settings

if TYPE_CHECKING:
    from llmops_pipelines.definitions import Settings

DAY = "YYYY-MM-DD"


def parse_day(text: str) -> date:
    """The day that ``text`` names, or what is wrong with it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2026-11-22") from error


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(f"{text!r} is no month; write it as 2026-10")
    return text


MONTH = Annotated[
    str, typer.Argument(parser=_month, metavar="YYYY-MM", help="Month of the business.")
]


def day_option(name: str, told: str) -> typer.models.OptionInfo:
    """An option that takes a day."""
    option: typer.models.OptionInfo = typer.Option(name, parser=parse_day, metavar=DAY, help=told)
    return option


def in_order(first: date | None, last: date | None) -> None:
    """Refuse days in the wrong order."""
    if first and last and first > last:
        raise typer.BadParameter(f"{first} lies after --to {last}; swap them", param_hint="--from")


JSON = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
]
MAX_LOSS = Annotated[float, typer.Option(help="Part of the quality that may be lost.")]
CALLS_PER_DAY = Annotated[float | None, typer.Option(min=0, help="Traffic, for a year's saving.")]


def _chart_file(path: Path | None) -> Path | None:
    from llmops_pipelines.cli.savings.replays import chart_file

    return chart_file(path)


CHART_OUT = Annotated[
    Path | None,
    typer.Option(
        "--chart-out", metavar="FILE", callback=_chart_file, help="Write the chart: .svg or .png."
    ),
]


def between_0_and_1(value: float, option: str) -> None:
    """Refuse what is no share."""
    if not 0 < value < 1:
        meant = f"; write {value:g} % as {value / 100:g}" if 1 <= value < 100 else ""
        raise typer.BadParameter(f"{value} is not between 0 and 1{meant}", param_hint=option)


def settings_of(context: typer.Context) -> Settings:
    """The settings of the environment, with ``--data`` on top."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from llmops_pipelines.definitions import Settings, unread_variables, variables

    for warning in unread_variables():
        typer.secho(f"warning: {warning}", err=True, fg="yellow")
    try:
        settings = Settings(data=context.obj) if context.obj else Settings()
    except ValidationError as error:
        raise of_settings(error, variables()) from error
    except SettingsError as error:
        # The only setting that is parsed before it is validated; its value may hold a secret.
        raise UnusableError(
            "the environment cannot be used:\n"
            'LLMOPS_STORAGE_OPTIONS: is no JSON object, such as {"aws_region": "eu-west-1"}'
        ) from error
    if settings.data.exists() and not settings.data.is_dir():
        raise UnusableError(f"LLMOPS_DATA: {settings.data} is a file; name a folder")
    return settings
