"""Money as a finance team needs it: its days, currency and owners, closed months, chargeback."""

from llmops_pipelines.finance.adjustments import closed_otherwise, cost_adjustments
from llmops_pipelines.finance.books import booked_lines
from llmops_pipelines.finance.chargeback import (
    as_csv,
    by_team,
    residue_lines,
    uninvoiced,
    unrated,
)
from llmops_pipelines.finance.days import business_day, business_days, month_of
from llmops_pipelines.finance.evaluation import evaluation_lines
from llmops_pipelines.finance.months import present_lines
from llmops_pipelines.finance.settings import Finance

__all__ = [
    "Finance",
    "as_csv",
    "booked_lines",
    "business_day",
    "business_days",
    "by_team",
    "closed_otherwise",
    "cost_adjustments",
    "evaluation_lines",
    "month_of",
    "present_lines",
    "residue_lines",
    "uninvoiced",
    "unrated",
]
