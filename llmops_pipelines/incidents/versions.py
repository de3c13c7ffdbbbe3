"""Two versions of a prompt held against each other, from the verdicts of one judge on both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from llmops_pipelines.incidents.measurements import hallucination
from llmops_pipelines.incidents.rules import EACH, Rule
from llmops_pipelines.incidents.series import one_snapshot_each
from llmops_pipelines.incidents.wording import percent
from llmops_pipelines.statistics import Interval, difference_of_intervals, pool_rates

WINDOW_DAYS = 7
"""Days, the evaluated one included, whose verdicts speak for a version."""


class Comparison(NamedTuple):
    """What the figures of two versions say."""

    reason: str
    difference: Interval


class RefusedError(Exception):
    """No rollback, and why; with the difference where it could be told."""

    def __init__(self, reason: str, difference: Interval | None = None):
        super().__init__(reason)
        self.reason = reason
        self.difference = difference


def compare_versions(
    rule: Rule, quality_history: pl.DataFrame, feature: str, versions: tuple[str, str], day: date
) -> Comparison:
    """How much more the active version hallucinates than the one before, if that is certain.

    Args:
        rule: Its critical line and ``minimum_n`` hold for both versions' pooled rates.
        quality_history: ``QUALITY`` with ``day``, of ``day`` and the six days before.
        feature: The feature both versions serve.
        versions: The active version and the one before.
        day: The last day of the window.

    Raises:
        RefusedError: The figures do not say that the active version is critical and worse.
    """
    active, before = versions
    first = day - timedelta(days=WINDOW_DAYS - 1)
    window = quality_history.filter(
        (pl.col("feature") == feature)
        & (pl.col("prompt_version") != EACH)
        & pl.col("day").is_between(first, day)
    )
    _in_the_logs(active, window.filter(pl.col("day") == day), day)
    judged = one_snapshot_each(hallucination(window))
    spec = _judge_of_both(judged, active, before)
    current, former = (_pooled(judged, version, spec) for version in (active, before))
    for version, rate in ((active, current), (before, former)):
        if rate.n < rule.minimum_n or rate.low is None or rate.high is None:
            raise RefusedError(
                f"not enough data: version {version} has {rate.n:,} judged answers in "
                f"{WINDOW_DAYS} days, fewer than the {rule.minimum_n:,} the rule asks for"
            )
    difference = difference_of_intervals(current, former)
    evidence = (
        f"version {active} hallucinates {_rate(current)}, version {before} {_rate(former)}: "
        f"a difference of {_points(difference)} points"
    )
    if rule.critical is None or current.low is None or current.low <= rule.critical:
        raise RefusedError(
            f"not above the critical line of {percent(rule.critical or 0)} % for certain over "
            f"{WINDOW_DAYS} days: {evidence}",
            difference,
        )
    if difference.low is None or difference.low <= 0:
        raise RefusedError(f"not worse than before for certain: {evidence}", difference)
    return Comparison(evidence, difference)


def _in_the_logs(active: str, today: pl.DataFrame, day: date) -> None:
    """Refuse where most of the day's answers came from another version than the registry says."""
    traces: Counter[str] = Counter()
    for version, population in today.select("prompt_version", "population").iter_rows():
        traces[version] = max(traces[version], population)
    if not traces:
        raise RefusedError(f"no answer of {day} tells which prompt version it came from")
    most = min(traces, key=lambda version: (-traces[version], version))
    if most != active:
        raise RefusedError(
            f"the registry says version {active}, but the logs of {day} are of version {most}: "
            "the application does not follow the registry"
        )


def _judge_of_both(judged: pl.DataFrame, active: str, before: str) -> str:
    """The judge that scored both versions, the one with most verdicts on the active version."""
    scored = judged.filter(pl.col("n") > 0)

    def judges(version: str) -> dict[str, int]:
        of_version = scored.filter(pl.col("prompt_version") == version)
        counts = of_version.group_by("judge_spec").agg(pl.col("n").sum())
        return dict(counts.iter_rows())

    current, former = judges(active), judges(before)
    for version, found in ((active, current), (before, former)):
        if not found:
            raise RefusedError(
                f"not enough data: no judge scored version {version} in {WINDOW_DAYS} days"
            )
    both = current.keys() & former.keys()
    if not both:
        raise RefusedError(
            f"the judge changed: {_names(current)} scored version {active}, {_names(former)} "
            f"version {before}; rescore one of them"
        )
    return min(both, key=lambda spec: (-current[spec], spec))


def _pooled(judged: pl.DataFrame, version: str, spec: str) -> Interval:
    rows = judged.filter(
        (pl.col("prompt_version") == version) & (pl.col("judge_spec") == spec)
    ).sort("day")
    return pool_rates(
        [Interval(*figures) for figures in rows.select("estimate", "low", "high", "n").iter_rows()]
    )


def _names(specs: Iterable[str]) -> str:
    return ", ".join(sorted(specs))


def _rate(rate: Interval) -> str:
    ends = ", ".join(percent(end or 0) for end in (rate.low, rate.high))
    return f"{percent(rate.estimate or 0)} % [{ends}] of {rate.n:,} answers"


def _points(difference: Interval) -> str:
    estimate, low, high = (percent(x or 0) for x in difference[:3])
    return f"{estimate} [{low}, {high}]"
