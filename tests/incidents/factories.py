"""Small worlds: rules, figures, evaluations, alerts and verdicts, by default unremarkable."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from llmops_pipelines.incidents import MEASUREMENTS, EvaluatedDay, Rule, Rules
from llmops_pipelines.statistics import wilson
from llmops_pipelines.tables import (
    ALERTS,
    BUDGET_STATUS,
    COST_ANOMALIES,
    QUALITY,
    ROLLBACKS,
    RULE_EVALUATIONS,
    SERVICE_HEALTH,
)

DAY = date(2026, 11, 9)
NIGHT = datetime(2026, 11, 10, 2, 5)  # noqa: DTZ001 - naive UTC throughout
TWO_DAYS = timedelta(hours=48)
TONIGHT = EvaluatedDay(DAY, NIGHT, TWO_DAYS)


def rule(name: str = "error_rate", **changes: Any) -> Rule:
    fields = {
        "name": name,
        "metric": "error_rate",
        "direction": "above",
        "warning": 0.02,
        "critical": 0.05,
        "minimum_n": 30,
    }
    return Rule.model_validate(fields | changes)


def rollback_rule(**changes: Any) -> Rule:
    fields = {"metric": "hallucination_rate", "warning": 0.03, "critical": 0.08}
    return rule("hallucination_rate", **fields | {"action": "rollback"} | changes)


def drop_rule(**changes: Any) -> Rule:
    fields = {
        "metric": "support",
        "kind": "relative_drop",
        "direction": "below",
        "warning": 0.05,
        "critical": 0.1,
    }
    return rule("support_drop", **fields | changes)


def rules(*given: Rule) -> Rules:
    return Rules(rules={one.name: one for one in given})


def figure(
    metric: str,
    estimate: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int = 100,
    **changes: Any,
) -> dict[str, Any]:
    return {
        "day": DAY,
        "scope": "search",
        "metric": metric,
        "estimate": estimate,
        "low": low,
        "high": high,
        "n": n,
        "missing": 0,
        "judge_spec": None,
    } | changes


def share(metric: str, x: float, n: int, **changes: Any) -> dict[str, Any]:
    return figure(metric, *wilson(x, n)[:3], n, **changes)


def made_calls(scope: str = "search", count: int = 100, **changes: Any) -> dict[str, Any]:
    return figure("calls", count, count, count, count, scope=scope, **changes)


def measured(*rows: dict[str, Any]) -> pl.DataFrame:
    return MEASUREMENTS.require(pl.DataFrame(rows, schema=MEASUREMENTS.schema, orient="row"))


def evaluated(status: str, estimate: float | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "rule": "error_rate",
        "scope": "search",
        "metric": "error_rate",
        "status": status,
        "estimate": estimate,
        "low": None,
        "high": None,
        "n": 100,
        "warning": 0.02,
        "critical": 0.05,
        "smallest_effect": None,
        "summary": "error_rate: search is so and so",
        "judge_spec": None,
    } | changes


def evaluations(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RULE_EVALUATIONS.schema, orient="row")


def alert(from_state: str, to_state: str, day: date = DAY, **changes: Any) -> dict[str, Any]:
    return {
        "rule": "error_rate",
        "scope": "search",
        "day": day,
        "from_state": from_state,
        "to_state": to_state,
        "summary": "error_rate: search is so and so",
        "backfilled": False,
        "alert_key": f"error_rate:search:{day}:{from_state}:{to_state}",
        "to_roll_back": False,
    } | changes


def alerts(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**ALERTS.schema, "day": pl.Date}, orient="row")


def judged(version: str, bad: float, n: int, day: date = DAY, **changes: Any) -> dict[str, Any]:
    """Groundedness of one prompt version: ``bad`` of ``n`` answers are not grounded."""
    good = wilson(n - bad, n)
    return {
        "day": day,
        "feature": "support_assistant",
        "prompt_version": version,
        "metric": "groundedness",
        "judge_spec": "spec-a",
        "judge": "rubric gpt-4.1",
        "estimate": good.estimate,
        "low": good.low,
        "high": good.high,
        "n": n,
        "unscored": 0,
        "not_applicable": 0,
        "population": 10 * n,
        "method": "rate",
    } | changes


def quality(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**QUALITY.schema, "day": pl.Date}, orient="row")


def health(metric: str, estimate: float | None, n: int = 100, **changes: Any) -> dict[str, Any]:
    return {
        "day": DAY,
        "feature": "search",
        "model": "*",
        "metric": metric,
        "estimate": estimate,
        "low": None,
        "high": None,
        "n": n,
        "missing": 0,
    } | changes


def service_health(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**SERVICE_HEALTH.schema, "day": pl.Date}, orient="row")


def budget_status(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {"day": DAY, "kind": "feature", "period": "day", "period_days": 1, "unpriced_calls": 0}
    return pl.DataFrame(
        [blank | {"status": "within"} | row for row in rows],
        schema={**BUDGET_STATUS.schema, "day": pl.Date},
        orient="row",
    )


def cost_anomalies(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {"day": DAY, "kind": "feature", "history_days": 41, "status": "usual"}
    return pl.DataFrame(
        [blank | row for row in rows],
        schema={**COST_ANOMALIES.schema, "day": pl.Date},
        orient="row",
    )


def decided(outcome: str, day: date, **changes: Any) -> dict[str, Any]:
    return {
        "day": day,
        "rule": "hallucination_rate",
        "scope": "support_assistant",
        "prompt": "support_answer",
        "from_version": "4",
        "to_version": "3",
        "outcome": outcome,
        "reason": "worse",
        "difference": None,
        "low": None,
        "high": None,
    } | changes


def rollbacks(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**ROLLBACKS.schema, "day": pl.Date}, orient="row")
