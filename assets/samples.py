"""Which traces are judged."""

from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import sampling
from llmops_pipelines.orchestration.graph.conditions import on_finished_day
from llmops_pipelines.orchestration.graph.daily import daily
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import LakeResource, Policy, ReferenceFolder
from llmops_pipelines.orchestration.landing.redaction import no_personal_data
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import SAMPLED_TRACES


@daily(
    SAMPLED_TRACES,
    group="evaluation",
    owner="team:evaluation",
    kinds={"polars", "parquet"},
    condition=on_finished_day,
    deps=[reference_key("features")],
    figures=figures.of_sample,
)
def sampled_traces(
    traces: pl.DataFrame, policy: Policy, reference: ReferenceFolder
) -> pl.DataFrame:
    """The day's traces drawn for judging, with their inclusion probabilities."""
    return sampling.sample_traces(
        traces,
        per_day=policy.sample_per_day,
        seed=policy.sample_seed,
        features=reference.read("features.yaml", Features),
    )


@daily_check(sampled_traces)
def no_sampled_text_holds_personal_data(
    lake: LakeResource, reference: ReferenceFolder, day: date
) -> dg.AssetCheckResult:
    """What landing redacts is in none of the texts that are judged; calls and kinds are named."""
    return no_personal_data(lake.open(), reference, day)
