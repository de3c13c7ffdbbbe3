"""What the day's calls cost: by feature against budgets, by model, and what has no price."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.amounts import amounts, exact_sum, sums_by, told, whole_of
from llmops_pipelines.reporting.night import NightlyData, on
from llmops_pipelines.reporting.owners import OwnerSpend, owners_of
from llmops_pipelines.reporting.wording import (
    NOT_KNOWN,
    count,
    percent,
    spoken_list,
    usd,
    visible,
)

_ENOUGH_DAYS = 3


@dataclass(frozen=True)
class FeatureSpend:
    """One feature's day."""

    feature: str
    team: str
    calls: str
    failed: str
    cost: str
    beside: str
    """The same in dollars, where ``cost`` is in another currency; so everywhere here."""
    bar: float
    """Its cost relative to the dearest feature, 0 to 100."""
    change: str
    """Against the median of the week before."""
    budget: str
    has_budget: bool
    used: str
    used_bar: float
    over: bool
    unpriced: str


@dataclass(frozen=True)
class ModelSpend:
    """One model's day."""

    model: str
    calls: str
    input_tokens: str
    output_tokens: str
    cost: str
    beside: str
    unpriced: str


@dataclass(frozen=True)
class PeriodSpend:
    """One budget that is not a feature's of the day."""

    scope: str
    period: str
    spent: str
    budget: str
    used: str
    used_bar: float
    over: bool
    forecast: str
    """What the month will have cost, with its 80 % interval."""
    unpriced: str


@dataclass(frozen=True)
class Spend:
    """The day's money."""

    calls: int
    failed: int
    total: Decimal | None
    total_text: str
    total_beside: str
    whose_day: str
    """The day and its place; empty where finance.yaml says nothing of them."""
    missing_hours: str
    """What of the day is not there; empty where it is whole."""
    unpriced_calls: int
    retry_cost: str
    features: tuple[FeatureSpend, ...]
    models: tuple[ModelSpend, ...]
    owners: tuple[OwnerSpend, ...]
    """Nobody where finance.yaml says nothing of days, currency and owners."""
    gaps: tuple[str, ...]
    """Hours that are not there, in sentences."""
    basis: tuple[str, ...]
    """Whose day, at which rate, who is charged."""
    total_budget: str
    total_used: str
    total_over: bool
    total_change: str
    periods: tuple[PeriodSpend, ...]
    """Budgets of months and rolling days, and those of teams."""
    budget_days: str
    """Whose days and months budgets and forecast are of."""
    missing_budgets: str
    """Scopes without a budget, and what to do about it; empty when all have one."""
    unpriced_models: tuple[str, ...]


def spend_of(night: NightlyData) -> Spend:
    """Sum up the day's costs; unknown costs are counted beside the sums, never inside them."""
    today = on(night.feature_costs, night.spend_day)
    money = night.money
    whole = whole_of(today)
    total_text, total_beside = told(night, whole)
    standing = on(night.budget_status, night.day)
    budgets = {
        row["scope"]: row
        for row in standing.filter(pl.col("period") == "day", pl.col("kind") != "team").iter_rows(
            named=True
        )
    }
    by_feature = sums_by(today, "feature").join(
        today.group_by("feature").agg(pl.col("team").unique().sort()), on="feature"
    )
    dearest = max(
        (row["cost"] or Decimal(0) for row in by_feature.iter_rows(named=True)), default=Decimal(0)
    )
    ordered = by_feature.sort(["cost", "feature"], descending=[True, False], nulls_last=True)
    total = budgets.get("total", {})
    return Spend(
        calls=int(today["calls"].sum()),
        failed=int(today["errors"].sum()),
        total=whole["cost"],
        total_text=total_text,
        total_beside=total_beside,
        whose_day=money.name if money else "",
        missing_hours=money.missing(money.day) if money else "",
        unpriced_calls=int(today["unpriced_calls"].sum()),
        retry_cost=usd(money.retry_cost if money else exact_sum(today["retry_cost"])),
        features=tuple(
            _feature(night, row, dearest, budgets.get(row["feature"], {}))
            for row in ordered.iter_rows(named=True)
        ),
        models=tuple(
            ModelSpend(
                model=visible(row["model"], 80),
                calls=count(row["calls"]),
                input_tokens=count(row["input_tokens"]),
                output_tokens=count(row["output_tokens"]),
                unpriced=count(row["unpriced_calls"]) if row["unpriced_calls"] else "",
                **amounts(night, row),
            )
            for row in sums_by(today, "model")
            .sort(["cost", "model"], descending=[True, False], nulls_last=True)
            .iter_rows(named=True)
        ),
        owners=owners_of(night, today) if money else (),
        gaps=tuple(money.gaps()) if money else (),
        basis=_basis(night),
        total_budget=_allowed(total),
        total_used=percent(total.get("share")),
        total_over=total.get("status") == "over",
        total_change=_change(night, None),
        periods=tuple(_period(row) for row in _of_periods(standing).iter_rows(named=True)),
        budget_days=_told_days(night),
        missing_budgets=_missing_budgets(list(ordered["feature"]), standing),
        unpriced_models=tuple(
            f"{visible(row['model'], 80)} ({visible(row['provider'], 40)}): "
            f"{count(row['calls'])} calls, {visible(row['reason'], 80).replace('_', ' ')}"
            for row in on(night.unpriced_models, night.day)
            .sort(["calls", "model"], descending=[True, False], nulls_last=True)
            .iter_rows(named=True)
        ),
    )


