"""Assets as functions of one day: what ``assets/`` is written with.

``@daily`` turns ``(frames of the day, resources) -> frame`` into a partitioned Dagster asset.
Dagster may ask it for a range of days; it then computes and writes one day after the other.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.graph.conditions import Inputs, Rule, on_changed_inputs
from llmops_pipelines.orchestration.graph.io_manager import TABLE_KEY, DayOutput, Rows
from llmops_pipelines.orchestration.graph.partitions import DAILY, days_of
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import LANDED_DAYS, TABLES, Table

INPUTS_KEY = "llmops/inputs"
MAX_DAYS_PER_RUN = 30


@dataclass(frozen=True)
class LastDays:
    """Annotates an input that holds the ``count`` days that end with the asset's own."""

    count: int


@dataclass(frozen=True)
class _Parameters:
    """What an asset function asks for: inputs (table to days), which of them lazily, resources."""

    windows: Mapping[str, int]
    lazy: frozenset[str]
    resources: frozenset[str]
    of_run: frozenset[str]


def daily(
    table: Table,
    *,
    group: str,
    owner: str,
    kinds: set[str],
    deps: Sequence[str | dg.AssetKey] = (),
    figures: Callable[[Any], Mapping[str, Any]] | None = None,
    told: Callable[[Lake, date, str], Mapping[str, Any]] | None = None,
    condition: Callable[[Inputs], Rule] | None = on_changed_inputs,
) -> Callable[[Callable[..., Rows]], dg.AssetsDefinition]:
    """Make a daily asset that stores ``table`` from a function of one day.

    The function returns a frame, or several that share no key: a day need not be held whole.

    Parameters of the function named like a table receive its rows of the day (of several days if
    annotated with ``LastDays``), as DataFrame or LazyFrame by annotation; ``day`` and ``run_id``
    receive those of the run; other parameters receive the resource of their name. ``figures`` makes
    metadata from the result, ``told`` from what lake, day and run id tell of how it came about;
    without ``condition`` the asset runs only when asked.
    """

    def decorate(compute: Callable[..., Rows]) -> dg.AssetsDefinition:
        asked = _parameters(compute)
        name = compute.__name__

        @dg.asset(
            name=name,
            description=inspect.getdoc(compute),
            group_name=group,
            owners=[owner],
            kinds=kinds,
            partitions_def=DAILY,
            backfill_policy=dg.BackfillPolicy.multi_run(MAX_DAYS_PER_RUN),
            automation_condition=condition(inputs_of(asked.windows)) if condition else None,
            metadata=table_metadata(table) | {INPUTS_KEY: dict(asked.windows)},
            ins={
                source: dg.AssetIn(
                    key=source,
                    partition_mapping=_mapping(source, days),
                    metadata={TABLE_KEY: source},
                )
                for source, days in asked.windows.items()
            },
            deps=list(deps),
            required_resource_keys={"lake", *asked.resources},
            io_manager_key="io_manager",
        )
        def asset(context: dg.AssetExecutionContext, **inputs: pl.LazyFrame) -> dg.Output[Any]:
            return dg.Output(_outputs(context, inputs))

        def _outputs(
            context: dg.AssetExecutionContext, inputs: Mapping[str, pl.LazyFrame]
        ) -> Iterator[DayOutput]:
            resources = {key: getattr(context.resources, key) for key in asked.resources}
            lake: Lake = context.resources.lake.open()
            for day in days_of(list(context.partition_keys)):
                read = input_digests(lake, asked.windows, day)
                frames: dict[str, Any] = {
                    source: frame if source in asked.lazy else frame.collect()
                    for source, frame in _of_day(inputs, asked.windows, day)
                }
                run = {"day": day, "run_id": context.run.run_id}
                asked_of_run = {name: run[name] for name in asked.of_run}
                rows = compute(**frames, **resources, **asked_of_run)
                beside = partial(told, lake, day, context.run.run_id) if told else None
                yield DayOutput(day, rows, read, _shown(figures, beside))

        return asset

    return decorate


def _shown(
    figures: Callable[[Any], Mapping[str, Any]] | None,
    beside: Callable[[], Mapping[str, Any]] | None,
) -> Callable[[Any], Mapping[str, Any]] | None:
    """Figures of the rows, with those that stand beside them; made once the rows are written."""
    if beside is None:
        return figures
    return lambda rows: {**(figures(rows) if figures else {}), **beside()}


def input_digests(lake: Lake, windows: Mapping[str, int], day: date) -> dict[str, dict[str, str]]:
    """Digests of the partitions that an asset of ``day`` reads; days without one are left out.

    Tables without days (prices, golden cases) are not listed: a change of theirs does not restale
    history by itself.
    """
    return {
        source: {
            past.isoformat(): stored.digest
            for past in last_days(day, count)
            if (stored := lake.stored(TABLES[source], past))
        }
        for source, count in windows.items()
        if TABLES[source].partitioned
    }


def inputs_of(
    windows: Mapping[str, int], key_of: Callable[[str], dg.AssetKey] = dg.AssetKey
) -> Inputs:
    """What the rules of an asset with ``windows`` must know; ``key_of`` names an asset's key."""
    windowed = [key_of(source) for source, days in windows.items() if days > 1]
    return Inputs(windowed, anchor=key_of(LANDED_DAYS.name))


def table_metadata(table: Table) -> dict[str, Any]:
    """Column schema and table of an asset, for Dagster's catalogue."""
    return {
        TABLE_KEY: table.name,
        "row": table.row,
        "key": ", ".join(table.key),
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=column.name,
                    type=str(column.dtype),
                    description=column.description,
                    tags={"unit": column.unit} if column.unit else None,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable),
                )
                for column in table.columns
            ]
        ),
    }


def _parameters(compute: Callable[..., Any]) -> _Parameters:
    hints = get_type_hints(compute, include_extras=True)
    windows: dict[str, int] = {}
    lazy, resources, of_run = set(), set(), set()
    for name in inspect.signature(compute).parameters:
        hint, days = hints[name], 1
        if get_origin(hint) is Annotated:
            hint, window = get_args(hint)
            days = window.count
        if name in ("day", "run_id"):
            of_run.add(name)
            continue
        if name in TABLES:
            windows[name] = days
            if hint is pl.LazyFrame:
                lazy.add(name)
        else:
            resources.add(name)
    return _Parameters(windows, frozenset(lazy), frozenset(resources), frozenset(of_run))


def _mapping(source: str, days: int) -> dg.PartitionMapping | None:
    if not TABLES[source].partitioned or days == 1:
        return None
    return dg.TimeWindowPartitionMapping(
        start_offset=1 - days, allow_nonexistent_upstream_partitions=True
    )


def _of_day(
    inputs: Mapping[str, pl.LazyFrame], windows: Mapping[str, int], day: date
) -> Iterator[tuple[str, pl.LazyFrame]]:
    for source, frame in inputs.items():
        if TABLES[source].partitioned:
            first = day - timedelta(days=windows[source] - 1)
            yield source, frame.filter(pl.col("day").is_between(first, day))
        else:
            yield source, frame
