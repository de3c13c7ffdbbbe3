"""Every figure a rule can watch, from three tables, in one long frame."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.incidents.metrics import METRICS
from llmops_pipelines.incidents.rules import EACH, TOTAL
from llmops_pipelines.statistics import wilson
from llmops_pipelines.tables import Column, Table

MEASUREMENTS = Table(
    name="measurements",
    row="One metric of one scope under one judge on one day.",
    key=("day", "scope", "metric", "judge_spec"),
    partitioned=False,
    columns=(
        Column("day", pl.Date, "UTC day."),
        Column("scope", pl.String, "Feature, or `total`."),
        Column("metric", pl.String, "What was measured."),
        Column("estimate", pl.Float64, "The figure.", nullable=True),
        Column("low", pl.Float64, "Lower end of its interval.", nullable=True),
        Column("high", pl.Float64, "Upper end of its interval.", nullable=True),
        Column("n", pl.Int64, "Observations behind it."),
        Column("missing", pl.Int64, "What it applies to but could not be measured on."),
        Column("judge_spec", pl.String, "Judge behind it, where there is one.", nullable=True),
    ),
)

_RATES = [metric.name for metric in METRICS.values() if metric.rate]


def measurements(
    service_health: pl.DataFrame, quality: pl.DataFrame, budget_status: pl.DataFrame
) -> pl.DataFrame:
    """All figures of the days given, one row per day, scope, metric and judge.

    Args:
        service_health: ``SERVICE_HEALTH`` with ``day``; the rows over all models count. Rates of
            all features together come from its feature ``*``, else are added up here.
        quality: ``QUALITY`` with ``day``; the rows over all prompt versions count.
        budget_status: ``BUDGET_STATUS`` with ``day``. Spend is counted, not estimated: both ends of
            its interval are the share itself; without a budget it is null.

    Returns:
        ``MEASUREMENTS``. ``hallucination_rate`` is 1 - groundedness as a judge scored it; the
        embedded scorer measures overlap and never stands in for it.
    """
    health = _of_features(service_health)
    whole = quality.filter(pl.col("prompt_version") == EACH)
    frames = [
        health,
        _of_all(health),
        _judged(whole),
        _judged(hallucination(whole)),
        _budgets(budget_status),
    ]
    figures = pl.concat([frame.select(MEASUREMENTS.schema.names()) for frame in frames])
    return MEASUREMENTS.require(
        figures.with_columns(pl.col("estimate", "low", "high").fill_nan(None))
    )


def hallucination(quality: pl.DataFrame) -> pl.DataFrame:
    """The judged groundedness in ``quality`` as its opposite, other columns as they are."""
    return quality.filter(
        (pl.col("metric") == "groundedness") & ~pl.col("judge").str.starts_with("embedded")
    ).with_columns(
        metric=pl.lit("hallucination_rate"),
        estimate=1 - pl.col("estimate"),
        low=1 - pl.col("high"),
        high=1 - pl.col("low"),
    )


def _of_features(service_health: pl.DataFrame) -> pl.DataFrame:
    return service_health.filter(pl.col("model") == EACH).with_columns(
        scope=pl.when(pl.col("feature") == EACH).then(pl.lit(TOTAL)).otherwise("feature"),
        judge_spec=pl.lit(None, pl.String),
    )


def _of_all(health: pl.DataFrame) -> pl.DataFrame:
    """Rates over all features of a day, where the health table has no row of its own for them."""
    given = health.filter(pl.col("scope") == TOTAL).select("day", "metric")
    counted = pl.col("estimate") * pl.col("n")
    low, high = wilson(pl.col("counted"), pl.col("n"))
    return (
        health.filter(pl.col("metric").is_in(_RATES))
        .join(given, on=["day", "metric"], how="anti")
        .group_by("day", "metric")
        .agg(counted=counted.sum().round(), n=pl.col("n").sum(), missing=pl.col("missing").sum())
        .with_columns(
            scope=pl.lit(TOTAL),
            estimate=pl.when(pl.col("n") > 0).then(pl.col("counted") / pl.col("n")),
            low=low,
            high=high,
            judge_spec=pl.lit(None, pl.String),
        )
    )


def _judged(quality: pl.DataFrame) -> pl.DataFrame:
    return quality.rename({"feature": "scope", "unscored": "missing"})


def _budgets(budget_status: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("share").is_not_null()
    return budget_status.with_columns(
        metric=pl.lit("budget_share"),
        estimate=pl.col("share"),
        low=pl.col("share"),
        high=pl.col("share"),
        n=known.cast(pl.Int64),
        missing=pl.col("unpriced_calls"),
        judge_spec=pl.lit(None, pl.String),
    )
