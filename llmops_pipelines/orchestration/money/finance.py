"""The books of the lake: days of the business, kept up to date, months, adjustments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from llmops_pipelines import billing, finance
from llmops_pipelines.orchestration.graph.resources import Clock, ReferenceFolder
from llmops_pipelines.orchestration.money.spending import evaluation_spend
from llmops_pipelines.orchestration.storage.content_digest import content_digest
from llmops_pipelines.orchestration.storage.lake import Inputs, Lake
from llmops_pipelines.tables import (
    BUSINESS_DAYS,
    CALL_COSTS,
    CLOSED_COSTS,
    COST_ADJUSTMENTS,
    FEATURE_COSTS,
    MONTHLY_COSTS,
    PRICE_BOOK,
)

FILE = "finance.yaml"


class FinanceError(ValueError):
    """The books cannot be kept as asked. The message names what is in the way and the remedy."""


class Books(NamedTuple):
    """Days, every month's lines, what was booked of closed months, and what they were closed as."""

    days: pl.DataFrame
    lines: pl.DataFrame
    adjustments: pl.DataFrame
    closed: pl.DataFrame


def settings_of(reference: ReferenceFolder) -> finance.Finance:
    """What ``finance.yaml`` says.

    Raises:
        ReferenceFileError: Naming file, line and field.
    """
    return reference.read(FILE, finance.Finance)


def summed_days(lake: Lake, zone: str) -> tuple[pl.DataFrame, Inputs]:
    """``BUSINESS_DAYS`` of all days, with the digests of the calls that they were summed from.

    Only days whose calls have changed since the stored rows are read, one after the other.

    Raises:
        LakeError: A day of ``call_costs`` is damaged.
    """
    digests = {day: _digest(lake, day) for day in lake.days(CALL_COSTS)}
    inputs = {
        CALL_COSTS.name: {day.isoformat(): digest for day, digest in digests.items()},
        FILE: {"report_timezone": zone},
    }
    return _summed(lake, zone, digests), inputs


def summed_days_of(lake: Lake, zone: str, utc_days: Collection[date]) -> pl.DataFrame:
    """``BUSINESS_DAYS`` of some UTC days; as ``summed_days`` otherwise."""
    there = set(lake.days(CALL_COSTS))
    return _summed(lake, zone, {day: _digest(lake, day) for day in utc_days if day in there})


def _summed(lake: Lake, zone: str, digests: Mapping[date, str]) -> pl.DataFrame:
    stored = lake.stored(BUSINESS_DAYS)
    same_zone = stored is not None and stored.inputs.get(FILE) == {"report_timezone": zone}
    summed = stored.inputs[CALL_COSTS.name] if stored and same_zone else {}
    kept = [day for day, digest in digests.items() if summed.get(day.isoformat()) == digest]
    rows = [lake.read(BUSINESS_DAYS).filter(pl.col("utc_day").is_in(kept))]
    for day in sorted(digests.keys() - set(kept)):
        rows.append(finance.business_days(lake.scan(CALL_COSTS, [day]), day, zone))
    return BUSINESS_DAYS.require(pl.concat(rows))


def books_of(days: pl.DataFrame, lake: Lake, settings: finance.Finance, now: datetime) -> Books:
    """All months from ``BUSINESS_DAYS``, what was closed, and what was booked of it.

    Raises:
        FinanceError: A month was closed under another time zone or currency, or its rows have been
            tampered with.
    """
    closed = _closed(lake, settings)
    today = finance.business_day(now, settings.report_timezone)
    present = finance.present_lines(days, settings, today)
    adjustments = finance.cost_adjustments(
        present, closed, lake.read(COST_ADJUSTMENTS), today=today, now=now
    )
    lines = finance.booked_lines(present, closed, adjustments)
    return Books(days, lines, adjustments, closed)


def judged_in_books(lake: Lake) -> pl.DataFrame:
    """Every attempt that reached a judge's endpoint, as ``finance.evaluation_lines`` takes it.

    The ledger has no provider: it is the one that the price book has the model under. Feature and
    team are those of the judged call; samples of a file and canaries have none.
    """
    asked = evaluation_spend(lake, None, None).filter(pl.col("model_served").is_not_null())
    days = asked["day"].unique().sort().to_list()
    owners = lake.scan(CALL_COSTS, days).select("day", "call_id", "feature", "team")
    judged = asked.join(
        owners.join(asked.lazy(), on=["day", "call_id"], how="semi").collect(),
        on=["day", "call_id"],
        how="left",
    ).select(
        *("asked_at", "cost", "feature", "team"),
        provider=pl.lit(None, pl.String),
        model="model_served",
    )
    names = billing.model_names(judged, lake.read(PRICE_BOOK)).select(
        "model", provider="named_provider"
    )
    return judged.drop("provider").join(names, on="model", how="left")


def kept_books(lake: Lake, reference: ReferenceFolder, clock: Clock) -> Books:
    """``books_of`` the business days in the lake.

    Raises:
        FinanceError: As ``books_of``.
        ReferenceFileError: ``finance.yaml`` cannot be used.
    """
    return books_of(lake.read(BUSINESS_DAYS), lake, settings_of(reference), clock.now())


def days_that_differ(lake: Lake) -> pl.DataFrame:
    """UTC days whose business days do not add up to what the features spent on it."""
    spend = pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum())
    summed = lake.scan(BUSINESS_DAYS).group_by("utc_day").agg(business_days=spend)
    features = lake.scan(FEATURE_COSTS).group_by(utc_day="day").agg(feature_costs=spend)
    return (
        features.join(summed, on="utc_day", how="left")
        .filter(pl.col("business_days").ne_missing(pl.col("feature_costs")))
        .sort("utc_day")
        .collect()
    )


def lines_digest(lines: pl.DataFrame) -> str:
    """The digest of a month's lines; it is the same in a release that knows more columns.

    Columns without any value do not count: that is what lines of before have in them.
    """
    return content_digest(lines.select(column for column in lines if column.count()))


def _digest(lake: Lake, day: date) -> str:
    stored = lake.stored(CALL_COSTS, day)
    return stored.digest if stored else ""


def _closed(lake: Lake, settings: finance.Finance) -> pl.DataFrame:
    closed = lake.read(CLOSED_COSTS)
    others = finance.closed_otherwise(closed, settings.report_timezone, settings.report_currency)
    for month, zone, currency in others.iter_rows():
        raise FinanceError(
            f"{FILE}: {month} was closed with report_timezone {zone} and report_currency "
            f"{currency}, and now they are {settings.report_timezone} and "
            f"{settings.report_currency}; closed months hold them fast: set them back"
        )
    for (month, digest), rows in closed.group_by("month", "digest", maintain_order=True):
        lines = MONTHLY_COSTS.require(rows.select(MONTHLY_COSTS.schema.names()))
        if lines_digest(lines) != digest:
            raise FinanceError(
                f"{lake.store.uri(f'{CLOSED_COSTS.name}/{month}.parquet')}: is not what was "
                "closed: its rows do not have the digest that it names; restore it from a backup"
            )
    return closed
