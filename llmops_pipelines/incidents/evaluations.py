"""Every rule applied to every scope of a day, on the interval's bound and not on the point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil, floor, sqrt
from typing import NamedTuple

import polars as pl

from llmops_pipelines.incidents.measurements import MEASUREMENTS
from llmops_pipelines.incidents.rules import EACH, Rule, Rules
from llmops_pipelines.incidents.wording import Finding, Status, summary
from llmops_pipelines.statistics import Interval, pool_means, pool_rates, relative_drop
from llmops_pipelines.statistics.interval import NOTHING, normal_critical
from llmops_pipelines.tables import RULE_EVALUATIONS

CRITICAL_VALUE = normal_critical(0.95)
"""Of the 95 % intervals that every figure here comes with."""


class Measured(NamedTuple):
    """One figure of one day, as far as rules look at it."""

    day: date
    interval: Interval
    missing: int
    judge_spec: str | None


Figures = dict[tuple[str, str], list[Measured]]
"""The figures of each (scope, metric), oldest day first."""


def evaluate(rules: Rules, measurements: pl.DataFrame, day: date) -> pl.DataFrame:
    """Apply every rule to every scope it covers on ``day``.

    A line is crossed when the whole interval is beyond it: a rule with ``direction: above`` fires
    when the lower bound exceeds the line, ``below`` when the upper bound is under it. That way a
    figure that sits exactly on its line fires by chance on one night in forty.

    A scope gets a row where the metric was measured that day or on an earlier day given; for
    ``expected`` metrics on every feature that made calls; and where a rule names it. Figures with
    fewer observations than ``minimum_n``, without the bound that counts, or without enough of a
    baseline are ``no_data``: neither fine nor broken. A feature that never asks for a format has no
    row for the format rule: there is nothing to know.

    A ``relative_drop`` compares with the latest calm days: those on which the rule did not fire by
    itself, under the same judge. So a lasting drop stays visible and does not become its own
    baseline, until ``hold_days`` have passed. Scores under different judges are never compared;
    where several judges measured the same, the one with most observations counts.

    Args:
        rules: ``alert_rules.yaml``.
        measurements: ``MEASUREMENTS`` of ``day`` and, for relative drops, of the
            ``rules.history_days`` days before it; later days are ignored.
        day: The day to judge.

    Returns:
        ``RULE_EVALUATIONS``. ``smallest_effect`` is the mildest figure that would have fired, given
        that day's observations.
    """
    figures = _figures(measurements, day)
    active = {
        scope
        for (scope, metric), days in figures.items()
        if metric == "calls" and days[-1].day == day and days[-1].interval.estimate
    }
    rows = [
        _row(rule, _finding(rule, scope, figures.get((scope, rule.metric), []), day))
        for rule in rules.rules.values()
        for scope in sorted(set(_scopes(rule, figures, active, day)))
    ]
    return RULE_EVALUATIONS.require(
        pl.DataFrame(rows, schema=RULE_EVALUATIONS.schema, orient="row")
    )


def _figures(measurements: pl.DataFrame, day: date) -> Figures:
    figures: Figures = defaultdict(list)
    past = MEASUREMENTS.require(measurements).filter(pl.col("day") <= day)
    for row in past.iter_rows(named=True):
        interval = Interval(row["estimate"], row["low"], row["high"], row["n"])
        figures[row["scope"], row["metric"]].append(
            Measured(row["day"], interval, row["missing"], row["judge_spec"])
        )
    return dict(figures)


def _scopes(rule: Rule, figures: Figures, active: set[str], day: date) -> Iterator[str]:
    yield from (scope for scope in rule.scopes if scope != EACH)
    if EACH not in rule.scopes:
        return
    yield from (
        scope
        for (scope, metric), days in figures.items()
        if metric == rule.metric
        and rule.covers(scope)
        and any(m.interval.n > 0 or m.day == day for m in days)
    )
    if rule.of.expected:
        yield from (scope for scope in active if rule.covers(scope))


def _finding(rule: Rule, scope: str, days: list[Measured], day: date) -> Finding:
    today = _of_one_judge([measured for measured in days if measured.day == day])
    if today is None:
        return Finding(rule, scope, "no_data", NOTHING, NOTHING)
    figure = today.interval
    found = Finding(rule, scope, "no_data", figure, figure, today.missing, today.judge_spec)
    if figure.estimate is None or (figure.n < rule.minimum_n and not rule.of.census):
        return found
    if rule.kind == "relative_drop":
        past = [m for m in days if m.day < day and m.judge_spec == today.judge_spec]
        baseline = _baseline(rule, past, day)
        found = found._replace(baseline=baseline.interval, baseline_days=baseline.days)
        if not _enough(rule, baseline):
            return found._replace(interval=NOTHING._replace(n=figure.n))
        drop = relative_drop(figure, baseline.interval)
        found = found._replace(interval=drop._replace(n=figure.n))
    return found._replace(
        status=_status(rule, found.interval), smallest_effect=_smallest(rule, found.interval)
    )


def _of_one_judge(today: list[Measured]) -> Measured | None:
    return min(today, key=lambda m: (-m.interval.n, m.judge_spec or ""), default=None)


def _status(rule: Rule, interval: Interval) -> Status:
    bound = interval.low if rule.bad_side == "above" else interval.high
    if bound is None:
        return "no_data"
    if rule.beyond(bound, rule.critical):
        return "critical"
    return "warning" if rule.beyond(bound, rule.warning) else "ok"


class Baseline(NamedTuple):
    """Calm days made one figure."""

    interval: Interval
    days: int


def _baseline(rule: Rule, past: list[Measured], day: date) -> Baseline:
    """What ``day`` is held against: the latest days on which the rule did not fire by itself."""
    calm: list[Measured] = []
    for measured in past:
        if measured.interval.estimate is None or measured.interval.n < rule.minimum_n:
            continue
        if not _fired(rule, measured.interval, _pooled(rule, calm, measured.day)):
            calm.append(measured)
    return _pooled(rule, calm, day)


def _pooled(rule: Rule, calm: list[Measured], day: date) -> Baseline:
    oldest = day - timedelta(days=rule.history_days)
    days = [measured.interval for measured in calm if measured.day >= oldest][-rule.baseline_days :]
    return Baseline(pool_rates(days) if rule.of.rate else pool_means(days), len(days))


def _fired(rule: Rule, interval: Interval, baseline: Baseline) -> bool:
    if not _enough(rule, baseline):
        return False
    return _status(rule, relative_drop(interval, baseline.interval)) in {"warning", "critical"}


def _enough(rule: Rule, baseline: Baseline) -> bool:
    days = min(rule.minimum_baseline_days, rule.baseline_days)
    return baseline.days >= days and baseline.interval.n >= rule.minimum_baseline_n


def _smallest(rule: Rule, interval: Interval) -> float | None:
    """The mildest figure that would have crossed the warning line with that day's precision.

    For rates the score test solved for the rate, rounded to a whole count; for other figures the
    line plus the distance between estimate and bound; for what is known, the line itself.
    """
    sign = 1 if rule.bad_side == "above" else -1
    line = rule.warning
    if rule.of.census:
        return line
    if rule.of.rate and rule.kind == "threshold":
        edge = interval.n * line + sign * CRITICAL_VALUE * sqrt(interval.n * line * (1 - line))
        count = floor(edge) + 1 if sign > 0 else ceil(edge) - 1
        return count / interval.n if 0 <= count <= interval.n else None
    bound = interval.low if sign > 0 else interval.high
    if bound is None or interval.estimate is None:
        return None
    return line + sign * abs(interval.estimate - bound)


def _row(rule: Rule, found: Finding) -> dict[str, object]:
    return {
        "rule": rule.name,
        "scope": found.scope,
        "metric": rule.metric,
        "status": found.status,
        **found.interval._asdict(),
        "warning": rule.warning,
        "critical": rule.critical,
        "smallest_effect": found.smallest_effect,
        "summary": summary(found),
        "judge_spec": found.judge_spec,
        "kind": rule.kind,
    }
