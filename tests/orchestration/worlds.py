"""Small worlds for the orchestration tests: a lake in a folder and two assets over its days."""

from datetime import date
from typing import Annotated

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.graph.daily import LastDays, daily, table_metadata
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.tables import BUDGET_STATUS, LANDED_DAYS, PROMETHEUS_METRICS

FIRST, SECOND, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)


def landed(**files: str) -> pl.DataFrame:
    """``LANDED_DAYS`` rows: file name to digest."""
    nothing = {"elsewhere": [], "said_before": [], "tried_before": []}
    return pl.DataFrame(
        [
            {"source_file": file, "digest": digest, "batch": "b"} | nothing
            for file, digest in files.items()
        ],
        schema=LANDED_DAYS.schema,
    )


def status(scope: str, calls: int) -> dict[str, object]:
    """One ``BUDGET_STATUS`` row."""
    return {
        "kind": "total",
        "scope": scope,
        "period": "day",
        "period_days": 1,
        "report_timezone": "UTC",
        "budget": None,
        "spent": None,
        "share": None,
        "unpriced_calls": calls,
        "status": "no_data",
        "hint": None,
    }


@daily(BUDGET_STATUS, group="costs", owner="team:finops", kinds={"polars"})
def budget_status(landed_days: pl.DataFrame) -> pl.DataFrame:
    """Counts the files of a day."""
    return pl.DataFrame([status("total", landed_days.height)], schema=BUDGET_STATUS.schema)


@daily(PROMETHEUS_METRICS, group="reports", owner="team:finops", kinds={"polars"})
def prometheus_metrics(
    budget_status: Annotated[pl.LazyFrame, LastDays(2)], day: date
) -> pl.DataFrame:
    """Sums two days."""
    total = budget_status.select(pl.col("unpriced_calls").sum()).collect().item()
    return pl.DataFrame(
        [{"sample": f"files_to_{day}", "value": float(total)}], schema=PROMETHEUS_METRICS.schema
    )


LANDED = dg.AssetSpec("landed_days", partitions_def=DAILY, metadata=table_metadata(LANDED_DAYS))
ASSETS = [LANDED, budget_status, prometheus_metrics]
SPECS = [spec for asset in ASSETS[1:] for spec in asset.specs]


def resources(root: str) -> dict[str, object]:
    """What the assets need, on a lake at ``root``."""
    lake = LakeResource(root=root)
    return {"lake": lake, "io_manager": LakeIOManager(lake=lake)}


def materialize(root: str, instance: dg.DagsterInstance, first: date, last: date | None = None):
    """Run both assets over one day, or over a range in one run."""
    if last is None:
        return dg.materialize(
            ASSETS, partition_key=str(first), instance=instance, resources=resources(root)
        )
    job = dg.Definitions(
        assets=ASSETS, resources=resources(root), jobs=[dg.define_asset_job("all", "*")]
    ).resolve_job_def("all")
    return job.execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": str(first),
            "dagster/asset_partition_range_end": str(last),
        },
    )
