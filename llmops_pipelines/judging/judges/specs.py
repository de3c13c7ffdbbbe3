"""Judge specs: a judge as it is known before paying, and the digest that is its identity.

A spec holds what shapes a verdict: what is asked, the assembled prompt, the model requested, its
parameters, and the versions of whatever else writes the prompt. Where the judge is reached, and
with which key, is no part of it; which snapshot answered and which libraries took part stands
beside each verdict. Rates never pool over specs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from llmops_pipelines.judging.heuristics import support
from llmops_pipelines.judging.judges import escaping
from llmops_pipelines.judging.judges.rubrics import Canary, Rubric, Rubrics, VisibleField
from llmops_pipelines.tables import JUDGE_SPECS

SPEC_ID_DIGITS = 16

LOGPROBS = "logprobs"
"""The parameter of a spec whose scores are weighed by token probabilities."""


class JudgeSpec(BaseModel):
    """One judge of one metric.

    An optional field added later must default to None: nulls stay out of the digest, so the ids of
    older specs hold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(description="What it measures.")
    kind: Literal["embedded", "rubric", "ragas", "deepeval", "jury", "entailment"]
    model: str = Field(description="Requested model, or the embedded scorer's name.")
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"
    sees: tuple[VisibleField, ...] = Field(description="Fields it is shown.")
    requires: tuple[VisibleField, ...] = Field(description="Fields it cannot do without.")
    rubric: Rubric | None = Field(None, description="What a rubric judge is asked.")
    steps: tuple[str, ...] | None = Field(None, description="What G-Eval checks, step by step.")
    parameters: dict[str, float] = Field(default_factory=dict, description="Sampling and limits.")
    versions: dict[str, str] = Field(
        default_factory=dict, description="Versions that write the prompt or the score."
    )

    @property
    def weighs(self) -> bool:
        """Whether a score is the expectation over what the judge nearly said."""
        return bool(self.parameters.get(LOGPROBS))

    @cached_property
    def text(self) -> str:
        """The spec as canonical JSON: sorted keys, no spaces, nulls left out."""
        content = self.model_dump(mode="json", exclude_none=True)
        if self.rubric is not None:
            # Which features use a rubric and how it is tried out do not change what it asks.
            for name in ("features", "canaries"):
                content["rubric"].pop(name, None)
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def spec_id(self) -> str:
        """SHA-256 of `text`, first 16 hex digits."""
        return sha256(self.text.encode()).hexdigest()[:SPEC_ID_DIGITS]


def read_spec(text: str) -> JudgeSpec:
    """The spec whose `text` this is: a verdict's judge can be rebuilt from ``judge_specs``."""
    return JudgeSpec.model_validate_json(text)


def asked_of_all(spec: JudgeSpec, rubrics: Rubrics, *, model: str) -> JudgeSpec:
    """``spec`` as ``model`` judges by it, whatever features nights ask its rubric about.

    A rubric that is still in use brings its canaries along, of which a kept spec knows nothing.
    """
    spec = with_canaries(spec, rubrics)
    # Built anew from its fields: a copy would take the id along that the spec had before.
    fields = {name: getattr(spec, name) for name in JudgeSpec.model_fields} | {"model": model}
    if spec.rubric is None:
        return JudgeSpec(**fields)
    return JudgeSpec(**fields | {"rubric": spec.rubric.model_copy(update={"features": None})})


def with_canaries(spec: JudgeSpec, rubrics: Rubrics) -> JudgeSpec:
    """``spec`` with the canaries of its rubric in ``rubrics``; without any if that has changed."""
    if spec.rubric is None:
        return spec
    current = rubrics.rubrics.get(spec.metric)
    canaries: tuple[Canary, ...] = ()
    if current:
        in_use = rubric_spec(spec.metric, current, model=spec.model, logprobs=spec.weighs)
        canaries = current.canaries if in_use.spec_id == spec.spec_id else ()
    # Canaries are no part of the id, so that the copy may keep it.
    return spec.model_copy(update={"rubric": spec.rubric.model_copy(update={"canaries": canaries})})


def rubric_spec(name: str, rubric: Rubric, *, model: str, logprobs: bool = False) -> JudgeSpec:
    """The spec of ``model`` judging by ``rubric``.

    With ``logprobs`` a score is the mean over the verdicts the judge nearly gave, each weighed by
    its probability: another score, hence another spec. Pairs are not weighed: their verdict has to
    survive an exchange, which a mean does not tell.
    """
    weighing = {LOGPROBS: 1.0} if logprobs and rubric.swap is None else {}
    return JudgeSpec(
        metric=name,
        kind="rubric",
        model=model,
        direction=rubric.direction,
        sees=rubric.sees,
        requires=rubric.requires,
        rubric=rubric,
        parameters={
            "temperature": rubric.temperature,
            "max_tokens": rubric.max_tokens,
            **weighing,
        },
        versions={"escaping": str(escaping.VERSION)},
    )


def embedded_specs(*, weights: str) -> tuple[JudgeSpec, JudgeSpec]:
    """The specs of the embedded ``support`` and ``relevance`` scorers.

    Args:
        weights: Package and version of the sentence embedding, such as ``minilm 1.0``.
    """
    return (
        JudgeSpec(
            metric="support",
            kind="embedded",
            model="lexical-support",
            sees=("question", "answer", "contexts"),
            requires=("answer", "contexts"),
            parameters=dict(support.SPREADS),
            versions={"support": str(support.VERSION)},
        ),
        JudgeSpec(
            metric="relevance",
            kind="embedded",
            model="minilm-cosine",
            sees=("question", "answer"),
            requires=("question", "answer"),
            versions={"weights": weights},
        ),
    )


def judge_specs(specs: Iterable[JudgeSpec]) -> pl.DataFrame:
    """``JUDGE_SPECS``, one row a spec; equal specs once."""
    rows: dict[str, dict[str, Any]] = {
        spec.spec_id: {
            "spec_id": spec.spec_id,
            "metric": spec.metric,
            "kind": spec.kind,
            "model": spec.model,
            "spec": spec.text,
        }
        for spec in specs
    }
    return JUDGE_SPECS.require(pl.DataFrame(list(rows.values()), schema=JUDGE_SPECS.schema))
