"""Money as a finance team needs it: its days, currency and owners, closed months, chargeback."""

from llmops_pipelines.finance.adjustments import closed_otherwise, cost_adjustments
from llmops_pipelines.finance.books import booked_lines
from llmops_pipelines.finance.chargeback import (
    as_csv,
    by_team,
    in_currency,
    known_cost,
    residue_lines,
    uninvoiced,
    unrated,
)
from llmops_pipelines.finance.days import (
    business_day,
    business_days,
    month_of,
    on_business_day,
    owned,
    parts_of,
)
from llmops_pipelines.finance.drawn import drawn_at, drawn_rate, drawn_spend
from llmops_pipelines.finance.evaluation import evaluation_lines
from llmops_pipelines.finance.months import present_lines
from llmops_pipelines.finance.rates import converted, rates_of
from llmops_pipelines.finance.settings import USD, Finance

__all__ = [
    "USD",
    "Finance",
    "as_csv",
    "booked_lines",
    "business_day",
    "business_days",
    "by_team",
    "closed_otherwise",
    "converted",
    "cost_adjustments",
    "drawn_at",
    "drawn_rate",
    "drawn_spend",
    "evaluation_lines",
    "in_currency",
    "known_cost",
    "month_of",
    "on_business_day",
    "owned",
    "parts_of",
    "present_lines",
    "rates_of",
    "residue_lines",
    "uninvoiced",
    "unrated",
]
