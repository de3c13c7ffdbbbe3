"""The money of the nightly page in days of the business, its currency, and by who is charged."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from llmops_pipelines import cost, finance
from llmops_pipelines.orchestration.money.budgets import UTC, business_spend, converted
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reporting import BusinessMoney
from llmops_pipelines.tables import CALL_COSTS


class ReportMoney(NamedTuple):
    """What finance.yaml makes of the money of a page."""

    rows: pl.DataFrame
    """``Spend.rows`` with ``cost_report``, of ``days`` days of the business."""
    calls: pl.DataFrame
    """``CALL_COSTS`` of the last of them."""
    told: BusinessMoney


def is_utc_dollars(rules: finance.Finance) -> bool:
    """Whether finance.yaml leaves days, currency and teams as they are recorded."""
    return (rules.report_timezone, rules.report_currency) == (UTC, finance.USD) and not (
        rules.ownership
    )


def report_money(
    feature_costs: pl.DataFrame, lake: Lake, rules: finance.Finance, utc_day: date, days: int
) -> ReportMoney:
    """What was spent on the last ``days`` days of the business to have ended with ``utc_day``.

    UTC days after it count as not there, even where they are by now: a page made again says what it
    said.

    Args:
        feature_costs: As ``business_spend`` takes them.
        lake: Where the calls are.
        rules: What ``finance.yaml`` says.
        utc_day: As of when.
        days: How many.

    Raises:
        LakeError: A day of ``call_costs`` is damaged.
    """
    zone = rules.report_timezone
    rows, day = business_spend(feature_costs, lake, rules, utc_day, days)
    parts = _parts(lake, zone, day, utc_day, days)
    on = parts.filter(pl.col("is_there"), business_day=day)["utc_day"].to_list()
    began_on_it = finance.on_business_day(pl.col("started_at"), zone) == day
    calls = lake.scan(CALL_COSTS, on).filter(began_on_it).drop("day").collect()
    retried = cost.feature_costs(calls)["retry_cost"]
    ((rate, rate_date, rate_source),) = (
        finance.rates_of([day], rules).drop("business_day").iter_rows()
    )
    told = BusinessMoney(
        day,
        zone,
        rules.report_currency,
        rate,
        rate_date,
        rate_source,
        Decimal(retried.sum()) if retried.count() else None,
        parts,
    )
    return ReportMoney(converted(rows, rules), calls, told)


def _parts(lake: Lake, zone: str, last: date, utc_day: date, days: int) -> pl.DataFrame:
    """``BusinessMoney.parts`` of the days up to the one after ``last``."""
    there = [day for day in lake.days(CALL_COSTS) if day <= utc_day]
    told = [last + timedelta(days=at) for at in range(1 - days, 2)]
    return pl.concat(finance.parts_of(day, zone) for day in told).with_columns(
        is_there=pl.col("utc_day").is_in(there)
    )
