"""Why one period cost more or less than another, whichever they are, from the calls in a lake."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from llmops_pipelines import cost
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.business_weeks import business_cube
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import COST_CUBE

_A_DAY = timedelta(days=1)


class Period(NamedTuple):
    """Days of the business, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    @property
    def days(self) -> int:
        """How many it has."""
        return (self.last - self.first).days + 1


class Compared(NamedTuple):
    """What ``drivers_between`` found."""

    rows: pl.DataFrame
    """``COST_DRIVERS``."""
    told: str
    """The main reason, in a sentence."""
    zone: str
    days_before: int
    """Days of the earlier period that have calls."""
    days_after: int
    unknown: tuple[Period, ...]
    """Periods with calls of none of which the cost is known: they did not cost nothing."""


def period_before(period: Period) -> Period:
    """What a period is compared with: whole months with as many before, else as many days."""
    first, last = period
    if first.day == 1 and last.day == monthrange(last.year, last.month)[1]:
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
        return Period(date(year, month + 1, 1), first - _A_DAY)
    return Period(first - timedelta(days=period.days), first - _A_DAY)


def drivers_between(
    lake: Lake, reference: ReferenceFolder, before: Period, after: Period
) -> Compared:
    """Split what ``after`` cost more or less than ``before``.

    Args:
        lake: Where the calls are.
        reference: Where ``finance.yaml`` is.
        before: Days of the business.
        after: As ``before``; of as many days or not. More days are more requests.

    Raises:
        ReferenceFileError: ``finance.yaml`` cannot be used.
        LakeError: A day is damaged.
    """
    zone = settings_of(reference).report_timezone
    was, now = (_cube_of(lake, zone, period) for period in (before, after))
    return Compared(
        cost.cost_drivers(was, now, last=after.last, zone=zone),
        cost.told_change(was, now),
        zone,
        was["day"].n_unique(),
        now["day"].n_unique(),
        tuple(
            period for period, cube in ((before, was), (after, now)) if cost.has_unknown_cost(cube)
        ),
    )


def _cube_of(lake: Lake, zone: str, period: Period) -> pl.DataFrame:
    # The first and last hours of days of the business lie on UTC days beside them.
    utc = [
        day for day in lake.days(COST_CUBE) if period.first - _A_DAY <= day <= period.last + _A_DAY
    ]
    cube = business_cube(lake.read(COST_CUBE, utc), lake, zone)
    return cube.filter(pl.col("day").is_between(period.first, period.last))
