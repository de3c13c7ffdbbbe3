"""Unusual days and drivers of spend, in days of the business and from the calls in a lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl

from llmops_pipelines import cost, finance
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.budgets import UTC, business_spend, last_business_day
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import CALL_COSTS, COST_CUBE, COST_DRIVERS, LLM_CALLS

UTC_DAYS = 2 * cost.WEEK + 1
"""UTC days that hold two weeks of the business, whatever its zone."""

_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)


def anomalies_of(
    feature_costs: pl.DataFrame, lake: Lake, reference: ReferenceFolder, utc_day: date
) -> pl.DataFrame:
    """``COST_ANOMALIES`` of a day of the business; teams are those that are charged.

    Args:
        feature_costs: ``FEATURE_COSTS`` with ``day``, as ``business_spend`` takes them.
        lake: Where the calls are.
        reference: Where ``finance.yaml`` is.
        utc_day: As of when.

    Raises:
        ReferenceFileError: ``finance.yaml`` cannot be used.
    """
    rules = settings_of(reference)
    rows, day = business_spend(feature_costs, lake, rules, utc_day)
    return cost.cost_anomalies(rows, day, zone=rules.report_timezone)


def drivers_of(
    cube: pl.DataFrame, lake: Lake, reference: ReferenceFolder, utc_day: date
) -> pl.DataFrame:
    """``COST_DRIVERS`` of the week of the business that ends with, or in, ``utc_day``.

    Args:
        cube: ``COST_CUBE`` with ``day``, of the ``UTC_DAYS`` up to ``utc_day``.
        lake: Where the calls are.
        reference: Where ``finance.yaml`` is.
        utc_day: As of when.

    Raises:
        ReferenceFileError: ``finance.yaml`` cannot be used.
    """
    zone = settings_of(reference).report_timezone
    day = last_business_day(utc_day, zone)
    return cost.week_drivers(business_cube(cube, lake, zone), day, zone=zone)


def told_week(lake: Lake, utc_day: date) -> str:
    """Why the week whose drivers are stored of ``utc_day`` cost more or less than the one before.

    Where none are, because the weeks were not compared, the days that are counted are UTC's.
    """
    cube = lake.read(COST_CUBE, last_days(utc_day, UTC_DAYS))
    drivers = lake.read(COST_DRIVERS, [utc_day])
    if drivers.is_empty():
        return cost.not_compared(cube, utc_day)
    zone, day = drivers.select("report_timezone", "business_day").row(0)
    return cost.told_week(business_cube(cube, lake, zone), day or utc_day)


def business_cube(cube: pl.DataFrame, lake: Lake, zone: str) -> pl.DataFrame:
    """``cube`` with the business's day in ``day``; ``hour`` stays UTC's.

    Hours lie within one day, but where midnight is not at a full hour of UTC: the calls of such an
    hour are summed anew, on either side of it. What of them was deleted is on neither.
    """
    if zone == UTC:
        return cube
    began = pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=pl.col("hour"))
    dated = cube.with_columns(began=began).with_columns(
        day=finance.on_business_day(pl.col("began"), zone),
        ends_on=finance.on_business_day(pl.col("began") + _HOUR - _INSTANT, zone),
    )
    parted = dated.filter(pl.col("day") != pl.col("ends_on"))["began"].unique().sort()
    whole = dated.filter(pl.col("day") == pl.col("ends_on")).select(cube.columns)
    sums = (
        part.select(cube.columns) for hour in parted for part in _on_either_side(lake, hour, zone)
    )
    return pl.concat([whole, *sums])


def _on_either_side(lake: Lake, began: datetime, zone: str) -> Iterator[pl.DataFrame]:
    """``COST_CUBE`` with ``day`` of the calls of one hour, apart by day of the business."""
    in_it = pl.col("started_at").is_between(began, began + _HOUR, closed="left")
    calls, costs = (
        lake.scan(table, [began.date()]).filter(in_it).select(columns).collect()
        for table, columns in (
            (LLM_CALLS, cost.CUBE_COLUMNS),
            (CALL_COSTS, cost.BOOKED_COLUMNS),
        )
    )
    dated = calls.with_columns(day=finance.on_business_day(pl.col("started_at"), zone))
    for (own,), rows in dated.partition_by("day", as_dict=True).items():
        yield cost.cost_cube(rows.drop("day"), costs).with_columns(day=pl.lit(own, pl.Date))
