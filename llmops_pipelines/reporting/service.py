"""How the service ran, feature by feature: every figure with its interval and its base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData, on
from llmops_pipelines.reporting.wording import NOT_KNOWN, count, figure_of, percent, visible

_TABLES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Failures and answers",
        (
            ("error_rate", "Failed"),
            ("retry_rate", "Retried"),
            ("refusal_rate", "Refused"),
            ("format_error_rate", "Format broken"),
            ("context_utilisation", "Contexts used"),
            ("csat", "Stars"),
        ),
    ),
    (
        "Speed",
        (
            ("latency_p50", "Latency P50"),
            ("latency_p95", "Latency P95"),
            ("latency_p99", "Latency P99"),
            ("ttft_p95", "First token P95"),
            ("output_tokens_per_s_p50", "Tokens/s P50"),
        ),
    ),
)


@dataclass(frozen=True)
class Figure:
    """One cell: the figure, its interval, its base, and the state of a rule that watches it."""

    text: str
    interval: str
    base: str
    state: str


@dataclass(frozen=True)
class FeatureHealth:
    """One feature's day in one table."""

    feature: str
    calls: str
    figures: tuple[Figure, ...]
    error_classes: str


@dataclass(frozen=True)
class HealthTable:
    """Some metrics of every feature; metrics that nobody measured are left out."""

    title: str
    headings: tuple[str, ...]
    features: tuple[FeatureHealth, ...]


def service_of(night: NightlyData) -> tuple[HealthTable, ...]:
    """Lay the day's health out as one row a feature, all models together."""
    today = on(night.service_health, night.day).filter(pl.col("model") == "*")
    if today.is_empty():
        return ()
    # Read in this order, critical overwrites warning.
    states = {
        (row["scope"], row["metric"]): row["status"]
        for row in on(night.rule_evaluations, night.day)
        .filter(pl.col("status").is_in(["warning", "critical"]))
        .sort("status", descending=True)
        .iter_rows(named=True)
    }
    rows = {(row["feature"], row["metric"]): row for row in today.iter_rows(named=True)}
    return tuple(
        _table(
            title, [metric for metric in metrics if metric[0] in set(today["metric"])], rows, states
        )
        for title, metrics in _TABLES
    )


def _table(
    title: str,
    metrics: list[tuple[str, str]],
    rows: Mapping[tuple[str, str], Mapping[str, Any]],
    states: Mapping[tuple[str, str], str],
) -> HealthTable:
    shown = {"calls", *(metric for metric, _ in metrics)}
    shows_errors = any(metric == "error_rate" for metric, _ in metrics)
    return HealthTable(
        title=title,
        headings=tuple(heading for _, heading in metrics),
        features=tuple(
            FeatureHealth(
                feature="All features" if feature == "*" else visible(feature, 80),
                calls=_calls(rows.get((feature, "calls"))),
                figures=tuple(
                    _figure(metric, rows.get((feature, metric)), states.get((feature, metric), ""))
                    for metric, _ in metrics
                ),
                error_classes=_error_classes(feature, rows) if shows_errors else "",
            )
            # Of some nothing is known but that their lines were rejected, which stands elsewhere.
            for feature in sorted({feature for feature, metric in rows if metric in shown})
        ),
    )


def _calls(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NOT_KNOWN
    return count(row["n"] if row["estimate"] is None else int(row["estimate"]))


def _figure(metric: str, row: Mapping[str, Any] | None, state: str) -> Figure:
    if row is None:
        return Figure(NOT_KNOWN, "", "", "")
    interval = ""
    if row["estimate"] is not None and row["low"] is not None and row["high"] is not None:
        interval = f"{figure_of(metric, row['low'])} to {figure_of(metric, row['high'])}"
    base = f"n {count(row['n'])}" if row["n"] or row["missing"] else ""
    if row["missing"]:
        base += f", {count(row['missing'])} missing"
    return Figure(figure_of(metric, row["estimate"]), interval, base, state)


def _error_classes(feature: str, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """The classes of a feature's failed calls, the most frequent first."""
    shares = [
        (-row["estimate"], metric.removeprefix("error_rate/"))
        for (name, metric), row in rows.items()
        if name == feature and metric.startswith("error_rate/") and row["estimate"]
    ]
    return ", ".join(
        f"{visible(kind, 40).replace('_', ' ')} {percent(-share)}" for share, kind in sorted(shares)
    )
