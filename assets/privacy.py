"""What leaves the lake again."""

import dagster as dg

from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.landing.retention import expire_old_days
from llmops_pipelines.tables import ERASURES


@dg.asset(
    group_name="privacy",
    owners=["team:llm-platform"],
    kinds={"polars", "parquet"},
    metadata=table_metadata(ERASURES),
    deps=[reference_key("privacy")],
)
def erasures(
    lake: LakeResource, reference: ReferenceFolder, clock: Clock
) -> dg.MaterializeResult[None]:
    """Days older than the retention of their table are taken out; what went is counted."""
    return expire_old_days(lake, reference, clock)
