"""``llmops pull``: days of logs downloaded from services, and what came of each."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from llmops_pipelines.cli import telling
from llmops_pipelines.cli.folder import alone_on
from llmops_pipelines.cli.night import FAILED, INTERRUPTED, OK, check_folder
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.ingest import Sources
from llmops_pipelines.orchestration.landing.pulling import stored_pulls
from llmops_pipelines.orchestration.runs.nightly import Failure, NightlyRunner, open_instance
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError

_MOST_DAYS = 3660
_COLUMNS = (
    "source", "outcome", "file", "pages", "records", "server_count", "duplicates", "outside",
    "seconds", "requests", "retries", "error",
)  # fmt: skip


def pull_days(
    settings: Settings, first: date | None, last: date | None, source: str, *, as_json: bool
) -> int:
    """Download, print, and return the exit code: 0 fine, 1 something failed.

    Raises:
        UnusableError: Nothing could be done, and why.
    """
    with contextlib.redirect_stdout(sys.stderr):
        check_folder(settings)
        days = _days(settings, first, last)
        _refuse_unknown(settings, source)
        try:
            failures, told = _run(settings, days, source)
        except KeyboardInterrupt:
            typer.echo("stopped; pages that arrived are kept for the next run", err=True)
            return INTERRUPTED
    failed = [{"day": str(f.day), "error": f.error} for f in failures]
    if as_json:
        typer.echo(json.dumps({"pulled": told, "failures": failed}, indent=2))
    else:
        for row in told:
            Console().print(Text(_sentence(row)), soft_wrap=True)
    for failure in failures:
        typer.echo(f"{failure.day}: {failure.error}", err=True)
    return FAILED if failures or any(row["outcome"] == "failed" for row in told) else OK


def _days(settings: Settings, first: date | None, last: date | None) -> list[date]:
    """From ``first`` to ``last``, by default yesterday; nothing of the future."""
    today = resources_of(settings).clock.today()
    last = min(last or today - timedelta(days=1), today)
    first = first or last
    if first < settings.start:
        raise UnusableError(f"--from {first} lies before LLMOPS_START, {settings.start}")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if not days or len(days) > _MOST_DAYS:
        raise UnusableError(f"{first} to {last}: choose 1 to {_MOST_DAYS:,} days, up to today")
    return days


def _refuse_unknown(settings: Settings, source: str) -> None:
    names = [
        entry.name for entry in resources_of(settings).reference.read("sources.yaml", Sources).pull
    ]
    if not names:
        raise UnusableError(
            f"nothing to pull: {settings.reference_root}/sources.yaml lists no service under pull:"
        )
    if source and source not in names:
        raise UnusableError(f"--source {source} is not under pull:; known: {', '.join(names)}")


def _run(
    settings: Settings, days: Sequence[date], source: str
) -> tuple[list[Failure], list[dict[str, Any]]]:
    lake = resources_of(settings).lake.open()
    try:
        with (
            alone_on(settings),
            telling.progress(Console(stderr=True)) as show,
            open_instance(settings.home) as instance,
        ):
            definitions = build_definitions(settings, pull_only=source)
            runner = NightlyRunner(definitions, instance, lambda progress: show(*progress))
            runner.pull(days)
        return runner.failures, _told(lake, days, source)
    except LakeError as error:
        raise UnusableError(str(error)) from error
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then run again") from error


def _told(lake: Lake, days: Sequence[date], source: str) -> list[dict[str, Any]]:
    return [
        {"day": day.isoformat(), **{name: row[name] for name in _COLUMNS}}
        for day in days
        for row in stored_pulls(lake, day).to_dicts()
        if source in ("", row["source"])
    ]


def _sentence(row: dict[str, Any]) -> str:
    place = f"{row['day']} {row['source']}"
    if row["outcome"] == "failed":
        return f"{place}: failed; {row['error']}"
    counted = row["server_count"]
    server = "the server does not count" if counted is None else f"the server counts {counted:,}"
    left = f", {row['outside']:,} of other days left out" if row["outside"] else ""
    return f"{place}: {row['outcome']}, {row['records']:,} record(s){left}; {server}"
