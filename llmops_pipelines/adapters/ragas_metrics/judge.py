"""One RAGAS metric as a judge, and the specs of those that are known here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from importlib import metadata

from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.ragas_metrics.answers import AnswerRelevancy, Faithfulness
from llmops_pipelines.adapters.ragas_metrics.asking import SAMPLING, Asked, built, current
from llmops_pipelines.adapters.ragas_metrics.contexts import (
    ContextPrecision,
    ContextRecall,
    ContextUtilization,
)
from llmops_pipelines.adapters.ragas_metrics.correctness import (
    AnswerCorrectness,
    FactualCorrectness,
)
from llmops_pipelines.adapters.ragas_metrics.metric import MAX_TOKENS, Metric
from llmops_pipelines.judging import (
    Embed,
    Estimate,
    Item,
    JudgeSpec,
    Question,
    Ruling,
    missing_field,
)
from llmops_pipelines.reference import NIGHTLY_RAGAS

METRICS: Mapping[str, Metric] = {
    "faithfulness": Faithfulness(),
    "answer_relevancy": AnswerRelevancy(),
    "context_utilization": ContextUtilization(),
    "context_precision": ContextPrecision(),
    "context_recall": ContextRecall(),
    "factual_correctness": FactualCorrectness(),
    "answer_correctness": AnswerCorrectness(),
}
"""By the name that is the metric; the last four need a reference answer."""


def ragas_specs(*, model: str, metrics: Iterable[str] = NIGHTLY_RAGAS) -> list[JudgeSpec]:
    """The specs of ``metrics``, judged by ``model``.

    RAGAS writes the prompts, so its version is part of them; so are the embedding's weights where
    they make the score.

    Raises:
        ValueError: There is no such metric here.
    """
    return [_spec(name, _known(name), model) for name in metrics]


def _spec(name: str, metric: Metric, model: str) -> JudgeSpec:
    versions = {"ragas": metadata.version("ragas")}
    return JudgeSpec(
        metric=name,
        kind="ragas",
        model=model,
        sees=metric.sees,
        requires=metric.sees,
        parameters={**SAMPLING, "max_tokens": float(MAX_TOKENS), **metric.options},
        versions=versions | ({"weights": minilm.weights()} if metric.embeds else {}),
    )


class RagasJudge:
    """One RAGAS metric as a judge."""

    def __init__(self, spec: JudgeSpec, embed: Embed = minilm.embed) -> None:
        self._metric = _known(spec.metric)
        self._spec = spec
        self._embed = embed

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        return self._spec

    def estimate(self, item: Item) -> Estimate:
        """Requests and tokens, from the lengths of RAGAS's prompts and of the material."""
        return self._metric.estimate(item)

    def inapplicable(self, item: Item) -> str | None:
        """RAGAS refuses empty fields; so do we, before asking."""
        return missing_field(item, self._spec)

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """RAGAS's score. Where RAGAS answers NaN, or a number for want of a reply, there is none.

        Each of the executor's workers is a task with a context of its own, so `current` is the
        item's.
        """
        asked = Asked(self._metric, self._spec, ask)
        current.set(asked)
        result = await built(self._metric, self._embed).ascore(**self._metric.material(item))
        value = float(result.value)
        if fault := self._metric.fault(asked.replies):
            return fault
        if math.isnan(value):
            return Ruling("unreadable", None, "RAGAS computed no score from the judge's replies")
        # A cosine may lie a rounding error above 1, or below 0 for an answer to something else.
        return Ruling("scored", min(max(value, 0.0), 1.0), self._metric.reason(asked.replies))


def _known(name: str) -> Metric:
    if name not in METRICS:
        raise ValueError(f"no RAGAS metric is called {name!r}; known are {', '.join(METRICS)}")
    return METRICS[name]
