"""``llmops sample-logs``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from llmops_pipelines.sample_company import write_sample_logs


def write_sample(out: Path, *, days: int, end: date | None, calls_per_day: int, seed: int) -> None:
    """Write the logs with progress, then say what was written and where the truth lies."""
    last = end or datetime.now(UTC).date() - timedelta(days=1)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("writing sample logs", total=days)
        summary = write_sample_logs(
            out,
            days=days,
            end=last,
            calls_per_day=calls_per_day,
            seed=seed,
            on_day=lambda _: progress.advance(task),
        )
    typer.echo(f"{out}: {summary.calls:,} calls in {summary.files:,} files up to {last}")
    typer.echo(f"{summary.truth}: what was planted; the pipeline never reads it")
