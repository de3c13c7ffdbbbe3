"""A lake with calls that books are kept of."""

from datetime import date, datetime

import polars as pl

from llmops_pipelines.cost import feature_costs
from llmops_pipelines.orchestration.money import closing, finance
from llmops_pipelines.tables import CALL_COSTS, FEATURE_COSTS
from tests.cost.factories import costs
from tests.finance.worlds import call, settings

NOW = "2026-11-05T03:00:00"
FIRST, LATE = date(2026, 10, 30), call("2026-10-31 20:00", "4")


def write(lake, *calls):
    """The tables of the calls' UTC days that the books rest on."""
    rows = costs(*calls)
    for (day,), own in rows.group_by(pl.col("started_at").dt.date()):
        lake.write(CALL_COSTS, own, day=day)
        lake.write(FEATURE_COSTS, feature_costs(own), day=day)


def kept(lake, rules=None, now=NOW):
    rules = rules or settings()
    days, _ = finance.summed_days(lake, rules.report_timezone)
    return finance.books_of(days, lake, rules, datetime.fromisoformat(now))


def close(lake, month="2026-10", rules=None, now=NOW):
    rules = rules or settings()
    at = datetime.fromisoformat(now)
    return closing.close_month(lake, kept(lake, rules, now), rules, month, by="ada", now=at)
