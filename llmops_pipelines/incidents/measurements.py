"""Every figure a rule can watch, from four tables, in one long frame."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.incidents.metrics import METRICS
from llmops_pipelines.incidents.rules import EACH, TOTAL
from llmops_pipelines.incidents.series import one_snapshot_each
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

_CENSUS = [metric.name for metric in METRICS.values() if metric.census]


def measurements(
    service_health: pl.DataFrame,
    quality: pl.DataFrame,
    budget_status: pl.DataFrame,
    cost_anomalies: pl.DataFrame,
) -> pl.DataFrame:
    """All figures of the days given, one row per day, scope, metric and judge.

    Args:
        service_health: ``SERVICE_HEALTH`` with ``day``; its rows over all models count, and its
            feature ``*`` is the scope `total`.
        quality: ``QUALITY`` with ``day``; its rows over all prompt versions count.
        budget_status: ``BUDGET_STATUS`` with ``day``; without a budget the share is null. What a
            month will have cost comes with its 80 % interval.
        cost_anomalies: ``COST_ANOMALIES`` with ``day``.

    Returns:
        ``MEASUREMENTS``. What is counted and not estimated (spend, calls) is both ends of its own
        interval. ``hallucination_rate`` is 1 - groundedness as a judge scored it; the embedded
        scorer measures overlap and never stands in for it.
    """
    whole = one_snapshot_each(quality.filter(pl.col("prompt_version") == EACH))
    frames = [
        _healths(service_health),
        _judged(whole),
        _judged(hallucination(whole)),
        _budgets(budget_status),
        _forecasts(budget_status),
        _deviations(cost_anomalies),
    ]
    figures = pl.concat([frame.select(MEASUREMENTS.schema.names()) for frame in frames])
    known = pl.col("metric").is_in(_CENSUS)
    return MEASUREMENTS.require(
        figures.with_columns(pl.col("estimate", "low", "high").fill_nan(None)).with_columns(
            pl.when(known).then("estimate").otherwise(end).alias(end) for end in ("low", "high")
        )
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


def _healths(service_health: pl.DataFrame) -> pl.DataFrame:
    return service_health.filter(pl.col("model") == EACH).with_columns(
        scope=pl.when(pl.col("feature") == EACH).then(pl.lit(TOTAL)).otherwise(_feature()),
        judge_spec=pl.lit(None, pl.String),
    )


def _judged(quality: pl.DataFrame) -> pl.DataFrame:
    return quality.with_columns(scope=_feature(), missing=pl.col("unscored"))


def _feature() -> pl.Expr:
    """The feature, told apart from the total if it is called that, as in ``BUDGET_STATUS``."""
    name = pl.col("feature")
    return pl.when(name == TOTAL).then(pl.lit(f"{TOTAL} (feature)")).otherwise(name)


def _budgets(budget_status: pl.DataFrame) -> pl.DataFrame:
    period = pl.when(pl.col("period") == "day").then(pl.lit("")).otherwise(pl.col("period") + "_")
    return budget_status.with_columns(
        metric=pl.concat_str(_of_team(), period, pl.lit("budget_share")),
        estimate=pl.col("share"),
        n=pl.col("share").is_not_null().cast(pl.Int64),
        missing=pl.col("unpriced_calls"),
        **_NO_INTERVAL,
    )


def _forecasts(budget_status: pl.DataFrame) -> pl.DataFrame:
    """The month's forecast as a share of its budget."""
    budget = pl.col("budget").cast(pl.Float64)
    return budget_status.filter(
        pl.col("forecast").is_not_null() & pl.col("budget").is_not_null()
    ).with_columns(
        metric=_of_team() + "month_forecast_share",
        estimate=pl.col("forecast") / budget,
        low=pl.col("forecast_low") / budget,
        high=pl.col("forecast_high") / budget,
        n=pl.col("forecast_days"),
        missing=pl.lit(0, pl.Int64),
        judge_spec=pl.lit(None, pl.String),
    )


def _deviations(cost_anomalies: pl.DataFrame) -> pl.DataFrame:
    return cost_anomalies.with_columns(
        metric=_of_team() + "spend_deviation",
        estimate=pl.col("z"),
        n=pl.col("history_days"),
        missing=pl.lit(0, pl.Int64),
        **_NO_INTERVAL,
    )


_NO_INTERVAL = {
    "low": pl.lit(None, pl.Float64),
    "high": pl.lit(None, pl.Float64),
    "judge_spec": pl.lit(None, pl.String),
}


def _of_team() -> pl.Expr:
    """What begins the name of a team's metric, so that `*` never mixes teams with features."""
    return pl.when(pl.col("kind") == "team").then(pl.lit("team_")).otherwise(pl.lit(""))
