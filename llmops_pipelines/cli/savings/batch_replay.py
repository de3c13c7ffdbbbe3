"""``llmops batch``: what the calls of a file that nobody waits for would cost in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import typer

from llmops_pipelines import savings
from llmops_pipelines.adapters.charting.batch_chart import batch_bars
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.savings.logged_calls import LoggedCalls, read_calls
from llmops_pipelines.cli.savings.replays import (
    CANNOT_TELL,
    NO_YEAR,
    bounded,
    days_of_traffic,
    finite,
    of_a_year,
    percent,
    tell,
    usd,
    write_chart,
)
from llmops_pipelines.definitions import Settings


@dataclass(frozen=True)
class Order:
    """What is asked of the file; ``not_interactive`` are features that nobody waits for."""

    file: Path
    not_interactive: tuple[str, ...]
    calls_per_day: float | None
    chart_out: Path | None


def replay_file(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Replay the file's calls at batch prices, print what came of it, write what was asked for.

    Raises:
        UnusableError: The file cannot be read, or a feature is named that it does not have.
    """
    rows = _rows(read_calls(settings, order.file), order)
    if order.chart_out:
        write_chart(order.chart_out, batch_bars(rows), "paid, and at batch prices")
    told = {
        "file": str(order.file),
        "features": [finite(row) for row in rows.drop("inputs_digest").to_dicts()],
        "chart_out": str(order.chart_out) if order.chart_out else None,
        "exit_code": 0 if (rows["state"] == savings.RECOMMENDED).any() else CANNOT_TELL,
    }
    return tell(told, lambda: _tell(rows), as_json=as_json)


def _tell(rows: pl.DataFrame) -> None:
    for line in _told(rows):
        typer.echo(line)


def _rows(read: LoggedCalls, order: Order) -> pl.DataFrame:
    calls = read.calls
    if "user_hash" not in calls.columns:  # of records: only whether there is one counts
        calls = calls.with_columns(user_hash="user_id")
    there = calls["feature"].unique().sort().to_list()
    if unknown := sorted(set(order.not_interactive) - set(there)):
        raise UnusableError(
            f"--not-interactive {unknown[0]}: the file has no such feature; it has "
            + ", ".join(there)
        )
    marked = {name: feature.interactive for name, feature in read.features.features.items()}
    calls = calls.select(savings.BATCHED)
    said = savings.Waiting(savings.MARKED, "--not-interactive")
    waiting = savings.waiting(calls, marked) | dict.fromkeys(order.not_interactive, said)
    days = calls["started_at"].dt.date().unique().sort().to_list()
    return savings.batch_rows(
        savings.replay_batches(calls, read.book),
        waiting,
        days,
        "",
        days_of_traffic(calls["started_at"], order.calls_per_day),
    )


def _told(rows: pl.DataFrame) -> Iterator[str]:
    """The same for people, feature by feature, then the sums."""
    for row in rows.iter_rows(named=True):
        yield f"{row['feature']}: {row['calls']:,} calls, {row['kind']} ({row['evidence']})"
        for line in _lines(row):
            yield f"  {line}"
    yield f"quality: {savings.QUALITY_COST}"


def _lines(row: dict[str, Any]) -> Iterator[str]:
    left_out = ", ".join(
        f"{row[name]:,} {meaning}"
        for name, meaning in (
            ("already_batch", "in batches already"),
            ("unpriced", "without a price"),
            ("no_batch_price", "without a batch price"),
        )
        if row[name]
    )
    if left_out:
        yield f"in no figure: {left_out}"
    if row["saved"] is not None:
        yield (
            f"batches save {bounded(row, 'saved', lambda sum_: usd(sum_, 4))} of "
            f"{usd(row['paid'], 4)} in this file{of_a_year(row)}; "
            f"after {percent(row['continued_share'])} of the calls their session or "
            "trace goes on within 24 hours"
        )
        if row["saved_a_year"] is None:
            yield NO_YEAR
    if row["kind"] == savings.INTERACTIVE:
        yield row["reason"]
    else:
        yield f"{row['state'].replace('_', ' ')}: {row['reason']}"
    if row["state"] == savings.SUGGESTED:
        yield (
            "a suggestion: ask its owner, then write `interactive: false` in features.yaml "
            "or give --not-interactive"
        )
