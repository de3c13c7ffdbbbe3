"""The golden dataset: cases worth checking at every release."""

from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import golden
from llmops_pipelines.orchestration.golden import release_golden
from llmops_pipelines.orchestration.graph.daily import daily, table_metadata
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.tables import GOLDEN_CANDIDATES, GOLDEN_DATASET

OWNER = "team:evaluation"


@daily(
    GOLDEN_CANDIDATES,
    group="golden",
    owner=OWNER,
    kinds={"polars", "parquet"},
    deps=["call_texts", "step_texts"],
    figures=figures.of_golden_candidates,
)
def golden_candidates(
    sampled_traces: pl.DataFrame,
    judge_scores: pl.DataFrame,
    ragas_scores: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    feedback: pl.DataFrame,
    llm_calls: pl.LazyFrame,
    lake: LakeResource,
    day: date,
) -> pl.DataFrame:
    """Calls of the day with low or disputed scores or bad feedback."""
    return golden.candidates(
        sampled_traces,
        pl.concat([judge_scores, ragas_scores]),
        heuristic_scores,
        feedback,
        kept_texts(lake.open(), day, llm_calls),
    )


@dg.asset(
    group_name="golden",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=[golden_candidates],
    metadata=table_metadata(GOLDEN_DATASET),
)
def golden_dataset(
    context: dg.AssetExecutionContext, lake: LakeResource, golden_folder: dg.ResourceParam[str]
) -> pl.DataFrame:
    """The current version: near-duplicates removed, one JSONL file per version in data/golden/."""
    return release_golden(context, lake.open(), golden_folder)
