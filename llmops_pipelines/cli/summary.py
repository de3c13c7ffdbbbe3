"""The end of ``llmops nightly``, for people and for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines import reporting
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.reporting.report_money import is_utc_dollars, report_money
from llmops_pipelines.orchestration.runs.nightly import Failure, Night
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    FEATURE_COSTS,
    NIGHTLY_REPORTS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
)

_STYLES = {"critical": "red", "warning": "yellow", "ok": "green"}
_INDENT = "    "
_ENDLESS = 10_000


def summary_of(lake: Lake, reference: ReferenceFolder, night: Night) -> reporting.NightlySummary:
    """What the lake says of the days of ``night``, computed in this run or before."""
    costs = lake.read(FEATURE_COSTS, night.days)
    rules, money = settings_of(reference), None
    if night.days and not is_utc_dollars(rules):
        last = night.days[-1]
        money = report_money(costs, lake, rules, last, (last - night.days[0]).days + 1)
    reports = lake.read(NIGHTLY_REPORTS, night.days).sort("day")
    return reporting.summarise(
        costs,
        lake.read(REJECTED_LINES, night.days),
        lake.read(QUALITY, night.days),
        lake.read(ALERTS, night.days),
        deliveries=lake.read(DELIVERIES, night.days),
        rollbacks=lake.read(ROLLBACKS, night.days),
        report=lake.store.uri(reports["path"][-1]) if reports.height else None,
        money=money.told if money else None,
        spend=money.rows if money else None,
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


def nothing_as_json(why: str) -> dict[str, Any]:
    """The object of ``--json`` where nothing could be done."""
    return {
        **{name: [] for name in ("days", "quality", "alerts")},
        "report": None,
        "computed": {},
        "failures": [{"day": None, "step": "set-up", "error": why}],
    }


def print_summary(
    console: Console, summary: reporting.NightlySummary, night: Night, seconds: float
) -> None:
    """Print totals, dearest features, quality, alerts, and where the report lies."""
    if night.computed:
        done = f"{len(night.computed)} day(s) computed"
    elif night.replayed:
        done = (
            "no day is new or changed; savings were replayed: features.yaml or prices changed, or "
            "the night before stopped short of them"
        )
    else:
        done = "nothing is new or changed; nothing was recomputed"
    console.print(Text(f"\n{done}, {seconds:.0f} s", style="bold"))
    for block in reporting.summary_tables(summary):
        console.print(Text(f"\n{block.title}", style="bold"))
        if block.flowing:
            _print_sentences(console, block)
        elif block.rows:
            console.print(_fitting(block, console))
        if block.remark:
            console.print(Text(block.remark, style="dim"))
    if summary.report:
        console.print(Text(f"\nreport: {summary.report}"), soft_wrap=True)


def print_troubles(console: Console, night: Night) -> None:
    """Print checks that failed and runs that failed: when, where and why."""
    for finding in night.findings:
        _print_line(console, f"check {finding.check}: {finding.told}", "yellow")
    for failure in night.failures:
        _print_line(console, f"failed: {_place(failure)}: {failure.error}", "bold red")


def _place(failure: Failure) -> str:
    return f"{failure.day}, {failure.step}" if failure.day else failure.step


def _print_sentences(console: Console, block: reporting.SummaryTable) -> None:
    for row, sentence in zip(block.rows, block.sentences, strict=True):
        _print_line(console, sentence, _STYLES.get(row[1].rsplit(" ", 1)[-1], ""))


def _print_line(console: Console, line: str, style: str) -> None:
    """``line``, wrapped between words and indented from its second row on; paths stay whole."""
    rows = textwrap.wrap(
        line,
        max(console.width, 20),
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )
    for row in rows:
        console.print(Text(row, style=style), soft_wrap=True)


def _fitting(block: reporting.SummaryTable, console: Console) -> Table:
    """The block's table, without its spare columns where they would squeeze the others."""
    full = _table(block, range(len(block.headings)))
    room = console.options.update_width(_ENDLESS)
    if not block.spare or console.measure(full, options=room).maximum <= console.width:
        return full
    return _table(block, [at for at in range(len(block.headings)) if at not in block.spare])


def _table(block: reporting.SummaryTable, columns: range | list[int]) -> Table:
    """A block as a table; foreign text is never read as markup, and never cut."""
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
        show_header=any(block.headings),
    )
    for at in columns:
        table.add_column(
            Text(block.headings[at]),
            justify="right" if at in block.figures else "left",
            overflow="fold",
        )
    for row in block.rows:
        table.add_row(*_cells(row, columns))
    return table


def _cells(row: tuple[str, ...], columns: range | list[int]) -> Iterator[Text]:
    return (Text(row[at]) for at in columns)
