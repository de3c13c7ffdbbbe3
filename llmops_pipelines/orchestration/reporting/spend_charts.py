"""The charts of spend, drawn from the lake: for slides, and for the latest night in Dagster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from llmops_pipelines import cost, finance
from llmops_pipelines.adapters.charting.batch_chart import batch_bars
from llmops_pipelines.adapters.charting.budget_chart import budget_bars
from llmops_pipelines.adapters.charting.charts import daily_spend, png_markdown
from llmops_pipelines.adapters.charting.forecast_charts import burn_down, forecast_fan
from llmops_pipelines.adapters.charting.prefix_chart import prompt_cache_bars
from llmops_pipelines.adapters.charting.spend_charts import model_mix
from llmops_pipelines.adapters.charting.waterfall import waterfall
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.budgets import (
    UTC,
    UTC_DAYS,
    business_spend,
    converted,
)
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.reporting.cache_figures import sweep_of
from llmops_pipelines.orchestration.reporting.compression_figures import tradeoff_of
from llmops_pipelines.orchestration.reporting.figures import frontier_of
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    BUDGET_STATUS,
    COMPRESSION_SAVINGS,
    COST_DRIVERS,
    COST_FORECAST,
    FEATURE_COSTS,
    MONEY,
    PROMPT_CACHE_SAVINGS,
    ROUTING_POLICIES,
    SEMANTIC_CACHE_SAVINGS,
    Table,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BUDGETS = 24
"""Burn-downs drawn of single budgets; more are nobody's reading."""

CHART_DAYS = 42
"""As many days are drawn unless somebody says from when."""

TOTAL = pl.col("kind") == "total"


@dataclass(frozen=True)
class Chart:
    """One chart, the file name it goes by, and the figures it shows."""

    name: str
    description: str
    figure: Figure
    rows: pl.DataFrame


def latest_day(lake: Lake, last: date | None = None) -> date | None:
    """The last day with costs, none after ``last``; None where there is none."""
    return max(
        (day for day in lake.days(FEATURE_COSTS) if last is None or day <= last), default=None
    )


def spend_charts(
    lake: Lake, reference: ReferenceFolder, first: date, last: date
) -> Iterator[Chart]:
    """Spend by day, model mix, forecast and budget of the month, all up to ``last``.

    All are in days of the business, as the tables of forecast and budgets are.
    """
    rules = settings_of(reference)
    costs = _spend_between(lake, rules, first, last)
    title = "Spend per day"
    if rules.report_timezone != UTC:
        title += f", {rules.report_timezone}"
    drawn, spent_in = finance.drawn_spend(costs, rules.report_currency)
    figure = daily_spend(drawn, title=title, currency=spent_in)
    yield Chart("spend_by_day", "Spend per day by feature", figure, costs)
    yield Chart("model_mix", "Share of spend by model over days", model_mix(costs), costs)
    utc_days = lake.read(FEATURE_COSTS, last_days(last, UTC_DAYS))
    spend = business_spend(utc_days, lake, rules, last)
    by_scope = cost.past_spend(*spend)
    past = by_scope.filter(TOTAL).drop("kind", "scope")
    forecast = _of_day(lake, COST_FORECAST, last).filter(TOTAL)
    currency, rate = finance.drawn_rate(spend.day, rules)
    spent, ahead = finance.drawn_at(past, rate), finance.drawn_at(forecast, rate)
    yield Chart(
        "spend_forecast",
        "Spend of the last weeks and of the days to come, with intervals",
        forecast_fan(spent, ahead, title="Spend to come", currency=currency),
        forecast,
    )
    allowed = pl.any_horizontal(pl.col("budget", "budget_report").is_not_null())
    standing = _of_day(lake, BUDGET_STATUS, last).filter(allowed)
    monthly = standing.filter(pl.col("period") == "month", pl.col("budget").is_not_null())
    budget = monthly.filter(TOTAL)["budget"].to_list()
    figure = burn_down(
        spent,
        ahead,
        budget=float(budget[0] * rate) if budget else None,
        month_end=cost.month_end(spend.day),
        title=f"{'Budget' if budget else 'Spend'} of {spend.day:%B %Y}",
        currency=currency,
    )
    yield Chart("budget_burn_down", "What is left of the month's budget", figure, past)
    forecasts = _of_day(lake, COST_FORECAST, last)
    yield from _burn_downs(spend.day, by_scope, rules, forecasts, monthly.filter(~TOTAL))
    if standing.height:
        said = "What is spent of every budget, of the day, the month and the last days"
        yield Chart("budgets", said, budget_bars(standing, spend.day), standing)


