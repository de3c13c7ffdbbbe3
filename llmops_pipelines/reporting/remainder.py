"""The lower half of the page: rejected lines, the savings replay, the golden dataset, origins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData, on
from llmops_pipelines.reporting.wording import count, percent, usd, visible

_MOST_FILES = 20
_MOST_REASONS = 4
_MOST_LINES = 5


@dataclass(frozen=True)
class Reason:
    """One reason for which lines of a file were rejected."""

    text: str
    lines: str
    count: str


@dataclass(frozen=True)
class RejectedFile:
    """One log file with lines that could not be read."""

    file: str
    count: str
    reasons: tuple[Reason, ...]
    more_reasons: int


@dataclass(frozen=True)
class Rejections:
    """All lines of the day that could not become rows."""

    total: int
    files: tuple[RejectedFile, ...]
    more_files: int


@dataclass(frozen=True)
class Saving:
    """One feature's calls, paid and replayed at other prices."""

    feature: str
    calls: str
    left_out: str
    paid: str
    cheapest: str
    cheapest_model: str
    cheapest_change: str
    dearest: str
    dearest_model: str
    is_total: bool


@dataclass(frozen=True)
class GoldenFeature:
    """How many cases of a feature the golden dataset holds, and why."""

    feature: str
    cases: str
    why: str


@dataclass(frozen=True)
class Golden:
    """The golden dataset as it stands."""

    version: str
    cases: int
    added: int
    features: tuple[GoldenFeature, ...]


@dataclass(frozen=True)
class Judge:
    """One judge behind the day's figures."""

    spec: str
    metric: str
    kind: str
    model: str


@dataclass(frozen=True)
class Evaluation:
    """What one judge was asked about the day's calls."""

    metric: str
    model: str
    verdicts: str
    calls: str
    faults: str
    paid_twice: str
    cost: str


def evaluation_of(night: NightlyData) -> tuple[Evaluation, ...]:
    """What judging cost by judge, which is no part of production spend."""
    today = on(night.evaluation_costs, night.day).sort("metric", "spec_id")
    return tuple(
        Evaluation(
            metric=visible(row["metric"], 80).replace("_", " "),
            model=visible(row["model"], 80),
            verdicts=count(row["verdicts"]),
            calls=count(row["calls"]),
            faults=count(row["faults"]),
            paid_twice=count(row["paid_twice"]),
            cost=usd(row["cost"]),
        )
        for row in today.iter_rows(named=True)
    )


def rejections_of(night: NightlyData) -> Rejections:
    """Count the rejected lines by file and reason, the worst files first."""
    today = on(night.rejected_lines, night.day)
    files = (
        today.group_by("source_file")
        .agg(rejected=pl.col("lines").sum())
        .sort(["rejected", "source_file"], descending=[True, False])
    )
    return Rejections(
        total=int(today["lines"].sum()),
        files=tuple(
            _rejected_file(name, rejected, today.filter(pl.col("source_file") == name))
            for name, rejected in files.head(_MOST_FILES).iter_rows()
        ),
        more_files=max(0, files.height - _MOST_FILES),
    )


def _rejected_file(name: str, rejected: int, lines: pl.DataFrame) -> RejectedFile:
    reasons = (
        lines.group_by("reason")
        .agg(count=pl.col("lines").sum(), source_line=pl.col("source_line").sort())
        .sort(["count", "reason"], descending=[True, False])
    )
    return RejectedFile(
        file=visible(name, 160),
        count=count(rejected),
        reasons=tuple(
            Reason(visible(row["reason"], 300), _lines(row["source_line"]), count(row["count"]))
            for row in reasons.head(_MOST_REASONS).iter_rows(named=True)
        ),
        more_reasons=max(0, reasons.height - _MOST_REASONS),
    )


def _lines(numbers: list[int]) -> str:
    if numbers == [0]:
        return "the whole file"
    named = ", ".join(count(number) for number in numbers[:_MOST_LINES])
    more = f" and {count(len(numbers) - _MOST_LINES)} more" if len(numbers) > _MOST_LINES else ""
    return f"line {named}" if len(numbers) == 1 else f"lines {named}{more}"


def savings_of(night: NightlyData) -> tuple[tuple[Saving, ...], str]:
    """The replay by feature, all features together last, and what it assumes."""
    today = on(night.routing_savings, night.day).sort(pl.col("feature") == "*", "feature")
    caveats = sorted({visible(text, 2_000) for text in today["caveat"]})
    return tuple(_saving(row) for row in today.iter_rows(named=True)), " ".join(caveats)


def _saving(row: Mapping[str, Any]) -> Saving:
    paid, cheapest = row["paid"], row["all_cheapest"]
    change = ""
    if paid and cheapest is not None:
        share = float(1 - cheapest / paid)
        change = f"{percent(abs(share))} {'less' if share >= 0 else 'more'}"
    return Saving(
        feature="All features" if row["feature"] == "*" else visible(row["feature"], 80),
        calls=count(row["calls"]),
        left_out=count(row["left_out"]),
        paid=usd(paid),
        cheapest=usd(cheapest),
        cheapest_model=visible(row["cheapest_model"], 60),
        cheapest_change=change,
        dearest=usd(row["all_dearest"]),
        dearest_model=visible(row["dearest_model"], 60),
        is_total=row["feature"] == "*",
    )


def golden_of(night: NightlyData) -> Golden:
    """Count the cases by feature and reason."""
    cases = night.golden_dataset
    by_why = cases.group_by("feature", "why").len().sort("feature", "why")
    return Golden(
        version=visible(night.golden_version, 60) if night.golden_version else "",
        cases=cases.height,
        added=cases.filter(since_version=night.golden_version or "").height,
        features=tuple(
            GoldenFeature(
                feature=visible(feature, 80),
                cases=count(int(rows["len"].sum())),
                why=", ".join(
                    f"{count(number)} {visible(why, 40).replace('_', ' ')}"
                    for why, number in rows.select("why", "len").iter_rows()
                ),
            )
            for (feature,), rows in by_why.group_by("feature", maintain_order=True)
        ),
    )


def judges_of(night: NightlyData) -> tuple[Judge, ...]:
    """The judges whose verdicts the day's quality rests on."""
    used = set(on(night.quality, night.day)["judge_spec"])
    return tuple(
        Judge(*(visible(row[name], 80) for name in ("spec_id", "metric", "kind", "model")))
        for row in night.judge_specs.sort("metric", "spec_id").iter_rows(named=True)
        if row["spec_id"] in used
    )
