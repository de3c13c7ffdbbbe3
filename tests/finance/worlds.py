"""Calls of the sample business, and its finance.yaml, as literals."""

from datetime import date, datetime

import polars as pl

from llmops_pipelines import finance
from llmops_pipelines.finance import Finance
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import BUSINESS_DAYS, CLOSED_COSTS, COST_ADJUSTMENTS
from tests.cost.factories import costs, priced

TODAY, NOW = date(2026, 11, 5), datetime.fromisoformat("2026-11-05 03:00")


def call(at, cost="1.0", **fields):
    """A call that began ``at`` and has a hundred tokens."""
    return priced(
        cost, started_at=datetime.fromisoformat(at), uncached_input=80, output_text=20, **fields
    )


def days(*calls, zone="UTC"):
    """``BUSINESS_DAYS`` of the calls, UTC day by UTC day as the lake has them."""
    rows = costs(*calls)
    return pl.concat(
        [
            BUSINESS_DAYS.empty(),
            *(
                finance.business_days(own.lazy(), day, zone)
                for (day,), own in rows.group_by(pl.col("started_at").dt.date())
            ),
        ]
    )


def settings(text=""):
    return parse_document(text, Finance, file="finance.yaml")


def present(*calls, text="", today=TODAY):
    rules = settings(text)
    return finance.present_lines(days(*calls, zone=rules.report_timezone), rules, today)


def closed(lines, month="2026-10"):
    """``lines`` of the month as they are when it is closed."""
    return CLOSED_COSTS.require(
        lines.filter(pl.col("month") == month).with_columns(
            report_timezone=pl.lit("UTC"),
            closed_at=pl.lit(NOW).cast(pl.Datetime("us")),
            closed_by=pl.lit("ada"),
            digest=pl.lit("-"),
        )
    )


def adjusted(now, before, known=None, *, today=TODAY, at=NOW):
    known = COST_ADJUSTMENTS.empty() if known is None else known
    return finance.cost_adjustments(now, closed(before), known, today=today, now=at)
