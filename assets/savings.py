"""What the same calls would have cost otherwise."""

import dagster as dg
import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.orchestration import checks, figures
from llmops_pipelines.orchestration.daily import daily, table_metadata
from llmops_pipelines.orchestration.resources import LakeResource
from llmops_pipelines.orchestration.routing import NO_PAIRS, learned_policies
from llmops_pipelines.tables import ROUTING_POLICIES, ROUTING_SAVINGS

OWNER = "team:finops"


@daily(
    ROUTING_SAVINGS,
    group="savings",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_savings,
)
def routing_savings(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """The day's calls replayed at the cheapest and the most expensive model's prices."""
    return savings.routing_savings(llm_calls, call_costs, price_book)


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet", "scikitlearn"},
    deps=["judge_scores", "ragas_scores"],
    metadata=table_metadata(ROUTING_POLICIES),
)
def routing_policies(context: dg.AssetExecutionContext, lake: LakeResource) -> pl.DataFrame:
    """What a router learned from questions that two models answered would save, and lose."""
    policies = learned_policies(lake.open())
    context.add_output_metadata(figures.of_policies(policies, NO_PAIRS))
    return policies


@dg.asset_check(asset=routing_policies)
def every_loss_of_routing_is_proven_small(lake: LakeResource) -> dg.AssetCheckResult:
    """Where pairs do not prove that routing loses little, nothing is recommended: say where."""
    return checks.losses_are_proven(lake.open())
