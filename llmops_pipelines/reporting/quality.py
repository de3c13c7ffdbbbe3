"""How good the answers were: every estimate with its interval, its base and its judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData, on
from llmops_pipelines.reporting.wording import count, score, visible

_SIZES = re.compile(r" of [\d,]+(?: of [\d,]+)? traces")
"""How many traces a method saw; the columns of each row say it."""

_JUDGED = ("groundedness", "faithfulness")


@dataclass(frozen=True)
class QualityRow:
    """One feature, or one of its prompt versions, under one judge."""

    feature: str
    version: str
    """Empty for all versions together."""
    estimate: str
    interval: str
    left: float
    """Where the interval begins, 0 to 100; both ends are 0 without one."""
    right: float
    middle: float
    measured: bool
    n: str
    unscored: str
    not_applicable: str
    population: str


@dataclass(frozen=True)
class QualityGroup:
    """One metric under one judge."""

    metric: str
    judge: str
    spec: str
    method: str
    rows: tuple[QualityRow, ...]


@dataclass(frozen=True)
class Quality:
    """All estimates of the day, and what a reader must know of them."""

    groups: tuple[QualityGroup, ...]
    has_support: bool
    has_judge: bool


def quality_of(night: NightlyData) -> Quality:
    """List the day's estimates by metric and judge, prompt versions where a feature has several."""
    today = on(night.quality, night.day)
    is_one_version = pl.col("prompt_version") != "*"
    shown = today.filter(
        ~is_one_version | (is_one_version.sum().over("feature", "metric", "judge_spec") > 1)
    ).sort("metric", "judge_spec", "feature", is_one_version, "prompt_version")
    metrics = set(today["metric"])
    return Quality(
        groups=tuple(
            _group(rows) for _, rows in shown.group_by("metric", "judge_spec", maintain_order=True)
        ),
        has_support="support" in metrics,
        has_judge=not metrics.isdisjoint(_JUDGED),
    )


def _group(rows: pl.DataFrame) -> QualityGroup:
    return QualityGroup(
        metric=visible(rows["metric"][0], 60),
        judge=visible("; ".join(sorted(set(rows["judge"]))), 160),
        spec=visible(rows["judge_spec"][0], 16),
        method=visible(
            "; ".join(sorted({_SIZES.sub("", method) for method in rows["method"]})), 300
        ),
        rows=tuple(_row(row) for row in rows.iter_rows(named=True)),
    )


def _row(row: Mapping[str, Any]) -> QualityRow:
    ends = row["low"] is not None and row["high"] is not None
    measured = row["estimate"] is not None
    return QualityRow(
        feature=visible(row["feature"], 80),
        version="" if row["prompt_version"] == "*" else visible(row["prompt_version"], 40),
        estimate=score(row["estimate"]),
        interval=f"{score(row['low'])} to {score(row['high'])}" if ends else "",
        left=_place(row["low"]) if ends else 0.0,
        right=_place(row["high"]) if ends else 0.0,
        middle=_place(row["estimate"]) if measured else 0.0,
        measured=measured,
        n=count(row["n"]),
        unscored=count(row["unscored"]),
        not_applicable=count(row["not_applicable"]),
        population=count(row["population"]),
    )


def _place(value: float) -> float:
    return round(100 * min(1.0, max(0.0, value)), 2)
