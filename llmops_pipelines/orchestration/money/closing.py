"""Closing a month: its lines become one file that nothing changes any more."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

import polars as pl

from llmops_pipelines import finance
from llmops_pipelines.orchestration.money.finance import Books, FinanceError, lines_digest
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import CALL_COSTS, CLOSED_COSTS, LANDED_DAYS


def close_month(
    lake: Lake, books: Books, settings: finance.Finance, month: str, *, by: str, now: datetime
) -> pl.DataFrame:
    """Keep the month's lines as they are for good; ``CLOSED_COSTS`` of the month.

    Raises:
        FinanceError: The month is closed already, has not ended, or holds nothing.
    """
    refuse_unclosable(books, settings, month, now)
    lines = books.lines.filter(pl.col("month") == month)
    closed = lines.with_columns(
        report_timezone=pl.lit(settings.report_timezone),
        closed_at=pl.lit(now).cast(pl.Datetime("us")),
        closed_by=pl.lit(by),
        digest=pl.lit(lines_digest(lines)),
    )
    if not lake.append(CLOSED_COSTS, closed, name=month):
        raise FinanceError(f"{month} was closed by another process just now; it stays as it is")
    return closed


def refuse_unclosable(books: Books, settings: finance.Finance, month: str, now: datetime) -> None:
    """Tell why a month cannot be closed, if it cannot.

    Raises:
        FinanceError: The month is closed already, has not ended, or holds nothing.
    """
    before = books.closed.filter(pl.col("month") == month)
    if before.height:
        who, when = before.select("closed_by", "closed_at").row(0)
        raise FinanceError(
            f"{month} was closed by {who} on {when:%Y-%m-%d %H:%M} UTC. A closed month is not "
            "opened or closed again: what has changed since is in cost_adjustments, booked in the "
            "month in which it was found"
        )
    today = finance.business_day(now, settings.report_timezone)
    if month >= finance.month_of(today):
        raise FinanceError(
            f"{month} has not ended: it is {today} in {settings.report_timezone}; close it when it "
            "is over and its last calls have landed"
        )
    if books.lines.filter(pl.col("month") == month).is_empty():
        months = books.lines["month"].unique().sort().to_list()
        raise FinanceError(
            f"{month} holds no cost: there is nothing to close"
            + (f"; there are costs from {months[0]} to {months[-1]}" if months else "")
        )


def days_left_out(lake: Lake, days: pl.DataFrame, month: str) -> tuple[list[date], list[date]]:
    """Days of the month without any call, and UTC days about it that landed and have no cost yet.

    Args:
        lake: The lake.
        days: ``BUSINESS_DAYS``.
        month: The month, as 2026-10.
    """
    first = date.fromisoformat(f"{month}-01")
    length = monthrange(first.year, first.month)[1]
    own = [first + timedelta(days=n) for n in range(length)]
    quiet = set(own) - set(days["business_day"])
    # A day of the business may lie on the UTC day before it or after it.
    about = {first - timedelta(days=1), *own, own[-1] + timedelta(days=1)}
    unpriced = about & set(lake.days(LANDED_DAYS)) - set(lake.days(CALL_COSTS))
    return sorted(quiet), sorted(unpriced)
