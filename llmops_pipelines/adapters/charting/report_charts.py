"""The charts of the nightly report, drawn from the same tables as its text."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from llmops_pipelines.adapters.charting.charts import (
    daily_spend,
    intervals,
    latency_percentiles,
    metric_over_days,
    svg,
)
from llmops_pipelines.adapters.charting.forecast_charts import burn_down, forecast_fan
from llmops_pipelines.adapters.charting.spend_charts import model_mix
from llmops_pipelines.adapters.charting.trend_chart import judged_trends
from llmops_pipelines.adapters.charting.waterfall import waterfall
from llmops_pipelines.cost import month_end
from llmops_pipelines.finance import USD, drawn_at, drawn_spend
from llmops_pipelines.reporting import NightlyData

_PERCENTILES = ("p50", "p95", "p99")


def report_charts(night: NightlyData) -> dict[str, str]:
    """Draw what ``page`` has places for, as SVG by name; a chart without data says so or is absent.

    Use it as ``page(dataclasses.replace(night, charts=report_charts(night)))``.
    """
    charts = _of_spend(night)
    quality = _dated(night, night.quality).filter(pl.col("prompt_version") == "*")
    today = quality.filter(pl.col("day") == night.day)
    if not today.is_empty():
        charts["quality"] = svg(
            intervals(
                _named(today),
                title="Quality of the day",
                subtitle="dot: estimate; line: 95 % interval; n: traces scored",
            ),
            "Quality of each feature with its interval",
        )
    support = quality.filter(pl.col("metric") == "support")
    if support["day"].n_unique() > 1:
        charts["quality_trend"] = svg(
            metric_over_days(support, title="Support", scale="score", bounds=(None, None)),
            "Support over days by feature",
        )
    judged = quality.filter(~pl.col("judge").str.starts_with("embedded"))
    if judged["day"].n_unique() > 1:
        charts["judged_trend"] = svg(
            judged_trends(judged, night.judge_bridges),
            "Judged metrics over days, with the bridge where a judge follows another",
        )
    health = _dated(night, night.service_health).filter(pl.col("model") == "*")
    latency = _latencies(health.filter(pl.col("day") == night.day))
    if not latency.is_empty():
        charts["latency"] = svg(latency_percentiles(latency), "Latency percentiles by feature")
    errors = health.filter(pl.col("metric") == "error_rate")
    if errors["day"].n_unique() > 1:
        warning, critical = _lines(night, "error_rate")
        charts["errors"] = svg(
            metric_over_days(errors, title="Failed calls", warning=warning, critical=critical),
            "Share of failed calls over days by feature",
        )
    return charts


def _of_spend(night: NightlyData) -> dict[str, str]:
    """Spend and models by day; where it is heading, and why it changed, where that is known."""
    costs, spent_in = _dated(night, night.feature_costs), USD
    zone, currency, rate = "", USD, Decimal(1)
    if night.money:
        zone = f", {night.money.zone}"
        costs, spent_in = drawn_spend(costs, night.money.currency)
        if night.money.rate is not None:
            currency, rate = night.money.currency, night.money.rate
    spend = daily_spend(costs, title=f"Spend per day{zone}", currency=spent_in)
    charts = {"spend": svg(spend, "Spend per day by feature")}
    if costs["model"].n_unique() > 1:
        charts["model_mix"] = svg(model_mix(costs), "Share of spend by model over days")
    total = pl.col("kind") == "total"
    past = drawn_at(night.past_spend.filter(total), rate)
    ahead = drawn_at(night.cost_forecast.filter(total), rate)
    if not ahead.is_empty():
        budgets = night.budget_status.filter(total, pl.col("period") == "month")["budget"]
        fan = forecast_fan(past, ahead, title="Spend to come", currency=currency)
        charts["forecast"] = svg(fan, "Spend of the days to come, with intervals")
        left = burn_down(
            past,
            ahead,
            budget=float(budgets[0] * rate) if budgets.len() and budgets[0] is not None else None,
            month_end=month_end(night.business_day),
            title=f"{'Budget' if budgets.len() else 'Spend'} of {night.business_day:%B %Y}",
            currency=currency,
        )
        charts["budget"] = svg(left, "What is left of the month's budget")
    drivers = night.cost_drivers.filter(pl.col("feature") == "*")
    if not drivers.is_empty():
        fall = waterfall(drawn_at(drivers, rate), title="Why spend changed", currency=currency)
        charts["drivers"] = svg(fall, "Drivers of spend")
    return charts


def _dated(night: NightlyData, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows up to the night; a frame that knows no days speaks of the night alone."""
    if "day" not in frame.columns:
        return frame.with_columns(day=pl.lit(night.day))
    return frame.filter(pl.col("day") <= night.day)


def _named(quality: pl.DataFrame) -> pl.DataFrame:
    several = quality.select("feature", "metric").is_duplicated().any()
    parts = ["metric", "feature", "judge_spec"] if several else ["metric", "feature"]
    return quality.sort(parts).select(
        "estimate",
        "low",
        "high",
        "n",
        label=pl.concat_str([pl.col(name).str.slice(0, 24) for name in parts], separator=" · "),
        missing="unscored",
    )


def _latencies(health: pl.DataFrame) -> pl.DataFrame:
    """One row a feature with its percentiles; a percentile that was not measured is null."""

    def figure(name: str) -> pl.Expr:
        return pl.col("estimate").filter(pl.col("metric") == f"latency_{name}").first()

    return (
        health.filter(pl.col("metric").str.starts_with("latency_p"))
        .sort("feature", "metric")
        .group_by("feature", maintain_order=True)
        .agg(pl.col("n").max(), **{name: figure(name) for name in _PERCENTILES})
        .filter(pl.any_horizontal(pl.col(name).is_not_null() for name in _PERCENTILES))
        .rename({"feature": "label"})
    )


def _lines(night: NightlyData, metric: str) -> tuple[float | None, float | None]:
    """Warning and critical line of a metric, where all its rules agree on them."""
    rules = night.rule_evaluations.filter(pl.col("metric") == metric)
    warning, critical = (
        rules[name].drop_nulls().unique().to_list() for name in ("warning", "critical")
    )
    return (
        warning[0] if len(warning) == 1 else None,
        critical[0] if len(critical) == 1 else None,
    )
