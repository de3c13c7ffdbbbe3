"""The end of ``llmops nightly``, for people and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from llmops_pipelines import reporting
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.nightly import Night
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    FEATURE_COSTS,
    NIGHTLY_REPORTS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
)


def summary_of(lake: Lake, night: Night) -> reporting.NightlySummary:
    """What the lake says of the days of ``night``, computed in this run or before."""
    reports = lake.read(NIGHTLY_REPORTS, night.days).sort("day")
    return reporting.summarise(
        lake.read(FEATURE_COSTS, night.days),
        lake.read(REJECTED_LINES, night.days),
        lake.read(QUALITY, night.days),
        lake.read(ALERTS, night.days),
        deliveries=lake.read(DELIVERIES, night.days),
        rollbacks=lake.read(ROLLBACKS, night.days),
        report=lake.store.uri(reports["path"][-1]) if reports.height else None,
    )


def as_json(summary: reporting.NightlySummary, night: Night) -> dict[str, Any]:
    """The object of ``--json``: the summary, what was computed, and what failed."""
    return {
        **reporting.summary_json(summary),
        "computed": {day.isoformat(): count for day, count in night.computed.items()},
        "failures": [
            {
                "day": failure.day and failure.day.isoformat(),
                "step": failure.step,
                "error": failure.error,
            }
            for failure in night.failures
        ],
    }


def print_summary(
    console: Console, summary: reporting.NightlySummary, night: Night, seconds: float
) -> None:
    """Print totals, dearest features, quality, alerts, failures, and where the report lies."""
    done = (
        f"{len(night.computed)} day(s) computed"
        if night.computed
        else "nothing is new or changed; nothing was recomputed"
    )
    console.print(Text(f"\n{done}, {seconds:.0f} s", style="bold"))
    for block in reporting.summary_tables(summary):
        console.print(_drawn(block))
    for failure in night.failures:
        place = f"{failure.day or 'landing'}, {failure.step}"
        console.print(Text(f"failed: {place}: {failure.error}", style="bold red"))
    if summary.report:
        console.print(Text(f"\nreport: {summary.report}"), soft_wrap=True)


def _drawn(block: reporting.SummaryTable) -> Group:
    """A block as a table; foreign text is never read as markup."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(block.headings):
        table.add_column(Text(name), justify="right" if place in block.figures else "left")
    for row in block.rows:
        table.add_row(*(Text(cell) for cell in row))
    parts = [Text(f"\n{block.title}", style="bold")]
    return Group(
        *parts,
        *([table] if block.rows else []),
        *([Text(block.remark, style="dim")] if block.remark else []),
    )
