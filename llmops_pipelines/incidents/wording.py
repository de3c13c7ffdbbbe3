"""What a rule found, in one line that a person on call can act on."""

from __future__ import annotations

from typing import Literal, NamedTuple

from llmops_pipelines.incidents.metrics import Metric
from llmops_pipelines.incidents.rules import Rule
from llmops_pipelines.statistics import Interval

LONGEST_SCOPE = 80
"""Characters of a feature's name that are shown."""

Status = Literal["ok", "warning", "critical", "no_data"]


class Finding(NamedTuple):
    """One rule on one scope: the figure held against the lines, and where it came from.

    ``interval`` is what the lines are compared with, a drop for a relative rule; ``measured`` is
    the metric itself.
    """

    rule: Rule
    scope: str
    status: Status
    interval: Interval
    measured: Interval
    missing: int = 0
    judge_spec: str | None = None
    baseline: Interval | None = None
    baseline_days: int = 0
    smallest_effect: float | None = None


def summary(found: Finding) -> str:
    """``rule: scope figure [interval] of n, on which side of which line``."""
    scope = " ".join(found.scope.split())  # it comes from the logs: it must not break the line
    scope = scope if len(scope) <= LONGEST_SCOPE else scope[: LONGEST_SCOPE - 1] + "…"
    if found.status == "no_data":
        return f"{found.rule.name}: {scope} has no data: {_absence(found)}"
    figure = _drop(found) if found.baseline is not None else _figure(found)
    return f"{found.rule.name}: {scope} {figure}, {_side(found)}{_left_out(found)}"


def number(value: float, metric: Metric) -> str:
    """``value`` as people read it, without its unit: fractions as percent."""
    match metric.measure:
        case "fraction":
            return percent(value)
        case "score":
            return f"{value:.3f}"
        case "stars":
            return f"{value:.2f}"
        case "deviations":
            return f"{value:+.1f}"
        case _:
            return f"{value:,.0f}"


def percent(value: float) -> str:
    """A fraction in percent: one decimal, two below 1 %, none where they are zeros."""
    share = 100 * value
    digits = 1 if abs(share) >= 1 else 2
    text = f"{share:,.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def _unit(metric: Metric) -> str:
    units = {"fraction": " %", "ms": " ms", "stars": " stars", "tokens/s": " tokens/s",
             "deviations": " deviations"}  # fmt: skip
    return units.get(metric.measure, "")


def _figure(found: Finding) -> str:
    metric, interval = found.rule.of, found.interval
    what = f"{_number(interval.estimate, metric)}{_unit(metric)}"
    if metric.name.endswith("budget_share"):
        return f"spent {what} of {metric.of}"
    if metric.name.endswith("forecast_share"):
        return f"will spend {what} [{_ends(interval, metric)}] of its budget of the month"
    if metric.census:
        return f"{what} {metric.of}"
    return f"{what} [{_ends(interval, metric)}] of {interval.n:,} {metric.of}"


def _drop(found: Finding) -> str:
    metric, drop = found.rule.of, found.interval
    ends = [drop.low, drop.high]
    word, sign = ("down", 1) if (drop.estimate or 0) >= 0 else ("up", -1)
    shown = ", ".join("?" if end is None else percent(sign * end) for end in ends[::sign])
    before = _number(found.baseline.estimate if found.baseline else None, metric)
    return (
        f"{_number(found.measured.estimate, metric)}{_unit(metric)} {metric.name} against {before} "
        f"on {found.baseline_days} calm days before, {word} {percent(sign * (drop.estimate or 0))} "
        f"% [{shown}], of {drop.n:,} {metric.of}"
    )


def _ends(interval: Interval, metric: Metric) -> str:
    return f"{_number(interval.low, metric)}, {_number(interval.high, metric)}"


def _number(value: float | None, metric: Metric) -> str:
    return "?" if value is None else number(value, metric)


def _line(found: Finding, level: str, line: float) -> str:
    drop = found.baseline is not None
    metric = found.rule.of
    return f"{level} line {percent(line) + ' %' if drop else number(line, metric) + _unit(metric)}"


def _side(found: Finding) -> str:
    rule, estimate = found.rule, found.interval.estimate
    side = rule.bad_side
    if found.status == "critical" and rule.critical is not None:
        return f"{side} the {_line(found, 'critical', rule.critical)}"
    warning = _line(found, "warning", rule.warning)
    if found.status == "warning":
        return f"{side} the {warning}"
    if estimate is not None and rule.beyond(estimate, rule.warning):
        return f"{side} the {warning}, but not for certain"
    return f"not {side} the {warning}"


def _left_out(found: Finding) -> str:
    if found.rule.metric.endswith("budget_share") and found.missing:
        return f" ({found.missing:,} calls without a price are not in it)"
    return ""


def _absence(found: Finding) -> str:
    rule, measured = found.rule, found.measured
    missing = f"; {found.missing:,} could not be measured" if found.missing else ""
    if measured.estimate is None:
        return f"{rule.of.absent}{missing}"
    if measured.n < rule.minimum_n and not rule.of.census:
        return f"{measured.n:,} {rule.of.of} are fewer than the {rule.minimum_n:,} it asks for"
    if found.baseline is not None and found.interval.estimate is None:
        return (
            f"{found.baseline_days} calm days with {found.baseline.n:,} {rule.of.of} before are no "
            f"baseline; it asks for {rule.minimum_baseline_days} days with "
            f"{rule.minimum_baseline_n:,} under the same judge, with a figure above 0"
        )
    return f"{measured.n:,} {rule.of.of} do not bound the figure {_bound_of(rule)}{missing}"


def _bound_of(rule: Rule) -> str:
    return "from below" if rule.bad_side == "above" else "from above"
