"""How well the answers are: rates with intervals."""

from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import judging
from llmops_pipelines import quality as rates
from llmops_pipelines.adapters.minilm import weights
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import daily, table_metadata
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.judging.judges import bridges_of, coverage_of, history_of
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.tables import JUDGE_BRIDGES, JUDGE_COVERAGE, JUDGE_SPECS, QUALITY

OWNER = "team:evaluation"


@daily(
    QUALITY,
    group="quality",
    owner=OWNER,
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


@daily_check(quality)
def served_snapshots_hold(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """No judge's model name was answered by another snapshot than the last time before."""
    return checks.snapshots_hold(lake.open(), day)


@dg.asset(
    group_name="quality",
    owners=[OWNER],
    kinds={"polars", "matplotlib"},
    deps=["judge_scores", "ragas_scores"],
    metadata=table_metadata(JUDGE_COVERAGE),
)
def judge_coverage(lake: LakeResource) -> dg.Output[pl.DataFrame]:
    """Day by judge: done, partial, missing or failed, with a picture of the last weeks."""
    grid = coverage_of(lake.open())
    return dg.Output(grid, metadata=dict(figures.of_coverage(grid)))


@dg.asset(
    group_name="quality",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=["judge_scores", "ragas_scores", quality],
    metadata=table_metadata(JUDGE_BRIDGES),
)
def judge_bridges(lake: LakeResource) -> dg.Output[pl.DataFrame]:
    """What a change of judge did to scores: the same items under both, and the lines it parts."""
    bridges = bridges_of(lake.open())
    return dg.Output(bridges, metadata=dict(figures.of_bridges(bridges, history_of(lake.open()))))
