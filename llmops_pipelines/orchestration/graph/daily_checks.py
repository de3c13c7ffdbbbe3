"""Checks as propositions about one day: what the checks in ``assets/`` are written with."""

import inspect
from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from llmops_pipelines.orchestration.graph.partitions import DAILY, days_of


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
        def check(context: dg.AssetCheckExecutionContext) -> Any:
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
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
        blocking=spec.blocking,
        partition=day.isoformat(),
        target_materialization_data=_latest(run.instance, spec.asset_key, day),
    )


def _latest(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date
) -> AssetCheckEvaluationTargetMaterializationData | None:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day.isoformat()])
    for found in instance.fetch_materializations(wanted, limit=1).records:
        return AssetCheckEvaluationTargetMaterializationData(
            storage_id=found.storage_id, run_id=found.run_id, timestamp=found.timestamp
        )
    return None
