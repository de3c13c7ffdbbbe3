"""Checks as propositions about one day: what the checks in ``assets/`` are written with."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from llmops_pipelines.orchestration.partitions import DAILY, days_of


def daily_check(
    asset: dg.AssetsDefinition, *, blocking: bool = False
) -> Callable[[Callable[..., dg.AssetCheckResult]], dg.AssetChecksDefinition]:
    """Make a check of a daily asset from a function of one day.

    The function's parameter ``day`` receives the day, others the resource of their name. Each day
    has a verdict of its own, in a run over a range too: a good day never vouches for a bad one.
    """

    def decorate(judge: Callable[..., dg.AssetCheckResult]) -> dg.AssetChecksDefinition:
        resources = set(inspect.signature(judge).parameters) - {"day"}

        @dg.asset_check(
            asset=asset,
            name=judge.__name__,
            description=inspect.getdoc(judge),
            blocking=blocking,
            partitions_def=DAILY,
            required_resource_keys=resources,
        )
        def check(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
            run = context.op_execution_context
            given = {name: getattr(run.resources, name) for name in resources}
            (spec,) = context.check_specs
            for day in days_of(run.partition_keys):
                yield _evaluation(run, spec, day, judge(day=day, **given))
            yield dg.Output(None)

        return check

    return decorate


def _evaluation(
    run: dg.OpExecutionContext, spec: dg.AssetCheckSpec, day: date, result: dg.AssetCheckResult
) -> dg.AssetCheckEvaluation:
    """The verdict on ``day``, tied to the materialization it speaks of."""
    found = run.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=spec.asset_key, asset_partitions=[day.isoformat()]),
        limit=1,
    ).records
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
        blocking=spec.blocking,
        partition=day.isoformat(),
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            found[0].storage_id, found[0].run_id, found[0].timestamp
        )
        if found
        else None,
    )
