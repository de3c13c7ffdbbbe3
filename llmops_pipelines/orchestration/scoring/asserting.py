"""Rulings on the judged assertions of a promptfoo configuration, through the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.judging import promptfoo
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.judging.asking import Occasion
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup
from llmops_pipelines.orchestration.judging.judging import judge_items
from llmops_pipelines.reference import Feature, Features


def rule_by_ledger(
    *, lake: LakeResource, reference: ReferenceFolder, judge: Judge, clock: Clock
) -> promptfoo.Rule:
    """Ask ``judge``; one purse and one run for all that is asked.

    Outputs that name a feature are held to what features.yaml says of it; those that name none are
    sent, because the command was given to do so.
    """
    features = reference.read("features.yaml", Features)
    of_command = {promptfoo.FEATURE: Feature(judging=judge.name)}
    features = features.model_copy(update={"features": {**features.features, **of_command}})
    opened, setup, run_id = lake.open(), JudgeSetup(judge, features), uuid4().hex

    def rule(kind: promptfoo.Kind, items: pl.DataFrame) -> Mapping[str, judging.Ruling]:
        spec = _spec(kind, judge.model)
        occasion = Occasion(opened, setup, clock, clock.today(), run_id)
        scores = judge_items(items, [spec], occasion)
        rulings = {
            row["call_id"]: judging.Ruling(row["outcome"], row["score"], row["reason"])
            for row in scores.iter_rows(named=True)
        }
        forbidden = judging.Ruling(
            "over_policy",
            None,
            f"features.yaml does not let its feature's texts go to {judge.name}",
        )
        return {call_id: rulings.get(call_id, forbidden) for call_id in items["call_id"]}

    return rule


def _spec(kind: promptfoo.Kind, model: str) -> judging.JudgeSpec:
    if kind.rubric is not None:
        return judging.rubric_spec(kind.metric, kind.rubric, model=model)
    from llmops_pipelines.adapters.ragas_metrics import ragas_specs

    return ragas_specs(model=model, metrics=[kind.metric])[0]
