"""Who may see a feature's texts, and whether anybody is to be asked at all."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.judging.judges.item import Items
from llmops_pipelines.judging.judges.rubrics import Rubrics
from llmops_pipelines.judging.judges.specs import JudgeSpec, rubric_spec
from llmops_pipelines.reference import Features, RagasMetric

LOCAL = "local"
"""In features.yaml: embedded scorers only, no text leaves the machine."""


def judged_features(features: Features, endpoint: str) -> list[str]:
    """The features whose texts may go to the judge called ``endpoint``, by name.

    A feature says so itself, under ``judging:``. Nothing else switches judging on: not a key, not
    a URL, not a rubric.
    """
    return sorted(
        name for name, feature in features.features.items() if feature.judging == endpoint
    )


def features_judged(features: Features) -> list[str]:
    """The features whose texts may go to some endpoint, whichever it is, by name."""
    return sorted(
        name
        for name, feature in features.features.items()
        if feature.judging not in ("none", LOCAL)
    )


def features_by_ragas(
    features: Features, endpoint: str
) -> dict[tuple[RagasMetric, ...], list[str]]:
    """Judged features by the RAGAS metrics that ``endpoint`` is asked for; none want none."""
    asking: dict[tuple[RagasMetric, ...], list[str]] = {}
    for name in judged_features(features, endpoint):
        if metrics := features.of(name).ragas:
            asking.setdefault(metrics, []).append(name)
    return asking


def endpoint_specs(
    rubrics: Rubrics,
    features: Features,
    *,
    endpoint: str,
    model: str,
    logprobs: bool = False,
) -> list[JudgeSpec]:
    """The specs to ask of an endpoint; none where no feature wants it or no model is named.

    Args:
        rubrics: ``rubrics.yaml``.
        features: ``features.yaml``.
        endpoint: What features.yaml calls the judge.
        model: Model to request; empty where no judge is configured.
        logprobs: Whether scores are weighed by token probabilities.
    """
    wanted = judged_features(features, endpoint)
    if not wanted or not model:
        return []
    return [
        rubric_spec(name, rubric, model=model, logprobs=logprobs)
        for name, rubric in rubrics.rubrics.items()
        if rubric.features is None or set(rubric.features) & set(wanted)
    ]


def applies_to(spec: JudgeSpec, feature: str) -> bool:
    """Whether texts of ``feature`` are for ``spec``; a rubric may name the features it is for."""
    only = spec.rubric.features if spec.rubric else None
    return only is None or feature in only


def split_by_policy(
    items: Items, spec: JudgeSpec, features: Features, endpoint: str
) -> tuple[Items, Items]:
    """``items`` that ``spec`` may see at ``endpoint``, and those it must never be sent.

    Items of features that a rubric does not apply to are in neither.
    """
    if spec.rubric is not None and spec.rubric.features is not None:
        items = items.filter(pl.col("feature").is_in(list(spec.rubric.features)))
    allowed = pl.col("feature").is_in(judged_features(features, endpoint))
    return items.filter(allowed), items.filter(~allowed)
