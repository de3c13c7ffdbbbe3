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

_JUDGE = ("judge_spec", "snapshot")

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
    snapshot: str
    method: str
    rows: tuple[QualityRow, ...]


@dataclass(frozen=True)
class Quality:
    """All estimates of the day, and what a reader must know of them."""

    groups: tuple[QualityGroup, ...]
    breaks: tuple[str, ...]
    """Sentences on figures that go on under another judge or snapshot."""
    has_support: bool
    has_judge: bool


def quality_of(night: NightlyData) -> Quality:
    """List the day's estimates by metric and judge, prompt versions where a feature has several."""
    today = on(night.quality, night.day)
    is_one_version = pl.col("prompt_version") != "*"
    shown = today.filter(
        ~is_one_version | (is_one_version.sum().over("feature", "metric", *_JUDGE) > 1)
    ).sort("metric", *_JUDGE, "feature", is_one_version, "prompt_version")
    metrics = set(today["metric"])
    return Quality(
        groups=tuple(
            _group(rows) for _, rows in shown.group_by("metric", *_JUDGE, maintain_order=True)
        ),
        breaks=tuple(_break(night, row) for row in night.series_breaks.iter_rows(named=True)),
        has_support="support" in metrics,
        has_judge=not metrics.isdisjoint(_JUDGED),
    )


def _group(rows: pl.DataFrame) -> QualityGroup:
    return QualityGroup(
        metric=visible(rows["metric"][0], 60),
        judge=visible("; ".join(sorted(set(rows["judge"]))), 160),
        spec=visible(rows["judge_spec"][0], 16),
        snapshot=visible(rows["snapshot"][0], 60),
        method=visible(
            "; ".join(sorted({_SIZES.sub("", method) for method in rows["method"]})), 300
        ),
        rows=tuple(_row(row) for row in rows.iter_rows(named=True)),
    )


def _break(night: NightlyData, row: Mapping[str, Any]) -> str:
    """What changed, and what is known of how much it moved the figure."""
    what = f"{visible(row['metric'], 60)} of {visible(row['feature'], 80)}"
    before, after = visible(row["from_judge"], 120), visible(row["to_judge"], 120)
    since = f"since {row['day']}"
    if row["kind"] == "snapshot":
        return (
            f"{what}: answered by snapshot {after} {since}, by {before} before, although the same "
            f"model is asked for. These are two series. {_bridge(night, row)}"
        )
    told = f"{what}: judged by {after} ({row['to_spec'][:6]}) {since}, by {before} "
    return f"{told}({row['from_spec'][:6]}) before. {_bridge(night, row)}"


def _bridge(night: NightlyData, row: Mapping[str, Any]) -> str:
    ends = {_series(row, "from"), _series(row, "to")}
    for found in night.judge_bridges.filter(metric=row["metric"], feature=row["feature"]).iter_rows(
        named=True
    ):
        if {_series(found, "from"), _series(found, "to")} != ends:
            continue
        sign = 1 if _series(found, "to") == _series(row, "to") else -1
        low, high = sorted(sign * (found[end] or 0.0) for end in ("low", "high"))
        interval = f" (95 % interval {low:+.2f} to {high:+.2f})" if found["low"] is not None else ""
        return (
            f"On the {count(found['n'])} items that both scored the newer one says "
            f"{sign * found['estimate']:+.2f}{interval}: read the trend across the change with that"
        )
    how = (
        "`llmops rescore --repetition 1` has the past judged once more, by the one that answers now"
        if row["kind"] == "snapshot"
        else "`llmops rescore` has the past judged by the newer one"
    )
    return (
        "No item was scored by both, so the figures before and after cannot be compared; "
        f"nothing is judged again by itself, {how}"
    )


def _series(row: Mapping[str, Any], end: str) -> tuple[str, str]:
    return row[f"{end}_spec"], row[f"{end}_snapshot"]


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
