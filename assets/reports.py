"""What people and tools look at: the nightly page, Prometheus metrics, the warehouse."""

from datetime import date
from typing import Annotated

import dagster as dg
import polars as pl

from llmops_pipelines.adapters.prometheus import metric_families
from llmops_pipelines.orchestration.graph.daily import LastDays, daily
from llmops_pipelines.orchestration.graph.resources import LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.reporting.reports import (
    REPORT_DAYS,
    told_page,
    write_metrics,
    write_report,
)
from llmops_pipelines.orchestration.upkeep.warehouse import rebuild_warehouse
from llmops_pipelines.tables import NIGHTLY_REPORTS, PROMETHEUS_METRICS

OWNER = "team:llm-platform"


@daily(
    NIGHTLY_REPORTS,
    group="reports",
    owner=OWNER,
    kinds={"html", "matplotlib"},
    told=told_page,
)
def nightly_report(
    feature_costs: Annotated[pl.DataFrame, LastDays(REPORT_DAYS)],
    budget_status: pl.DataFrame,
    cost_forecast: pl.DataFrame,
    cost_drivers: pl.DataFrame,
    service_health: Annotated[pl.DataFrame, LastDays(REPORT_DAYS)],
    quality: Annotated[pl.DataFrame, LastDays(REPORT_DAYS)],
    rule_evaluations: pl.DataFrame,
    alerts: pl.DataFrame,
    rollbacks: pl.DataFrame,
    rejected_lines: pl.DataFrame,
    routing_savings: pl.DataFrame,
    evaluation_costs: pl.DataFrame,
    call_costs: pl.LazyFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    day: date,
) -> pl.DataFrame:
    """The night as one self-contained HTML page."""
    return write_report(
        lake.open(),
        reference,
        day,
        call_costs=call_costs,
        feature_costs=feature_costs,
        budget_status=budget_status,
        cost_forecast=cost_forecast,
        cost_drivers=cost_drivers,
        service_health=service_health,
        quality=quality,
        rule_evaluations=rule_evaluations,
        alerts=alerts,
        rollbacks=rollbacks,
        rejected_lines=rejected_lines,
        routing_savings=routing_savings,
        evaluation_costs=evaluation_costs,
    )


@daily(PROMETHEUS_METRICS, group="reports", owner=OWNER, kinds={"prometheus"})
def prometheus_metrics(
    feature_costs: pl.DataFrame,
    service_health: pl.DataFrame,
    quality: pl.DataFrame,
    rule_evaluations: pl.DataFrame,
    budget_status: pl.DataFrame,
    evaluation_costs: pl.DataFrame,
    lake: LakeResource,
    day: date,
) -> pl.DataFrame:
    """The day's figures in Prometheus text format, for a scraper or a push."""
    return write_metrics(
        lake.open(),
        day,
        metric_families(
            day,
            feature_costs=feature_costs,
            service_health=service_health,
            quality=quality,
            rule_evaluations=rule_evaluations,
            budget_status=budget_status,
            evaluation_costs=evaluation_costs,
        ),
    )


@dg.asset(
    group_name="reports",
    owners=[OWNER],
    kinds={"duckdb"},
    deps=[nightly_report, prometheus_metrics, "judge_coverage", "judge_bridges", "monthly_costs"],
)
def warehouse(lake: LakeResource) -> dg.MaterializeResult[None]:
    """All tables as one DuckDB file, for people and BI tools."""
    return dg.MaterializeResult(metadata=rebuild_warehouse(lake.open()))
