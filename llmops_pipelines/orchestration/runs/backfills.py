"""Runs of one command as a backfill, so that Dagster's UI shows them as one while they go on.

The record is open from the start: status ``REQUESTED``, every day already requested. A daemon that
is at work on the same history takes up open backfills; finding nothing left to request it launches
nothing, and closes the record if it looks in the moment between two of our runs, when it sees none.
So each day opens it again, and the end is written by whoever ran the days.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.execution.backfill import (
    BulkActionsFilter,
    BulkActionStatus,
    PartitionBackfill,
)

BACKFILL_TAG = "dagster/backfill"

_CANCELED = (BulkActionStatus.CANCELING, BulkActionStatus.CANCELED)


class BackfillCanceledError(Exception):
    """Somebody cancelled the backfill in the UI; the message says so and what to do."""


@dataclass
class Backfill:
    """An open backfill of ``days`` of ``key``, whose runs somebody makes one by one."""

    instance: dg.DagsterInstance
    graph: Any
    backfill_id: str
    key: dg.AssetKey
    days: Sequence[date]
    tags: Mapping[str, str]
    done: list[date] = field(default_factory=list)
    failed: list[date] = field(default_factory=list)

    @property
    def run_tags(self) -> dict[str, str]:
        """What makes a run one of this backfill."""
        return {**self.tags, BACKFILL_TAG: self.backfill_id}

    def begin(self, day: date) -> None:
        """Show what is done so far; called right before the run of ``day``.

        Raises:
            BackfillCanceledError: Somebody does not want it to go on.
        """
        if self._stored.status in _CANCELED:
            raise BackfillCanceledError(
                f"canceled in Dagster's UI before {day}; {len(self.done):,} of {len(self.days):,} "
                "day(s) are done, and the same command goes on from there"
            )
        self._note(BulkActionStatus.REQUESTED, self.days)

    def end(self, day: date, *, well: bool) -> None:
        """Keep how the run of ``day`` ended; the next `begin`, or the end, shows it."""
        (self.done if well else self.failed).append(day)

    def close(self, status: BulkActionStatus) -> None:
        """End it; days that were never run are not shown as waited for any more."""
        self._note(status, [*self.done, *self.failed], ended=time.time())

    @property
    def _stored(self) -> PartitionBackfill:
        found = self.instance.get_backfill(self.backfill_id)
        if found is None:
            raise LookupError(f"backfill {self.backfill_id} is gone from Dagster's history")
        return found

    def _note(
        self, status: BulkActionStatus, requested: Sequence[date], ended: float | None = None
    ) -> None:
        stored = self._stored
        data = stored.get_asset_backfill_data(self.graph)._replace(
            requested_runs_for_target_roots=True,
            requested_subset=self._subset(requested),
            materialized_subset=self._subset(self.done),
            failed_and_downstream_subset=self._subset(self.failed),
            # Where a daemon begins to look for what our runs bring.
            latest_storage_id=self.instance.event_log_storage.get_maximum_record_id() or 0,
        )
        told = stored.with_asset_backfill_data(data, self.instance, self.graph)
        self.instance.update_backfill(told._replace(status=status, backfill_end_timestamp=ended))

    def _subset(self, days: Sequence[date]) -> AssetGraphSubset:
        partitions = {AssetKeyPartitionKey(self.key, str(day)) for day in days}
        return AssetGraphSubset.from_asset_partition_set(partitions, self.graph)


@contextmanager
def backfill_of(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    backfill_id: str,
    *,
    key: dg.AssetKey,
    days: Sequence[date],
    title: str,
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
) -> Iterator[Backfill]:
    """Have the runs made inside shown as one backfill, in progress until its end.

    It ends as completed, with or without failed days; as canceled where somebody stopped it, here
    or in the UI; as failed where an error ended it.
    """
    graph = definitions.resolve_asset_graph()
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id=backfill_id,
            asset_graph=graph,
            partition_names=[str(day) for day in days],
            asset_selection=[key],
            backfill_timestamp=time.time(),
            tags=dict(tags),
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=title,
            description=None,
            run_config=run_config,
        )
    )
    found = Backfill(instance, graph, backfill_id, key, days, tags)
    found.begin(days[0])
    status = BulkActionStatus.FAILED
    try:
        yield found
        status = (
            BulkActionStatus.COMPLETED_FAILED
            if found.failed
            else BulkActionStatus.COMPLETED_SUCCESS
        )
    except (KeyboardInterrupt, BackfillCanceledError):
        status = BulkActionStatus.CANCELED
        raise
    finally:
        found.close(status)


def close_abandoned(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> list[str]:
    """Mark open backfills with ``tags`` as failed, and say which they were.

    For a command that is known to be the only one of its kind: whoever opened them was killed.
    """
    wanted = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING])
    # Dagster's own filter by tags looks at those of runs, of which there may be none yet.
    left = [
        found
        for found in instance.get_backfills(filters=wanted)
        if tags.items() <= found.tags.items()
    ]
    for backfill in left:
        instance.update_backfill(
            backfill._replace(status=BulkActionStatus.FAILED, backfill_end_timestamp=time.time())
        )
    return [backfill.backfill_id for backfill in left]