def _spend_between(lake: Lake, rules: finance.Finance, first: date, last: date) -> pl.DataFrame:
    """Spend by day of the business from ``first`` on, feature, charged team and model.

    It is up to the last day of the business to have ended with ``last``; ``cost`` is null where no
    call has a price.
    """
    days = [day for day in lake.days(FEATURE_COSTS) if first <= day <= last]
    utc_days = lake.read(FEATURE_COSTS, days)
    rows = business_spend(utc_days, lake, rules, last, (last - first).days + 1).rows
    known = pl.col("cost").count() > 0
    whole = (
        rows.filter(pl.col("day") >= first)
        .group_by("day", "feature", "team", "model")
        .agg(
            pl.col("calls", "errors", "unpriced_calls").sum(),
            cost=pl.when(known).then(pl.col("cost").sum()).cast(MONEY),
        )
        .sort("day", "feature", "team", "model")
    )
    return whole if rules.report_currency == finance.USD else converted(whole, rules)


def _burn_downs(
    day: date,
    spend: pl.DataFrame,
    rules: finance.Finance,
    forecasts: pl.DataFrame,
    monthly: pl.DataFrame,
) -> Iterator[Chart]:
    """A burn-down for each monthly budget of a feature or team, the most used one first."""
    used = monthly.sort("share", "kind", "scope", descending=[True, False, False], nulls_last=True)
    taken: dict[str, int] = {}
    currency, rate = finance.drawn_rate(day, rules)
    for row in used.head(_MOST_BUDGETS).iter_rows(named=True):
        kind, scope = row["kind"], row["scope"]
        past, ahead = (
            rows.filter(kind=kind, scope=scope).drop("kind", "scope") for rows in (spend, forecasts)
        )
        figure = burn_down(
            finance.drawn_at(past, rate),
            finance.drawn_at(ahead, rate),
            budget=float(row["budget"] * rate),
            month_end=cost.month_end(day),
            title=f"Budget of {kind} {scope}, {day:%B %Y}",
            currency=currency,
        )
        name = f"budget_burn_down_{kind}_{_file_name(scope)}"
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:  # two names that differ only in what no file name may have
            name = f"{name}_{taken[name]}"
        yield Chart(name, f"What is left of the month's budget of {kind} {scope}", figure, past)


def _file_name(scope: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", scope)[:60] or "-"


def saving_charts(lake: Lake, reference: ReferenceFolder, last: date) -> Iterator[Chart]:
    """Why spend changed, as of ``last``, and each replay of savings that has something to show."""
    drivers = _of_day(lake, COST_DRIVERS, last).filter(pl.col("feature") == "*")
    (week_end,) = drivers.select(pl.col("business_day").max().fill_null(last)).row(0)
    currency, rate = finance.drawn_rate(week_end, settings_of(reference))
    figure = waterfall(
        finance.drawn_at(drivers, rate),
        title="Why spend changed",
        subtitle=f"seven days up to {week_end.day} {week_end:%b} against the seven before",
        currency=currency,
    )
    yield Chart("cost_drivers", "Why spend changed, by driver", figure, drivers)
    policies = lake.read(ROUTING_POLICIES)
    frontier = frontier_of(policies)
    if frontier is not None:
        name, said = "routing_frontier", "Quality kept for money saved by routing"
        yield Chart(name, said, frontier, _flat(policies))
    rungs = lake.read(SEMANTIC_CACHE_SAVINGS)
    if not rungs.is_empty():
        said = "Hits, money saved and wrong hits of a cache of answers, by threshold"
        yield Chart("cache_sweep", said, sweep_of(rungs), _flat(rungs))
    prompts = lake.read(PROMPT_CACHE_SAVINGS)
    if not prompts.is_empty():
        said = "Prompt tokens that a provider's cache read, could have read, and why not"
        yield Chart("prompt_cache", said, prompt_cache_bars(prompts), _flat(prompts))
    batches = lake.read(BATCH_SAVINGS)
    if not batches.is_empty():
        said = "What calls cost, and what of it batches would save, by feature"
        yield Chart("batch_savings", said, batch_bars(batches), _flat(batches))
    settings = lake.read(COMPRESSION_SAVINGS)
    tradeoff = tradeoff_of(settings)
    if tradeoff is not None:
        said = "Support of answers lost for prompt tokens saved"
        yield Chart("compression_tradeoff", said, tradeoff, _flat(settings))


def figures_of_latest_day(lake: Lake, reference: ReferenceFolder) -> dict[str, Any]:
    """Metadata for Dagster: the charts of spend, as of the latest day with costs."""
    last = latest_day(lake)
    if last is None:
        return {"charts": "none: no day has costs yet"}
    since = last - timedelta(days=CHART_DAYS - 1)
    return {"last_day": last.isoformat()} | {
        chart.name: dg.MetadataValue.md(png_markdown(chart.figure, chart.description))
        for chart in spend_charts(lake, reference, since, last)
    }


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Without what a CSV has no place for: a policy's frontier, the hits one by one."""
    return rows.select(~pl.selectors.nested())


def _of_day(lake: Lake, table: Table, day: date) -> pl.DataFrame:
    return lake.read(table, [day]).drop("day") if lake.stored(table, day) else table.empty()
