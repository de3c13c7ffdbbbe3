"""A day's figures in the Prometheus text exposition format, and as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.tables import PROMETHEUS_METRICS, TOKEN_BUCKETS

_STATES = ("ok", "warning", "critical", "no_data")

_QUANTILES = re.compile(r"(?P<name>.+)_p(?P<percent>\d\d)$")

_HEALTH = {
    "error_rate": ("error_ratio", "Share of calls that failed"),
    "retry_rate": ("retry_ratio", "Share of calls that repeat an earlier attempt"),
    "latency": ("latency_seconds", "Time from request to last token"),
    "ttft": ("ttft_seconds", "Time from request to first token"),
    "output_tokens_per_s": ("output_tokens_per_second", "Output tokens per second of a call"),
    "refusal_rate": ("refusal_ratio", "Share of answers that decline"),
    "format_error_rate": ("format_error_ratio", "Share of answers that break the asked format"),
    "context_utilisation": (
        "context_utilisation_ratio",
        "Share of retrieved passages that answers draw on",
    ),
    "csat": ("csat_stars", "Mean rating by users, 1 to 5"),
    "rejected_line_rate": ("rejected_line_ratio", "Share of log lines that could not be read"),
    "unpriced_call_rate": ("unpriced_call_ratio", "Share of successful calls without a price"),
}
"""Metric of ``SERVICE_HEALTH`` (its percentile left off) to our name, unit included, and help."""

_MILLISECONDS = ("latency", "ttft")


@dataclass
class Family:
    """One metric: a gauge with a help line and its samples by labels."""

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


class _Families:
    """Families as they are filled; a figure that is not known is counted instead of written."""

    def __init__(self) -> None:
        self.by_name: dict[str, Family] = {}
        self.unknown: dict[str, int] = {}

    def add(
        self, name: str, explanation: str, labels: Mapping[str, str | None], value: Any
    ) -> None:
        """Write one sample, or count it among the figures that are not known."""
        full = f"llmops_{name}"
        number = None if value is None else float(value)
        if number is None or not math.isfinite(number):
            self.unknown[full] = self.unknown.get(full, 0) + 1
            return
        family = self.by_name.setdefault(full, Family(full, explanation))
        family.samples[tuple((key, value or "") for key, value in labels.items())] = number

    def add_rate(
        self, name: str, explanation: str, labels: Mapping[str, str | None], row: Mapping[str, Any]
    ) -> None:
        """Write an estimate with its interval and what it rests on."""
        self.add(name, f"{explanation}.", labels, row["estimate"])
        for end, word in (("low", "Lower"), ("high", "Upper")):
            text = f"{word} end of the 95 % interval of llmops_{name}."
            self.add(f"{name}_{end}", text, labels, row[end])
        self.add(f"{name}_n", f"Observations behind llmops_{name}.", labels, row["n"])
        text = f"Observations that llmops_{name} should rest on and that could not be measured."
        self.add(f"{name}_missing", text, labels, row["missing"])


def metric_families(
    day: date,
    *,
    feature_costs: pl.DataFrame,
    service_health: pl.DataFrame,
    quality: pl.DataFrame,
    rule_evaluations: pl.DataFrame,
    budget_status: pl.DataFrame,
    evaluation_costs: pl.DataFrame,
) -> list[Family]:
    """Turn a day's tables into gauges, by name; samples by their labels.

    Names begin with ``llmops_`` and end in their unit (base units: seconds, ratios, US dollars).
    A null is left out, never written as 0 or NaN, and counted in ``llmops_samples_missing``.
    """
    families = _Families()
    midnight = datetime.combine(day, time(), tzinfo=UTC).timestamp()
    families.add("day_timestamp_seconds", "Start of the day the samples speak of.", {}, midnight)
    _add_costs(families, feature_costs)
    _add_budgets(families, budget_status)
    _add_health(families, service_health)
    _add_quality(families, quality)
    _add_alerts(families, rule_evaluations)
    _add_evaluation(families, evaluation_costs)
    counted = dict.fromkeys(families.by_name, 0) | families.unknown
    for name, count in counted.items():
        text = "Samples of a metric that are left out because their figure is not known."
        families.add("samples_missing", text, {"metric": name}, count)
    return [
        Family(family.name, family.help, dict(sorted(family.samples.items())))
        for _, family in sorted(families.by_name.items())
    ]


def to_text(families: Iterable[Family]) -> str:
    """Write families in the text format, version 0.0.4, each under its HELP and TYPE lines."""
    lines: list[str] = []
    for family in families:
        lines += [
            f"# HELP {family.name} {_escaped(family.help)}",
            f"# TYPE {family.name} gauge",
            *(f"{sample} {_number(value)}" for sample, value in _written(family)),
        ]
    return "".join(f"{line}\n" for line in lines)


def to_table(families: Iterable[Family]) -> pl.DataFrame:
    """Return ``PROMETHEUS_METRICS``: every sample as it is written, and its value."""
    rows = [row for family in families for row in _written(family)]
    return PROMETHEUS_METRICS.require(
        pl.DataFrame(rows, schema=PROMETHEUS_METRICS.schema, orient="row")
    )


def _add_costs(families: _Families, costs: pl.DataFrame) -> None:
    for row in costs.iter_rows(named=True):
        labels = {name: row[name] for name in ("feature", "team", "model")}
        families.add(
            "calls", "Calls that began on the day, failed ones included.", labels, row["calls"]
        )
        families.add("errors", "Calls that failed.", labels, row["errors"])
        families.add("cost_usd", "Cost of the priced calls.", labels, row["cost"])
        text = "Successful calls that llmops_cost_usd leaves out for want of a price."
        families.add("cost_usd_missing", text, labels, row["unpriced_calls"])
        text = "Part of llmops_cost_usd spent on repeated attempts."
        families.add("retry_cost_usd", text, labels, row["retry_cost"])
        for bucket in TOKEN_BUCKETS:
            text = "Tokens by disjoint bucket."
            families.add("tokens", text, labels | {"bucket": bucket}, row[bucket])


def _add_budgets(families: _Families, budgets: pl.DataFrame) -> None:
    for row in budgets.iter_rows(named=True):
        labels = {"scope": row["scope"]}
        if row["period"] == "day" and row["kind"] != "team":
            families.add("budget_usd", "Allowed per day.", labels, row["budget"])
            families.add(
                "budget_used_ratio", "Share of the day's budget spent.", labels, row["share"]
            )
            continue
        labels |= {"kind": row["kind"], "period": row["period"]}
        families.add("period_budget_usd", "Allowed in the period.", labels, row["budget"])
        families.add("period_budget_used_ratio", "Share of it spent so far.", labels, row["share"])
        if row["period"] == "month":
            families.add(
                "month_forecast_usd", "What the month will have cost.", labels, row["forecast"]
            )


def _add_health(families: _Families, health: pl.DataFrame) -> None:
    for row in health.iter_rows(named=True):
        metric: str = row["metric"]
        if metric == "calls":
            continue
        labels = {"feature": row["feature"], "model": row["model"]}
        if metric.startswith("error_rate/"):
            labels["error_class"] = metric.removeprefix("error_rate/")
            families.add_rate(
                "error_class_ratio", "Share of calls that failed in this way", labels, row
            )
            continue
        if quantile := _QUANTILES.match(metric):
            metric = quantile["name"]
            labels["quantile"] = _number(int(quantile["percent"]) / 100)
        figures = _in_seconds(row) if metric in _MILLISECONDS else row
        name, explanation = _HEALTH.get(metric, (_legal(metric), f"{metric} of service_health"))
        families.add_rate(name, explanation, labels, figures)


def _add_quality(families: _Families, quality: pl.DataFrame) -> None:
    for row in quality.iter_rows(named=True):
        labels = {
            name: row[name]
            for name in ("feature", "prompt_version", "metric", "judge_spec", "judge", "snapshot")
            if row[name] != ""
        }
        explanation = "Quality of answers as a judge scores it, 0 to 1"
        families.add_rate("quality_ratio", explanation, labels, row | {"missing": row["unscored"]})


def _add_alerts(families: _Families, evaluations: pl.DataFrame) -> None:
    for row in evaluations.iter_rows(named=True):
        for state in _STATES:
            families.add(
                "alert_state",
                "State of a rule: 1 for the state it is in, 0 for the others.",
                {"rule": row["rule"], "scope": row["scope"], "state": state},
                float(row["status"] == state),
            )


def _add_evaluation(families: _Families, costs: pl.DataFrame) -> None:
    """Apart from ``llmops_cost_usd``, which is production's."""
    for row in costs.iter_rows(named=True):
        labels = {name: row[name] for name in ("metric", "model", "spec_id")}
        text = "Cost of judging the day's calls, no part of llmops_cost_usd."
        families.add("evaluation_cost_usd", text, labels, row["cost"])
        text = "Calls that llmops_evaluation_cost_usd leaves out for want of a price or a count."
        families.add("evaluation_cost_usd_missing", text, labels, row["unpriced_calls"])
        families.add("evaluation_calls", "Requests to judges.", labels, row["calls"])
        text = "Requests to judges that brought nothing of use."
        families.add("evaluation_faults", text, labels, row["faults"])
        text = "Requests to judges that asked what had an answer already."
        families.add("evaluation_paid_twice", text, labels, row["paid_twice"])


def _in_seconds(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its milliseconds as seconds; by decimals, so that 812.4 ms are 0.8124 s."""
    figures = {name: row[name] for name in ("estimate", "low", "high")}
    return {
        **row,
        **{
            name: None if value is None else float(Decimal(repr(value)) / 1000)
            for name, value in figures.items()
        },
    }


def _legal(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _written(family: Family) -> Iterator[tuple[str, float]]:
    for labels, value in family.samples.items():
        inside = ",".join(f'{key}="{_escaped(text, quote=True)}"' for key, text in labels)
        yield f"{family.name}{{{inside}}}" if inside else family.name, value


def _escaped(text: str, *, quote: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quote else escaped


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
