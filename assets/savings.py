"""What the same calls would have cost otherwise."""

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.orchestration import figures
from llmops_pipelines.orchestration.daily import daily
from llmops_pipelines.tables import ROUTING_SAVINGS


@daily(
    ROUTING_SAVINGS,
    group="savings",
    owner="team:finops",
    kinds={"polars", "parquet"},
    figures=figures.of_savings,
)
def routing_savings(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """The day's calls replayed at the cheapest and the most expensive model's prices."""
    return savings.routing_savings(llm_calls, call_costs, price_book)
