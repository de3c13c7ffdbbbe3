"""Whose day the money of a page is of, in which currency, and what of that day is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.wording import long_day, money, spoken_list, visible

PARTS = pl.Schema(
    {
        "business_day": pl.Date,
        "utc_day": pl.Date,
        "from": pl.String,
        "to": pl.String,
        "is_there": pl.Boolean,
    }
)
"""The hours of one business day that lie on one UTC day, and whether the calls of that are there.

``from`` and ``to`` are what clocks of the business show."""

_UTC, _USD = "UTC", "USD"
_FILE = "data/reference/finance.yaml"
_MOST_DAYS = 5


@dataclass(frozen=True)
class BusinessMoney:
    """What finance.yaml makes of the page's money."""

    day: date
    """The last day of the business to have ended with the UTC day of the page."""
    zone: str = _UTC
    currency: str = _USD
    rate: Decimal | None = Decimal(1)
    """Units of ``currency`` for a dollar on ``day``; None where nobody knows."""
    rate_date: date | None = None
    rate_source: str | None = None
    retry_cost: Decimal | None = None
    """US dollars that repeated attempts took on ``day``."""
    parts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PARTS))
    """Of every day that the page tells of, and of the one that begins after ``day``."""

    @property
    def is_converted(self) -> bool:
        """Whether amounts of the day are known in another currency than dollars."""
        return self.currency != _USD and self.rate is not None

    @property
    def name(self) -> str:
        """The day, with its place where that is not UTC."""
        return self.placed(long_day(self.day))

    def placed(self, days: str) -> str:
        """Days in words with the place that they are of, where that is not UTC."""
        return days if self.zone == _UTC else f"{days} in {visible(self.zone, 80)}"

    @property
    def partial_days(self) -> list[date]:
        """Days up to ``day`` of which some hours are there and others are not."""
        some = self.parts.group_by("business_day").agg(pl.col("is_there").any(), all="is_there")
        days = some.filter(pl.col("is_there") & ~pl.col("all").list.all())["business_day"]
        return [day for day in days.sort() if day <= self.day]

    def missing(self, day: date) -> str:
        """The hours of ``day`` that are not there, in words; empty where all are."""
        return _hours(self.parts.filter(~pl.col("is_there"), business_day=day))

    def told(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """``cost`` of a row in the report's currency, and in dollars beside it; see ``missing``."""
        dollars = money(row["cost"], _USD)
        if not self.is_converted or row["cost"] is None:
            return dollars, ""
        return money(row["cost_report"], self.currency), dollars

    def whose(self) -> str:
        """Whose day it is and where on UTC's days its hours lie; empty for a UTC day."""
        if self.zone == _UTC:
            return ""
        own = self.parts.filter(business_day=self.day).iter_rows(named=True)
        lie = [f"{row['from']} to {row['to']} on {row['utc_day']}" for row in own]
        return f"Money is of {self.name}. Of its hours lie {spoken_list(lie)} UTC."

    def rates(self) -> str:
        """The rate with its date and source; empty for dollars."""
        if self.currency == _USD:
            return ""
        if self.rate is None:
            return (
                f"No {self.currency} rate of {self.day}, or recent enough before it, is in "
                f"{_FILE}: amounts are in US dollars."
            )
        return f"The rate {self.rate_in_words()}. Charts and the usual day are in US dollars."

    def rate_in_words(self) -> str:
        """What a dollar is on ``day``, of which day that rate is, and where it comes from."""
        if self.rate is None:
            return "is not known"
        return (
            f"is {self.rate.normalize():f} {self.currency} for a US dollar "
            f"({visible(self.rate_source)}, {self.rate_date})"
        )

    def gaps(self) -> Iterator[str]:
        """What of the day, of the next and of those before it is not there."""
        if hours := self.missing(self.day):
            yield f"Not a whole day: of {self.name} {hours} are missing, {_why(self, self.day)}."
        if begun := self.begun():
            yield f"{begun}, and nothing of it is on this page."
        before = [day for day in self.partial_days if day < self.day]
        if before:
            yield f"Not whole days in the charts, and in no usual day: {self.named(before)}."

    def begun(self) -> str:
        """That a day after ``day`` has begun, and which hours of it are not there; else empty."""
        begun = self.parts.filter(pl.col("business_day") > self.day, pl.col("is_there"))
        if begun.is_empty():
            return ""
        following = begun["business_day"][0]
        return (
            f"{long_day(following)} has begun: {_hours(begun)} of it are logged, "
            f"{self.missing(following)} are still missing"
        )

    def named(self, days: Sequence[date]) -> str:
        """Days with their missing hours; of many the last, and how many more there are."""
        told = [f"{day} ({self.missing(day)} missing)" for day in days[-_MOST_DAYS:]]
        more = len(days) - len(told)
        return spoken_list([f"{more} earlier", *told] if more else told)


def _hours(parts: pl.DataFrame) -> str:
    return spoken_list([f"{begin} to {end}" for begin, end in parts.select("from", "to").rows()])


def _why(told: BusinessMoney, day: date) -> str:
    gone = told.parts.filter(~pl.col("is_there"), business_day=day)["utc_day"]
    days = spoken_list([str(utc_day) for utc_day in gone])
    return f"since no calls of {days} UTC are in the lake"
