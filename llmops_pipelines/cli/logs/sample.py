"""``llmops sample-logs``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console

from llmops_pipelines.cli import telling
from llmops_pipelines.cli.problems import of_file_system, writable_folder
from llmops_pipelines.sample_company import write_sample_logs

_REMEDY = "choose another folder with --out, or change who may write there"


def write_sample(out: Path, *, days: int, end: date | None, calls_per_day: int, seed: int) -> None:
    """Write the logs with progress, then say what was written and where the truth lies.

    Raises:
        UnusableError: Nothing can be written there.
    """
    last = end or datetime.now(UTC).date() - timedelta(days=1)
    writable_folder(out, remedy=_REMEDY)
    with telling.progress(Console(stderr=True)) as show:
        written = 0

        def on_day(_: date) -> None:
            nonlocal written
            written += 1
            show("writing sample logs", written, days)

        show("writing sample logs", 0, days)
        try:
            summary = write_sample_logs(
                out, days=days, end=last, calls_per_day=calls_per_day, seed=seed, on_day=on_day
            )
        except OSError as error:
            raise of_file_system(error, remedy=_REMEDY) from error
    typer.echo(f"{out}: {summary.calls:,} calls in {summary.files:,} files up to {last}")
    typer.echo(f"{summary.truth}: what was planted; the pipeline never reads it")