def _basis(night: NightlyData) -> tuple[str, ...]:
    if night.money is None:
        return ()
    sentences = (
        night.money.whose(),
        night.money.rates(),
        "Teams are those that are charged: owners by data/reference/finance.yaml, else those "
        "recorded.",
        f"Service, quality, what judging cost, rejected lines and replays are of the UTC day "
        f"{night.day}, in US dollars.",
    )
    return tuple(sentence for sentence in sentences if sentence)


def _feature(
    night: NightlyData, row: Mapping[str, Any], dearest: Decimal, budget: Mapping[str, Any]
) -> FeatureSpend:
    share = budget.get("share")
    return FeatureSpend(
        feature=visible(row["feature"], 80),
        team=visible(", ".join(row["team"]), 80),
        calls=count(row["calls"]),
        failed=count(row["errors"]),
        bar=float(100 * row["cost"] / dearest) if row["cost"] and dearest else 0.0,
        change=_change(night, row["feature"]),
        budget=_allowed(budget),
        has_budget=share is not None,
        used=percent(share),
        used_bar=min(100.0, 100 * share) if share is not None else 0.0,
        over=budget.get("status") == "over",
        unpriced=count(row["unpriced_calls"]) if row["unpriced_calls"] else "",
        **amounts(night, row),
    )


def _change(night: NightlyData, feature: str | None) -> str:
    """The day's cost against the median of the seven days before, where three of them are known.

    A day on which calls have no price is none of them: what they cost is not nothing.
    """
    by_day = dict(night.known_spend(feature))
    day = night.spend_day
    week = [by_day.get(day - timedelta(days=back)) for back in range(1, 8)]
    known = [cost for cost in week if cost is not None]
    today = by_day.get(day)
    if today is None or len(known) < _ENOUGH_DAYS or not (usual := statistics.median(known)):
        return NOT_KNOWN
    change = float(today / usual) - 1
    if abs(change) < 0.005:
        return "±0 %"
    if change >= 1:
        return f"{1 + change:.1f} times"
    return f"{100 * change:+.0f} %".replace("-", "\N{MINUS SIGN}")


_HAS_BUDGET = pl.any_horizontal(pl.col("budget", "budget_report").is_not_null())


def _allowed(row: Mapping[str, Any]) -> str:
    return _in_currency(row, "budget")


def _in_currency(row: Mapping[str, Any], name: str) -> str:
    """An amount of ``BUDGET_STATUS`` in dollars, and first in the currency of its budget."""
    dollars = usd(row.get(name))
    if row.get("currency") is None:
        return dollars
    amount = row[f"{name}_report"]
    told = NOT_KNOWN if amount is None else f"{amount:,.2f}"
    return f"{told} {row['currency']} ({dollars})"


def _told_days(night: NightlyData) -> str:
    """Whose days and months those of budgets and forecast are, where not UTC's."""
    zones = on(night.budget_status, night.day)["report_timezone"].unique().to_list()
    if zones in ([], ["UTC"]):
        return "Days and months of budgets and forecast are UTC."
    days = (
        f"Days and months of budgets and forecast are those of {visible(zones[0], 80)}, up to "
        f"{night.business_day}"
    )
    return f"{days}." if night.money else f"{days}; all else on this page is of the UTC day."


def _of_periods(standing: pl.DataFrame) -> pl.DataFrame:
    """Budgets that have no place in the table of the day's features; the total first."""
    daily = (pl.col("period") == "day") & (pl.col("kind") != "team")
    return standing.filter(~daily & _HAS_BUDGET).sort(
        pl.col("kind") != "total", "kind", "scope", "period"
    )


def _period(row: Mapping[str, Any]) -> PeriodSpend:
    share = row["share"]
    name = f"team {row['scope']}" if row["kind"] == "team" else row["scope"]
    forecast = NOT_KNOWN
    if row["forecast"] is not None:
        median, low, high = (
            usd(Decimal(row[end]).quantize(Decimal("0.01")))
            for end in ("forecast", "forecast_low", "forecast_high")
        )
        forecast = f"{median} ({low} to {high})"
    rolling = f"last {row['period_days']} days"
    return PeriodSpend(
        scope=visible(name, 80),
        period=rolling if row["period"] == "rolling" else row["period"],
        spent=_in_currency(row, "spent"),
        budget=_allowed(row),
        used=percent(share),
        used_bar=min(100.0, 100 * share) if share is not None else 0.0,
        over=row["status"] in ("over", "forecast_over"),
        forecast=forecast,
        unpriced=count(row["unpriced_calls"]) if row["unpriced_calls"] else "",
    )


def _missing_budgets(features: list[str], standing: pl.DataFrame) -> str:
    budgeted = set(standing.filter(pl.col("kind") != "team", _HAS_BUDGET)["scope"])
    without = [name for name in ["total", *sorted(features)] if name not in budgeted]
    if not without:
        return ""
    names = spoken_list([visible(name, 80) for name in without])
    return f"No budget set for {names}: add it in data/reference/budgets.yaml."
