"""What a run of the pipeline found, as blocks to print and as plain text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.blocks import TOP, SummaryTable, span
from llmops_pipelines.reporting.business_blocks import business_tables
from llmops_pipelines.reporting.summary import NightlySummary
from llmops_pipelines.reporting.wording import count, score, usd, visible

_MOST_ALERTS = 20
_GRAVITY = {"critical": 0, "warning": 1, "no_data": 2, "ok": 3}


def summary_tables(summary: NightlySummary) -> tuple[SummaryTable, ...]:
    """The summary as blocks to print: totals, dearest features, quality of the last day, alerts.

    Where finance.yaml says whose days, which currency or who is charged, money is told so, and by
    owner too.
    """
    spent = (
        (_totals(summary.days), _dearest(summary.days))
        if summary.money is None
        else business_tables(summary.days, summary.spend, summary.money)
    )
    return (
        *spent,
        _latest_quality(summary.quality),
        _alert_table(summary.alerts),
    )


def summary_text(summary: NightlySummary) -> str:
    """The summary as plain text, for logs and terminals without colour."""
    blocks = [_plain(table) for table in summary_tables(summary)]
    if summary.report:
        blocks.append(f"Report: {summary.report}")
    return "\n\n".join(blocks) + "\n"


def _totals(days: pl.DataFrame) -> SummaryTable:
    if days.is_empty():
        return SummaryTable("No calls", (), (), remark="no day of the run holds a call")
    known = days["cost_usd"].drop_nulls()
    unpriced = int(days["unpriced_calls"].sum())
    spent = usd(Decimal(known.sum())) if known.len() else "unknown"
    if unpriced:
        spent += f" ({count(unpriced)} calls without a price not included)"
    rows = (
        ("calls", count(int(days["calls"].sum()))),
        ("rejected lines", count(int(days["rejected"].sum()))),
        ("spend", spent),
    )
    return SummaryTable(span(days["day"].unique().sort().to_list()), ("", ""), rows)


def _dearest(days: pl.DataFrame) -> SummaryTable:
    known = pl.col("cost_usd").is_not_null().any()
    totals = (
        days.group_by("feature")
        .agg(
            pl.col("calls", "unpriced_calls").sum(),
            cost=pl.when(known).then(pl.col("cost_usd").sum()),
        )
        .filter(pl.col("calls") > 0)
        .sort(["cost", "feature"], descending=[True, False], nulls_last=True)
    )
    more = totals.height - TOP
    return SummaryTable(
        "Features by cost",
        ("feature", "spend", "calls", "unpriced"),
        tuple(
            (
                visible(row["feature"], 40),
                usd(row["cost"]),
                count(row["calls"]),
                count(row["unpriced_calls"]),
            )
            for row in totals.head(TOP).iter_rows(named=True)
        ),
        figures=(1, 2, 3),
        remark=f"and {count(more)} more" if more > 0 else "",
    )


def _latest_quality(quality: pl.DataFrame) -> SummaryTable:
    last = quality["day"].max()
    if not isinstance(last, date):
        return SummaryTable("Quality", (), (), remark="nothing was scored")
    return SummaryTable(
        f"Quality on {last.day} {last:%B}",
        (
            *("feature", "metric", "estimate", "95 % interval", "n", "unscored", "judge spec"),
            "answered by",
        ),
        tuple(
            (
                visible(row["feature"], 40),
                visible(row["metric"], 30),
                score(row["estimate"]),
                ""
                if row["low"] is None or row["high"] is None
                else f"{score(row['low'])} to {score(row['high'])}",
                count(row["n"]),
                count(row["unscored"]),
                visible(row["judge_spec"], 16),
                visible(row["snapshot"], 40),
            )
            for row in quality.filter(pl.col("day") == last).iter_rows(named=True)
        ),
        figures=(2, 3, 4, 5),
        spare=(6, 7),
    )


def _alert_table(alerts: pl.DataFrame) -> SummaryTable:
    if alerts.is_empty():
        return SummaryTable("Alerts", (), (), remark="no alert changed its state")
    newest = alerts.sort(
        pl.col("day"),
        -pl.col("to").replace_strict(_GRAVITY, default=len(_GRAVITY), return_dtype=pl.Int32),
        descending=True,
        maintain_order=True,
    )
    more = newest.height - _MOST_ALERTS
    return SummaryTable(
        "Alerts, newest first",
        ("day", "state", "rule", "scope", "what happened"),
        tuple(
            (
                f"{row['day'].day} {row['day']:%b}",
                f"{row['from']} to {row['to']}".replace("_", " "),
                visible(row["rule"], 40),
                visible(row["scope"], 40),
                visible(row["summary"], 200) + _outcome(row),
            )
            for row in newest.head(_MOST_ALERTS).iter_rows(named=True)
        ),
        remark=f"and {count(more)} older ones" if more > 0 else "",
        flowing=True,
    )


def _outcome(row: dict[str, Any]) -> str:
    if row["acted"]:
        return " (acted on)"
    return " (evaluated late, nobody told)" if row["backfilled"] else ""


def _plain(table: SummaryTable) -> str:
    lines = [table.title]
    printed = [row for row in (table.headings, *table.rows) if any(row)]
    if table.flowing:
        lines += [f"  {sentence}" for sentence in table.sentences]
    elif table.rows:
        widths = [max(len(row[at]) for row in printed) for at in range(len(table.rows[0]))]
        for row in printed:
            cells = (
                text.rjust(width) if at in table.figures else text.ljust(width)
                for at, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append(f"  {'  '.join(cells)}".rstrip())
    if table.remark:
        lines.append(f"  {table.remark}")
    return "\n".join(lines)
