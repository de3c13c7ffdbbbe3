"""How well the answers are: rates with intervals."""

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines import quality as rates
from llmops_pipelines.adapters.minilm import weights
from llmops_pipelines.orchestration import figures
from llmops_pipelines.orchestration.daily import daily
from llmops_pipelines.orchestration.resources import LakeResource
from llmops_pipelines.tables import JUDGE_SPECS, QUALITY


@daily(
    QUALITY,
    group="quality",
    owner="team:evaluation",
    kinds={"polars", "parquet"},
    figures=figures.of_quality,
)
def quality(
    sampled_traces: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    judge_scores: pl.DataFrame,
    ragas_scores: pl.DataFrame,
    traces: pl.DataFrame,
    lake: LakeResource,
) -> pl.DataFrame:
    """Rates per feature, prompt version and metric, with n, unscored share and interval."""
    return rates.quality(
        sampled_traces,
        heuristic_scores,
        pl.concat([judge_scores, ragas_scores]),
        traces,
        lake.open().read(JUDGE_SPECS).unique("spec_id"),
        judging.embedded_specs(weights=weights())[0].spec_id,
    )
