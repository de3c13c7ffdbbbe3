"""What the same calls would have cost otherwise."""

import dagster as dg
import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import daily, table_metadata
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.reporting import endpoint_figures, figures
from llmops_pipelines.orchestration.reporting.cache_figures import of_cache
from llmops_pipelines.orchestration.reporting.compression_figures import (
    compression_is_proven,
    of_compression,
)
from llmops_pipelines.orchestration.reporting.plan_figures import of_plan
from llmops_pipelines.orchestration.savings.caching import NO_REQUESTS, cache_savings
from llmops_pipelines.orchestration.savings.compression import NO_TEXTS, replayed_compression
from llmops_pipelines.orchestration.savings.endpoint_savings import (
    replayed_batches,
    replayed_prompts,
)
from llmops_pipelines.orchestration.savings.plan import replayed_plan
from llmops_pipelines.orchestration.savings.routing import NO_PAIRS, learned_policies
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    COMPRESSION_SAVINGS,
    PROMPT_CACHE_SAVINGS,
    ROUTING_POLICIES,
    ROUTING_SAVINGS,
    SAVINGS_PLAN,
    SEMANTIC_CACHE_SAVINGS,
)

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


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=["llm_calls", "call_costs", "price_book"],
    metadata=table_metadata(PROMPT_CACHE_SAVINGS),
)
def prompt_cache_savings(context: dg.AssetExecutionContext, lake: LakeResource) -> pl.DataFrame:
    """What of the last week's prompts a provider's cache could have served, and why it did not."""
    rows = replayed_prompts(lake.open())
    context.add_output_metadata(endpoint_figures.of_prompt_cache(rows))
    return rows


@dg.asset_check(asset=prompt_cache_savings)
def no_cache_costs_more_than_it_saves(lake: LakeResource) -> dg.AssetCheckResult:
    """Where caching is asked for and writing costs more than reading saves, switch it off."""
    return checks.caches_pay(lake.open())


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=["llm_calls", "call_costs", "price_book", reference_key("features")],
    metadata=table_metadata(BATCH_SAVINGS),
)
def batch_savings(
    context: dg.AssetExecutionContext, lake: LakeResource, reference: ReferenceFolder
) -> pl.DataFrame:
    """The last week's calls of features that nobody waits for, at batch prices."""
    rows = replayed_batches(lake.open(), reference.read("features.yaml", Features))
    context.add_output_metadata(endpoint_figures.of_batches(rows))
    return rows


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet", "huggingface"},
    deps=["sampled_traces", "call_costs", "price_book"],
    metadata=table_metadata(COMPRESSION_SAVINGS),
)
def compression_savings(context: dg.AssetExecutionContext, lake: LakeResource) -> pl.DataFrame:
    """Sampled calls replayed with shorter prompts: tokens and money saved, support lost."""
    rows = replayed_compression(lake.open())
    context.add_output_metadata(of_compression(rows, NO_TEXTS))
    return rows


@dg.asset_check(asset=compression_savings)
def every_loss_of_compression_is_proven_small(lake: LakeResource) -> dg.AssetCheckResult:
    """Where answers do not prove that cutting loses little, nothing is recommended: say where."""
    return compression_is_proven(lake.open())


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=["llm_calls", "call_costs", "judge_scores", "ragas_scores", reference_key("features")],
    metadata=table_metadata(SEMANTIC_CACHE_SAVINGS),
)
def semantic_cache_savings(
    context: dg.AssetExecutionContext, lake: LakeResource, reference: ReferenceFolder
) -> pl.DataFrame:
    """What a cache of answers would have saved, and how often it would have answered wrongly."""
    replayed = cache_savings(lake.open(), reference.read("features.yaml", Features))
    context.add_output_metadata(of_cache(replayed, NO_REQUESTS))
    return replayed


@dg.asset_check(asset=semantic_cache_savings)
def every_cache_answers_rightly(lake: LakeResource) -> dg.AssetCheckResult:
    """Where a cache has hits enough and they do not prove it right, say where."""
    return checks.caches_are_right(lake.open())


@dg.asset(
    group_name="savings",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=[
        *("sampled_traces", "call_costs", "price_book"),
        *(semantic_cache_savings, routing_policies, compression_savings, batch_savings),
    ],
    metadata=table_metadata(SAVINGS_PLAN),
)
def savings_plan(context: dg.AssetExecutionContext, lake: LakeResource) -> pl.DataFrame:
    """All that is recommended replayed as one: what a step leaves is what the next works on."""
    rows = replayed_plan(lake.open())
    context.add_output_metadata(of_plan(rows, NO_TEXTS))
    return rows
