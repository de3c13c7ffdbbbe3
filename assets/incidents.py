"""Rules evaluated, alert states changed, prompts rolled back."""

from datetime import date
from typing import Annotated

import dagster as dg
import polars as pl

from llmops_pipelines import incidents
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import LastDays, daily
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    Policy,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.orchestration.runs.rolling_back import roll_back_day
from llmops_pipelines.orchestration.storage.lake import last_days
from llmops_pipelines.tables import ALERTS, ROLLBACKS, RULE_EVALUATIONS

OWNER = "team:llm-platform"
BASELINE_DAYS = 29
"""A calm week to compare with, before three weeks whose alerts are kept out of it, and today."""


@daily(
    RULE_EVALUATIONS,
    group="incidents",
    owner=OWNER,
    kinds={"polars", "parquet"},
    deps=[reference_key("alert_rules")],
    figures=figures.of_rule_evaluations,
)
def rule_evaluations(
    service_health: Annotated[pl.DataFrame, LastDays(BASELINE_DAYS)],
    quality: Annotated[pl.DataFrame, LastDays(BASELINE_DAYS)],
    budget_status: Annotated[pl.DataFrame, LastDays(BASELINE_DAYS)],
    cost_anomalies: pl.DataFrame,
    reference: ReferenceFolder,
    day: date,
) -> pl.DataFrame:
    """Every rule on every feature: ok, warning, critical or no data, on the interval's bound."""
    return incidents.evaluate(
        reference.read("alert_rules.yaml", incidents.Rules),
        incidents.measurements(service_health, quality, budget_status, cost_anomalies),
        day,
    )


@daily_check(rule_evaluations)
def every_named_feature_is_known(
    lake: LakeResource, reference: ReferenceFolder, day: date
) -> dg.AssetCheckResult:
    """A rule, prompt or owner of a feature that nobody named is mistyped; tell names like it."""
    return checks.names_known(lake.open(), reference, day)


@daily(
    ALERTS,
    group="incidents",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_alerts,
)
def alerts(
    rule_evaluations: pl.DataFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
    policy: Policy,
    day: date,
) -> pl.DataFrame:
    """Changes of alert states; a sensor tells people of each one, once."""
    history = lake.open().read(ALERTS, last_days(day, incidents.STATE_DAYS))
    return incidents.transitions(
        rule_evaluations,
        incidents.last_states(history, day),
        incidents.EvaluatedDay(day, clock.now(), policy.act_within),
        rules=reference.read("alert_rules.yaml", incidents.Rules),
        recorded=history.filter(pl.col("day") == day),
    )


@daily(
    ROLLBACKS,
    group="rollback",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=None,
    deps=[reference_key("alert_rules"), reference_key("prompts")],
)
def rollbacks(
    rule_evaluations: pl.DataFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
    policy: Policy,
    day: date,
) -> pl.DataFrame:
    """Decisions about the day's rollbacks; unless in dry run, the active label moves."""
    return roll_back_day(rule_evaluations, lake.open(), reference, clock, policy, day)
