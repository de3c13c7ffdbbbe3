"""``llmops nightly``: the run, its progress, and the summary at the end."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from collections.abc import Collection
from datetime import date
from pathlib import Path

import typer
from rich.console import Console

from llmops_pipelines.adapters.names import MissingExtraError
from llmops_pipelines.cli import summary, telling
from llmops_pipelines.cli.folder import alone_on, prepare, read_plainly
from llmops_pipelines.cli.problems import UNUSABLE, UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.graph.reference_files import check_reference, unread_files
from llmops_pipelines.orchestration.judging.endpoints import read_setup
from llmops_pipelines.orchestration.judging.judge_notes import about_judging
from llmops_pipelines.orchestration.judging.judging import unready
from llmops_pipelines.orchestration.landing.redaction import redaction_of
from llmops_pipelines.orchestration.runs.nightly import (
    Night,
    NightlyRunner,
    open_instance,
    run_night,
)
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.reference import PrivacyRules
from llmops_pipelines.reporting import NightlySummary
from llmops_pipelines.tables import LANDED_DAYS

OK, FAILED = 0, 1
INTERRUPTED = 130


def night(
    settings: Settings,
    first: date | None,
    last: date | None,
    *,
    as_json: bool,
    anew: Collection[str] = (),
) -> int:
    """Run, print, and return the exit code: 0 fine, 1 a run failed, 2 nothing could be done.

    With ``as_json`` one object goes to stdout, whatever happens, and all else to stderr. Tables
    named in ``anew`` are computed again even where nothing they read has changed.
    """
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            check_folder(settings)
            outcome, found = _run(settings, first, last, anew)
    except UnusableError as error:
        if as_json:
            typer.echo(json.dumps(summary.nothing_as_json(str(error)), indent=2))
        raise
    except KeyboardInterrupt:
        typer.echo(
            "stopped; what was computed stays, and the next run goes on from there", err=True
        )
        return INTERRUPTED
    if as_json:
        typer.echo(json.dumps(summary.as_json(found, outcome), indent=2))
    elif outcome.days or outcome.failures:
        summary.print_summary(Console(), found, outcome, seconds=time.monotonic() - started)
    summary.print_troubles(Console(stderr=True), outcome)
    for note in _unjudged(settings):
        typer.echo(f"note: {note}", err=True)
    if not outcome.days and not outcome.failures:
        typer.echo(_nothing_to_do(settings, first, last), err=True)
        return UNUSABLE
    return FAILED if outcome.failures else OK


def check_folder(settings: Settings) -> None:
    """Refuse what cannot be used before anything is computed, and warn of what is not used.

    Raises:
        UnusableError: Folders or reference files cannot be used.
    """
    prepare(settings)
    folder = Path(settings.reference_root)
    with read_plainly():
        check_reference(folder)
    resources = resources_of(settings)
    try:
        redaction_of(resources.reference.read("privacy.yaml", PrivacyRules))
    except MissingExtraError as error:
        raise UnusableError(str(error)) from error
    for warning in [
        *unread_files(folder),
        *unready(read_setup(resources.reference, resources.judge)),
    ]:
        typer.secho(f"warning: {warning}", err=True, fg="yellow")


def _run(
    settings: Settings, first: date | None, last: date | None, anew: Collection[str]
) -> tuple[Night, NightlySummary]:
    """The night, and what the lake says of its days afterwards.

    Raises:
        UnusableError: The lake is damaged or of a newer release, or the disk refuses.
    """
    # Libraries make millions of objects that stay; looking through them again and again is a tenth
    # of what a small night costs.
    gc.set_threshold(50_000, 20, 50)
    resources = resources_of(settings)
    try:
        with (
            alone_on(settings),
            telling.progress(Console(stderr=True)) as show,
            open_instance(settings.home) as instance,
        ):
            outcome = run_night(
                NightlyRunner(
                    build_definitions(settings), instance, lambda progress: show(*progress)
                ),
                resources,
                first=first,
                last=last,
                anew=anew,
            )
        return outcome, summary.summary_of(resources.lake.open(), resources.reference, outcome)
    except LakeError as error:
        raise UnusableError(str(error)) from error
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then run again") from error


def _unjudged(settings: Settings) -> list[str]:
    """What to tell of judges; a damaged file among other days is told, and fails no night."""
    resources = resources_of(settings)
    setup = read_setup(resources.reference, resources.judge)
    try:
        return list(about_judging(resources.lake.open(), setup, resources.clock.today()))
    except LakeError as error:
        return [str(error)]


def _nothing_to_do(settings: Settings, first: date | None, last: date | None) -> str:
    """Why there is nothing to show, and what to do about it."""
    resources = resources_of(settings)
    if days := resources.lake.open().days(LANDED_DAYS):
        return (
            f"no calls from {first or 'the first day'} to {last or 'today'}: the logs below "
            f"{settings.log_root} hold {days[0]} to {days[-1]}; choose --from and --to in there"
        )
    if files := sum(1 for _ in resources.logs.files()):
        return (
            f"no calls below {settings.log_root}: its {files:,} file(s) are empty; put log files "
            "there (any layout; .jsonl or .ndjson, plain, .gz or .zst)"
        )
    return (
        f"no log files below {settings.log_root}: put some there (any layout; .jsonl or .ndjson, "
        f"plain, .gz or .zst), or write samples: "
        + typed("sample-logs", "--out", settings.log_root)
    )
