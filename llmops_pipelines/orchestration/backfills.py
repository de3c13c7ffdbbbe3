"""Runs of one command as a backfill, so that Dagster's UI shows them as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

BACKFILL_TAG = "dagster/backfill"


def record_backfill(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    backfill_id: str,
    *,
    key: dg.AssetKey,
    days: Sequence[date],
    done: Sequence[date],
    failed: Sequence[date],
    began: float,
    title: str,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
) -> None:
    """Record that ``days`` of ``key`` were backfilled by runs tagged with ``backfill_id``.

    It is recorded once it has ended: a daemon would take one that is still open for its own work,
    and run it a second time.
    """
    graph = definitions.resolve_asset_graph()

    def of(some: Sequence[date]) -> PartitionBackfill:
        return PartitionBackfill.from_asset_partitions(
            backfill_id=backfill_id,
            asset_graph=graph,
            partition_names=[str(day) for day in some],
            asset_selection=[key],
            backfill_timestamp=began,
            tags=dict(tags),
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=title,
            description=None,
            run_config=run_config,
        )

    whole = of(days)
    blank = whole.get_asset_backfill_data(graph)

    def subset(some: Sequence[date]) -> Any:
        # Dagster has no word for a backfill of no days.
        return (
            of(some).get_asset_backfill_data(graph).target_subset
            if some
            else (blank.materialized_subset)
        )

    data = blank._replace(
        requested_runs_for_target_roots=True,
        requested_subset=subset([*done, *failed]),
        materialized_subset=subset(done),
        failed_and_downstream_subset=subset(failed),
    )
    status = (
        BulkActionStatus.COMPLETED_FAILED
        if failed
        else BulkActionStatus.COMPLETED_SUCCESS
        if len(done) == len(days)
        else BulkActionStatus.CANCELED
    )
    ended: Any = whole.with_asset_backfill_data(data, instance, graph)
    instance.add_backfill(ended.with_status(status))
