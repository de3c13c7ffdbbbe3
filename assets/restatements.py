"""What past days cost before a price was put right, and after."""

import dagster as dg

from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.jobs import REPRICING
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.runs.repricing import Repricing, record_days
from llmops_pipelines.tables import PRICE_RESTATEMENTS


@dg.asset(
    group_name=REPRICING,
    owners=["team:finops"],
    kinds={"polars", "parquet"},
    partitions_def=DAILY,
    deps=["llm_calls"],
    metadata=table_metadata(PRICE_RESTATEMENTS),
)
def price_restatements(
    context: dg.AssetExecutionContext,
    config: Repricing,
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
) -> dg.MaterializeResult[None]:
    """Both figures of a day that `llmops reprice` is about to price again; none is overwritten."""
    return record_days(context, config, lake=lake, reference=reference, clock=clock)
