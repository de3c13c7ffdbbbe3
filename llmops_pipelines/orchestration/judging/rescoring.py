"""Past days judged anew because somebody asked, by a judge that nights do not ask about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from llmops_pipelines import judging
from llmops_pipelines.orchestration.graph.partitions import days_of
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.judging.asking import Occasion, alone_with
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, read_setup
from llmops_pipelines.orchestration.judging.judge_quotes import quotes_of
from llmops_pipelines.orchestration.judging.judging import collect_day, judge_asked, seats_for
from llmops_pipelines.orchestration.judging.quoting import spec_called
from llmops_pipelines.orchestration.judging.sampled_items import items_of
from llmops_pipelines.tables import JUDGE_RESCORES

RESCORE_TAG = "llmops/rescore"
"""On every run of one rescoring: they spend from one purse, and are found together."""

_BACKFILL_TAG = "dagster/backfill"


class Rescoring(dg.Config):
    """Which judge is to judge."""

    spec: str = Field(description="Id of a judge spec, a rubric, or a metric.")
    model: str = Field("", description="Another model than JUDGE_MODEL, or than the spec's own.")
    repetition: int = Field(
        0, ge=0, description="0: what has no verdict; 1, 2, ...: the same judge once more."
    )


def rescore(
    context: dg.AssetExecutionContext,
    asked: Rescoring,
    *,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
) -> dg.MaterializeResult[None]:
    """Judge the sampled calls of the run's days, however old, paying only for what is missing.

    Raises:
        UnknownSpecError: No such judge.
        ValueError: No endpoint is set that may be asked.
    """
    opened, setup = lake.open(), read_setup(reference, judge)
    spec = spec_called(asked.spec, opened, setup, override=asked.model or None)
    tags = context.run.tags
    run_id = tags.get(RESCORE_TAG) or tags.get(_BACKFILL_TAG) or context.run.run_id
    if problem := unreachable(spec, setup):
        raise ValueError(problem)
    days = days_of(list(context.partition_keys))
    told = [
        rescore_day(spec, Occasion(opened, setup, clock, day, run_id), repetition=asked.repetition)
        for day in days
    ]
    return dg.MaterializeResult(
        metadata={
            "spec_id": spec.spec_id,
            "repetition": asked.repetition,
            **_merged(days, told),
        }
    )


def rescore_day(
    spec: judging.JudgeSpec, occasion: Occasion, *, repetition: int = 0
) -> Mapping[str, Any]:
    """Judge one day, put on record what came of it, and return that to be shown.

    What the day's batches have brought by now is taken in first, or it would count as pending.
    """
    lake, clock, day, run_id = occasion.lake, occasion.clock, occasion.day, occasion.run_id
    collect_day(lake, occasion.setup, clock, day)
    with items_of(lake, day) as items:
        verdicts = judge_asked(items, spec, occasion, repetition=repetition)
    row = rescored(verdicts, spec, run_id=run_id, repetition=repetition).with_columns(
        rescored_at=pl.lit(clock.now())
    )
    # Another judge may be rescoring the day: its row must not be written over.
    with alone_with(day, "rescores", occasion.setup.judge):
        others = lake.read(JUDGE_RESCORES, [day]).filter(
            (pl.col("spec_id") != spec.spec_id) | (pl.col("repetition") != repetition)
        )
        lake.write(JUDGE_RESCORES, pl.concat([others.select(row.columns), row]), day=day)
    return {**row.drop("rescored_at").row(0, named=True), **quotes_of(lake, day, run_id)}


def unreachable(spec: judging.JudgeSpec, setup: JudgeSetup) -> str | None:
    """Why ``spec`` can be asked nowhere, and what to do; None if it can."""
    if any(seat.endpoint.configured for seat in seats_for(spec, setup)):
        return None
    return (
        "no endpoint to ask: set JUDGE_BASE_URL (root of an OpenAI-compatible endpoint, ending in "
        "/v1), JUDGE_API_KEY if it wants one, and `judging: judge` for features in features.yaml; "
        "or the variables that judges.yaml names"
    )


def rescored(
    verdicts: pl.DataFrame, spec: judging.JudgeSpec, *, run_id: str, repetition: int = 0
) -> pl.DataFrame:
    """One row of ``JUDGE_RESCORES``, but for its clock."""
    outcomes = verdicts["outcome"]

    def counted(*names: str) -> int:
        return int(outcomes.is_in(names).sum())

    return pl.DataFrame(
        {
            "spec_id": [spec.spec_id],
            "repetition": [repetition],
            "metric": [spec.metric],
            "items": [verdicts.height],
            "judged": [counted(*judging.FINAL)],
            "scored": [counted("scored")],
            "failed": [counted("failed")],
            "over_budget": [counted("over_budget")],
            "over_policy": [counted("over_policy")],
            "pending": [counted(judging.PENDING)],
            "run_id": [run_id],
        },
        schema={n: t for n, t in JUDGE_RESCORES.schema.items() if n != "rescored_at"},
    )


def _merged(days: list[date], told: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all days, and each day's record."""
    counts = ("items", "judged", "scored", "failed", "over_budget", "over_policy", "pending")
    return {
        **{name: sum(int(each[name]) for each in told) for name in counts},
        "days": dg.MetadataValue.json(
            [{"day": str(day), **each} for day, each in zip(days, told, strict=True)]
        ),
    }
