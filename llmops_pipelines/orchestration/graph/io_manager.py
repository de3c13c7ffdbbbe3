"""Dagster's way in and out of the lake."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from importlib.metadata import version
from typing import Any, NamedTuple

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.graph.partitions import days_of
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.storage.lake import Inputs
from llmops_pipelines.tables import TABLES, Table

TABLE_KEY = "llmops/table"
VERSION = version("llmops-pipelines")


Rows = pl.DataFrame | Iterable[pl.DataFrame]
"""A frame, or several that share no key."""


class DayOutput(NamedTuple):
    """One day of an asset: its rows, the digests of what it read, and how to tell its figures.

    A day too large to be held comes in several frames; its figures are told from what was written.
    """

    day: date | None
    rows: Rows
    inputs: Inputs
    figures: Callable[[Any], Mapping[str, Any]] | None


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores assets as tables of the lake; streams a range of days one by one."""

    lake: LakeResource

    def handle_output(
        self, context: dg.OutputContext, obj: pl.DataFrame | Iterable[DayOutput]
    ) -> None:
        """Replace each partition; the data version is the digest of its rows."""
        table = table_of(context.definition_metadata)
        lake = self.lake.open()
        outputs = [DayOutput(None, obj, {}, None)] if isinstance(obj, pl.DataFrame) else obj
        digests = []
        for output in outputs:
            rows = whole(output.rows)
            digest = lake.write(table, rows, day=output.day, inputs=output.inputs)
            digests.append(digest)
            days = [output.day] if output.day else None
            kept = rows if isinstance(rows, pl.DataFrame) else lake.scan(table, days)
            record(
                context.step_context,
                context.asset_key,
                output.day,
                {
                    "dagster/row_count": kept.lazy().select(pl.len()).collect().item(),
                    "content_digest": digest,
                    "llmops_version": VERSION,
                    "computed_from": dg.MetadataValue.json(output.inputs),
                    **(output.figures(kept) if output.figures else {}),
                },
            )
        # A ranged run has one data version for all its days; the digest in each file stays true.
        if len(digests) == 1:
            set_data_version(context.step_context, context.asset_key, digests[0])

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        """The upstream table's rows of the days asked for, lazily."""
        upstream = context.upstream_output
        metadata = upstream.definition_metadata if upstream else context.definition_metadata
        table = table_of(metadata)
        days = days_of(context.asset_partition_keys) if context.has_asset_partitions else None
        return self.lake.open().scan(table, days)


def whole(rows: Rows) -> Rows:
    """``rows`` as one frame where they come in one, be it as the only one of several."""
    if isinstance(rows, pl.DataFrame):
        return rows
    pieces = iter(rows)
    first, second = next(pieces), next(pieces, None)
    return first if second is None else _one_by_one([first, second], pieces)


def _one_by_one(seen: list[pl.DataFrame], more: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """All of ``seen``, then ``more``; none is held once it was handed over."""
    while seen:
        yield seen.pop(0)
    yield from more


def table_of(metadata: Mapping[str, Any] | None) -> Table:
    """The table that an asset's definition metadata names."""
    return TABLES[str((metadata or {})[TABLE_KEY])]


def set_data_version(step_context: Any, key: dg.AssetKey, digest: str) -> None:
    """Set the data version of what the step is writing; the method is not public in Dagster."""
    step_context.set_data_version(key, dg.DataVersion(digest))


def record(
    step_context: Any, key: dg.AssetKey, day: date | None, figures: Mapping[str, Any]
) -> None:
    """Attach ``figures`` to the materialization of ``day``."""
    step_context.add_asset_metadata(
        metadata=dict(figures), asset_key=key, partition_key=day.isoformat() if day else None
    )
