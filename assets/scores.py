"""Scores: heuristics on every call, judges on the sample."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import daily, table_metadata
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.jobs import BATCHES, RESCORING
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.judging.asking import Occasion
from llmops_pipelines.orchestration.judging.endpoints import read_setup
from llmops_pipelines.orchestration.judging.judging import judge_sample, score_with_ragas, spend_of
from llmops_pipelines.orchestration.judging.rescoring import Rescoring, rescore
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.orchestration.upkeep.compaction import compact
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    EVALUATION_COSTS,
    HEURISTIC_SCORES,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    RAGAS_SCORES,
)

OWNER = "team:evaluation"


@daily(
    HEURISTIC_SCORES,
    group="evaluation",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_heuristics,
    deps=["call_texts", "step_texts", reference_key("features")],
)
def heuristic_scores(
    llm_calls: pl.DataFrame, lake: LakeResource, reference: ReferenceFolder, day: date
) -> pl.DataFrame:
    """Every call with text: lexical support, refusal, format, context utilisation."""
    return judging.heuristic_scores(
        llm_calls,
        kept_texts(lake.open(), day, llm_calls.lazy()).collect(),
        reference.read("features.yaml", Features),
    )


@daily(
    JUDGE_SCORES,
    group="evaluation",
    owner=OWNER,
    kinds={"openai", "sentence-transformers", BATCHES},
    figures=figures.of_verdicts,
    told=figures.of_quotes,
    deps=["call_texts", "step_texts", reference_key("features"), reference_key("rubrics")],
)
def judge_scores(
    sampled_traces: pl.LazyFrame,
    heuristic_scores: pl.LazyFrame,
    llm_calls: pl.LazyFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> Iterator[pl.DataFrame]:
    """What embedded scorers and LLM judges say of the sample; no verdict is paid for twice."""
    occasion = Occasion(lake.open(), read_setup(reference, judge), clock, day, run_id)
    return judge_sample(sampled_traces, heuristic_scores, llm_calls, occasion)


@daily_check(judge_scores)
def every_canary_came_back(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """Each judge gave the known verdict on the item that was put to it before its batch."""
    return checks.canaries_came_back(lake.open(), day)


@daily(
    RAGAS_SCORES,
    group="evaluation",
    owner=OWNER,
    kinds={"ragas", "openai"},
    figures=figures.of_verdicts,
    told=figures.of_quotes,
    deps=["call_texts", "step_texts", reference_key("features")],
)
def ragas_scores(
    sampled_traces: pl.LazyFrame,
    llm_calls: pl.LazyFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
    day: date,
    run_id: str,
) -> Iterator[pl.DataFrame]:
    """Faithfulness and answer relevancy by RAGAS, where a feature is judged by an endpoint."""
    occasion = Occasion(lake.open(), read_setup(reference, judge), clock, day, run_id)
    return score_with_ragas(sampled_traces, llm_calls, occasion)


@daily(
    EVALUATION_COSTS,
    group="evaluation",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_evaluation_costs,
)
def evaluation_costs(
    judge_scores: pl.LazyFrame,
    ragas_scores: pl.LazyFrame,
    lake: LakeResource,
    day: date,
) -> pl.DataFrame:
    """What judging the day cost by judge, apart from production spend; double payments counted."""
    return spend_of(pl.concat([judge_scores, ragas_scores]), lake.open(), day)


@dg.asset(group_name="evaluation", owners=[OWNER], kinds={"parquet"}, deps=[evaluation_costs])
def compacted_ledger_days(lake: LakeResource) -> dg.MaterializeResult[None]:
    """Days of `judge_calls` and `judge_ledger` whose many small parts became one."""
    return compact(lake)


@daily_check(judge_scores)
def every_item_has_a_final_outcome(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """Items that a cap or a fault left without a verdict; a later run takes them up."""
    return checks.all_judged(lake.open(), JUDGE_SCORES, day)


@daily_check(ragas_scores)
def every_ragas_item_has_a_final_outcome(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """The same for RAGAS metrics."""
    return checks.all_judged(lake.open(), RAGAS_SCORES, day)


@daily_check(evaluation_costs)
def no_verdict_was_paid_twice(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """One recorded charge per question: what was paid for an answer that was there already."""
    return checks.nothing_paid_twice(lake.open(), day)


@dg.asset(
    group_name=RESCORING,
    owners=[OWNER],
    kinds={"openai"},
    partitions_def=DAILY,
    deps=["sampled_traces", "llm_calls"],
    metadata=table_metadata(JUDGE_RESCORES),
)
def judge_rescores(
    context: dg.AssetExecutionContext,
    config: Rescoring,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
) -> dg.MaterializeResult[None]:
    """Past samples under a judge of your choice, for money: name `spec`, launch over any days."""
    return rescore(context, config, lake=lake, reference=reference, judge=judge, clock=clock)
