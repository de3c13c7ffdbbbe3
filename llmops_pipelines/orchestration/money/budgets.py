"""Budgets and forecasts in days of the business: what was spent, by whom, and at which rate."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import polars as pl

from llmops_pipelines import cost, finance
from llmops_pipelines.orchestration.graph.resources import Clock, ReferenceFolder
from llmops_pipelines.orchestration.money.finance import settings_of, summed_days_of
from llmops_pipelines.orchestration.storage.lake import Lake, last_days

UTC = "UTC"

UTC_DAYS = cost.HISTORY_DAYS + 1
"""UTC days that hold as many days of the business as are looked back on, whatever its zone."""


class Spend(NamedTuple):
    """Spend by day of the business, and the latest of them."""

    rows: pl.DataFrame
    """``day``, and what ``FEATURE_COSTS`` and ``BUSINESS_DAYS`` have in common; ``team`` is the one
    that the books charge."""
    day: date


def business_spend(
    feature_costs: pl.DataFrame,
    lake: Lake,
    rules: finance.Finance,
    utc_day: date,
    days: int = cost.HISTORY_DAYS,
) -> Spend:
    """What was spent by day of the business, up to the last that has ended when ``utc_day`` has.

    A feature's spend of a day is its owner's of that day, by the sentence that charges it in the
    books.

    East of Greenwich that day is called as ``utc_day`` is; west of it, it is the one before, since
    the last hours of ``utc_day``'s namesake are of the next UTC day.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``: what it is where the business's days are UTC.
        lake: Where the calls are that other days are summed from.
        rules: What ``finance.yaml`` says: whose days they are, and who pays.
        utc_day: As of when.
        days: How many days of the business, at most.

    Raises:
        LakeError: A day of ``call_costs`` is damaged.
    """
    zone = rules.report_timezone
    day = last_business_day(utc_day, zone)
    if zone == UTC:
        spent = feature_costs.rename({"day": "business_day"})
    else:
        spent = summed_days_of(lake, zone, last_days(utc_day, days + 1)).with_columns(
            pl.col("model").fill_null(cost.UNKNOWN_MODEL)
        )
    rows = finance.owned(spent, rules.ownership).rename({"business_day": "day"})
    return Spend(rows.filter(pl.col("day").is_in(last_days(day, days))), day)


def last_business_day(utc_day: date, zone: str) -> date:
    """The last day of the business that has ended when ``utc_day`` has."""
    midnight = datetime.combine(utc_day + timedelta(days=1), time())
    return finance.business_day(midnight, zone) - timedelta(days=1)


def converted(rows: pl.DataFrame, rules: finance.Finance) -> pl.DataFrame:
    """``Spend.rows`` with ``cost_report``, and the rate of each one's day with its date and source.

    All are null where there is none.
    """
    rates = finance.rates_of(rows["day"].unique().to_list(), rules)
    return finance.converted(rows.join(rates, left_on="day", right_on="business_day"))


def forecast_of(
    feature_costs: pl.DataFrame,
    lake: Lake,
    reference: ReferenceFolder,
    utc_day: date,
    clock: Clock,
) -> pl.DataFrame:
    """``COST_FORECAST`` of days and months of the business; teams are those that are charged.

    Raises:
        ReferenceFileError: ``finance.yaml`` cannot be used.
    """
    rules = settings_of(reference)
    spend = business_spend(feature_costs, lake, rules, utc_day)
    is_over = spend.day < finance.business_day(clock.now(), rules.report_timezone)
    return cost.cost_forecast(spend.rows, spend.day, is_over=is_over)


def status_of(
    feature_costs: pl.DataFrame,
    forecast: pl.DataFrame,
    lake: Lake,
    reference: ReferenceFolder,
    utc_day: date,
) -> pl.DataFrame:
    """``BUDGET_STATUS`` in days and months of the business, and in its currency where asked.

    A team's budget is held against what the ownership rules charge to it on each day.

    Raises:
        ReferenceFileError: ``budgets.yaml`` or ``finance.yaml`` cannot be used.
    """
    budgets = reference.read("budgets.yaml", cost.Budgets)
    rules = settings_of(reference)
    rows, day = business_spend(feature_costs, lake, rules, utc_day)
    if any(cost.currencies(budgets)):
        rows = converted(rows, rules)
    (today,) = finance.rates_of([day], rules).drop("business_day").iter_rows()
    return cost.budget_status(
        rows,
        budgets,
        day,
        forecast,
        zone=rules.report_timezone,
        rate=cost.Rate(rules.report_currency, *today),
    )
