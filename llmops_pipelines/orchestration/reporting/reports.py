"""Writes the nightly page and the metrics file into the lake."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version

import dagster as dg
import polars as pl

from llmops_pipelines import cost, golden, incidents, quality, reporting
from llmops_pipelines.adapters import prometheus
from llmops_pipelines.adapters.charting.report_charts import report_charts
from llmops_pipelines.orchestration.graph.reference_assets import digest_of
from llmops_pipelines.orchestration.graph.reference_files import MODELS
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.judging.judges import bridges_of
from llmops_pipelines.orchestration.money.budgets import UTC_DAYS, business_spend
from llmops_pipelines.orchestration.money.business_weeks import told_week
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.reporting.report_money import is_utc_dollars, report_money
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import (
    ALERTS,
    FEATURE_COSTS,
    GOLDEN_DATASET,
    JUDGE_BRIDGES,
    JUDGE_SPECS,
    LANDED_DAYS,
    NIGHTLY_REPORTS,
    SAVINGS_PLAN,
)

REPORT_DAYS = 14
PACKAGES = ("llmops-pipelines", "polars", "genai-prices", "ragas", "sentence-transformers")


def write_report(
    lake: Lake,
    reference: ReferenceFolder,
    day: date,
    *,
    call_costs: pl.LazyFrame,
    **tables: pl.DataFrame,
) -> pl.DataFrame:
    """Render the page of ``day`` and store it under ``reports/``.

    Returns:
        ``NIGHTLY_REPORTS``, one row.
    """
    cases = lake.scan(GOLDEN_DATASET).drop("embedding").collect()
    utc_days, rules = lake.read(FEATURE_COSTS, last_days(day, UTC_DAYS)), settings_of(reference)
    money = None
    if not is_utc_dollars(rules):
        money = report_money(utc_days, lake, rules, day, REPORT_DAYS)
        tables["feature_costs"] = money.rows
    calls = money.calls if money else call_costs.collect()
    breaks = quality.series_breaks(tables["quality"], day)
    night = reporting.NightlyData(
        series_breaks=breaks,
        judge_bridges=(
            bridges_of(lake, last_days(day, REPORT_DAYS))
            if _several_judges(tables["quality"])
            else JUDGE_BRIDGES.empty()
        ),
        day=day,
        money=money.told if money else None,
        unpriced_models=cost.unpriced_models(calls),
        judge_specs=lake.read(JUDGE_SPECS).unique("spec_id").sort("spec_id"),
        open_alerts=_open_alerts(lake, day),
        savings_plan=lake.read(SAVINGS_PLAN),
        past_spend=cost.past_spend(*business_spend(utc_days, lake, rules, day)),
        why_spend_changed="" if tables["cost_drivers"].is_empty() else told_week(lake, day),
        golden_dataset=cases,
        golden_version=golden.version_of(cases),
        price_sources=tuple(calls["price_source"].drop_nulls().unique().sort()),
        provenance=_provenance(lake, reference, day),
        **tables,  # type: ignore[arg-type]  # frames, by the names of NightlyData's fields
    )
    content = reporting.page(replace(night, charts=report_charts(night))).encode()
    path = _path(day)
    lake.store.put(path, content)
    row = {"path": path, "size": len(content), "digest": hashlib.sha256(content).hexdigest()[:32]}
    return NIGHTLY_REPORTS.require(pl.DataFrame([row], schema=NIGHTLY_REPORTS.schema))


def told_page(lake: Lake, day: date, _run_id: str) -> dict[str, dg.MetadataValue]:
    """Where to open the day's page."""
    return {"page": dg.MetadataValue.path(lake.store.uri(_path(day)))}


def _path(day: date) -> str:
    return f"reports/{day}.html"


def write_metrics(lake: Lake, day: date, families: Sequence[prometheus.Family]) -> pl.DataFrame:
    """Store the text format under ``metrics/`` and return it as ``PROMETHEUS_METRICS``."""
    lake.store.put(f"metrics/{day}.prom", prometheus.to_text(families).encode())
    return prometheus.to_table(families)


def _open_alerts(lake: Lake, day: date) -> pl.DataFrame:
    """What is in warning or critical at the end of ``day``, whatever the day itself changed."""
    history = lake.read(ALERTS, last_days(day, incidents.STATE_DAYS))
    states = incidents.last_states(history, day + timedelta(days=1))
    return states.filter(pl.col("state") != "ok").select(reporting.OPEN_ALERTS.names())


def _several_judges(quality_rows: pl.DataFrame) -> bool:
    """Whether any figure came from more than one judge or snapshot: they may be compared."""
    per_figure = quality_rows.group_by("feature", "metric").agg(
        judges=pl.struct("judge_spec", "snapshot").n_unique()
    )
    return bool((per_figure["judges"] > 1).any())


def _provenance(lake: Lake, reference: ReferenceFolder, day: date) -> dict[str, str]:
    stored = lake.stored(LANDED_DAYS, day)
    return {
        "logs of the day": stored.digest if stored else "none",
        **{name: digest_of(reference.folder(), name) for name in MODELS},
        **{package: version(package) for package in PACKAGES},
    }
