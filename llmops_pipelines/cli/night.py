"""``llmops nightly``: the run, its progress, and the summary at the end."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from llmops_pipelines.cli import summary
from llmops_pipelines.cli.folder import prepare
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.nightly import (
    Night,
    NightlyRunner,
    Progress,
    open_instance,
    run_night,
)
from llmops_pipelines.orchestration.reference_files import check_reference
from llmops_pipelines.reference import ReferenceFileError

OK, FAILED, UNUSABLE = 0, 1, 2


def night(settings: Settings, first: date | None, last: date | None, *, as_json: bool) -> int:
    """Run, print, and return the exit code: 0 fine, 1 a run failed, 2 nothing could be done."""
    prepare(settings)
    try:
        check_reference(Path(settings.reference_root))
    except ReferenceFileError as error:
        typer.echo(f"the reference files cannot be used:\n{error}", err=True)
        return UNUSABLE
    started = time.monotonic()
    resources = resources_of(settings)
    lake = resources.lake.open()
    outcome = _run(settings, first, last)
    found = summary.summary_of(lake, outcome)
    if as_json:
        typer.echo(json.dumps(summary.as_json(found, outcome), indent=2))
    else:
        summary.print_summary(Console(), found, outcome, seconds=time.monotonic() - started)
    if not outcome.days and not outcome.failures:
        typer.echo(_nothing_to_do(settings, first, last), err=True)
        return UNUSABLE
    return FAILED if outcome.failures else OK


def _run(settings: Settings, first: date | None, last: date | None) -> Night:
    resources = resources_of(settings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        open_instance(settings.home) as instance,
        Bar(*columns, console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task, description=progress.phase, completed=progress.done, total=progress.total
            )

        return run_night(
            NightlyRunner(build_definitions(settings), instance, show),
            resources.lake.open(),
            reference=resources.reference,
            webhook=resources.webhook,
            clock=resources.clock,
            policy=resources.policy,
            first=first,
            last=last,
        )


def _nothing_to_do(settings: Settings, first: date | None, last: date | None) -> str:
    span = f" from {first or 'the first day'} to {last or 'today'}" if first or last else ""
    return (
        f"no calls{span} below {settings.log_root}: put log files there (any layout; .jsonl, .gz, "
        f".zst), or write samples with `llmops sample-logs --out {settings.log_root}`"
    )
