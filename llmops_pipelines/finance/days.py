"""Days and months of the business, found from the instant of each call."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Final

import polars as pl

from llmops_pipelines.finance.settings import OwnershipRule
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import BUSINESS_DAYS, MONEY, TOKEN_BUCKETS

COUNTS: Final = ("calls", "errors", "unpriced_calls", *TOKEN_BUCKETS)


def business_days(call_costs: pl.LazyFrame, utc_day: date, zone: str) -> pl.DataFrame:
    """The calls of one UTC day summed by day of the business, feature, team, provider and model.

    Each call's own instant is brought into the zone, so a day of 23 or 25 hours, half an hour's
    offset or a day that never was moves calls and loses none.

    Args:
        call_costs: ``CALL_COSTS`` of the UTC day.
        utc_day: That day.
        zone: IANA name of the business's time zone.

    Returns:
        ``BUSINESS_DAYS``. Costs add up to those of the calls to the last digit.
    """
    priced, succeeded = pl.col("cost").is_not_null(), pl.col("status") == "ok"
    return BUSINESS_DAYS.require(
        call_costs.group_by(
            on_business_day(pl.col("started_at"), zone).alias("business_day"),
            "feature",
            pl.col("team").fill_null(UNATTRIBUTED),
            "provider",
            "model",
        )
        .agg(
            calls=pl.len().cast(pl.Int64),
            errors=(~succeeded).sum().cast(pl.Int64),
            unpriced_calls=(succeeded & ~priced).sum().cast(pl.Int64),
            **{bucket: pl.col(bucket).sum() for bucket in TOKEN_BUCKETS},
            cost=known_sum("cost"),
        )
        .with_columns(utc_day=pl.lit(utc_day))
        .collect()
    )


def business_day(now: datetime, zone: str) -> date:
    """The business's day at ``now``, naive UTC."""
    day: date = pl.select(on_business_day(pl.lit(now), zone)).item()
    return day


def parts_of(day: date, zone: str) -> pl.DataFrame:
    """The parts of a business day, one per UTC day that it lies on, in order; none if it never was.

    They are found by the sentence that dates calls, minute by minute, so that no rule of clocks is
    written twice.

    Returns:
        ``business_day``, ``utc_day``, and ``from`` and ``to``: what clocks of the business show, as
        05:30; 24:00 where the day ends.
    """
    start = datetime.combine(day - timedelta(days=1), time())
    end = start + timedelta(days=3, minutes=-1)
    minutes = pl.DataFrame({"at": pl.datetime_range(start, end, "1m", eager=True)})
    clock = pl.col("at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt
    return (
        minutes.with_columns(
            business_day=on_business_day(pl.col("at"), zone),
            utc_day=pl.col("at").dt.date(),
            clock=clock.to_string("%H:%M"),
        )
        .with_columns(
            next=pl.when(pl.col("business_day").shift(-1) == day)
            .then(pl.col("clock").shift(-1))
            .otherwise(pl.lit("24:00"))
        )
        .filter(pl.col("business_day") == day)
        .group_by("business_day", "utc_day", maintain_order=True)
        .agg(pl.col("clock").first().alias("from"), pl.col("next").last().alias("to"))
    )


def month_of(day: date) -> str:
    """The month of a day, as 2026-10."""
    return f"{day:%Y-%m}"


def owned(days: pl.DataFrame, rules: tuple[OwnershipRule, ...]) -> pl.DataFrame:
    """``days`` with the team that owned the feature on that day.

    The first rule that fits decides; where none does, the team stays that of the records.
    """
    team = pl.col("team")
    features = days["feature"].drop_nulls().unique().to_list()
    # Backwards, so that the first rule has the last word.
    for rule in reversed(rules):
        fits = [name for name in features if fnmatchcase(name, rule.feature)]
        holds = pl.col("business_day").is_between(rule.valid_from, rule.valid_to, closed="left")
        team = (
            pl.when(pl.col("feature").is_in(fits) & holds).then(pl.lit(rule.team)).otherwise(team)
        )
    return days.with_columns(team=team)


def known_sum(name: str) -> pl.Expr:
    """The exact sum of what is known; null where nothing is."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).cast(MONEY)


def on_business_day(instant: pl.Expr, zone: str) -> pl.Expr:
    """The business's day at a naive UTC instant."""
    return instant.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()
