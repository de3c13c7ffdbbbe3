"""DeepEval metrics as judges: DeepEval writes the prompts and the score; asking is ours.

An optional guest: it needs the ``deepeval`` extra. Its reasons are not bought, which saves a
request an item: they are read from the verdicts. Its telemetry, tracing and notices stay off.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from types import SimpleNamespace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llmops_pipelines.judging import (
    Estimate,
    Item,
    JudgeSpec,
    Message,
    Question,
    Request,
    Ruling,
    UnreadableReplyError,
    estimated_tokens,
    missing_field,
    strict_schema,
    unfenced,
)
from llmops_pipelines.judging.judges.rubrics import VisibleField

_Model = TypeVar("_Model", bound=BaseModel)

_MAX_TOKENS = 3_000
_SILENT = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_UPDATE_WARNING_OPT_IN": "NO",
    "CONFIDENT_TRACE_FLUSH": "NO",
    "DEEPEVAL_DISABLE_DOTENV": "1",
}


@dataclass(frozen=True)
class _Metric:
    """One metric of ``deepeval.metrics``; 1 is good in all of them."""

    class_name: str
    sees: tuple[VisibleField, ...]
    parts: str | None
    """What it breaks the answer into before it asks for verdicts; None where it does not."""
    counted: str
    """What a passing verdict is a verdict on."""
    passing: tuple[str, ...]
    prompt_chars: tuple[int, ...]
    """Length of DeepEval 4.3's prompts around the material, for quotes."""


METRICS: Mapping[str, _Metric] = {
    "deepeval_hallucination": _Metric(
        "HallucinationMetric", ("answer", "contexts"),
        None, "contexts agree with the answer", ("yes",), (1_900,),
    ),
    "deepeval_answer_relevancy": _Metric(
        "AnswerRelevancyMetric", ("question", "answer"),
        "statements", "statements are relevant", ("yes", "borderline"), (1_200, 1_310),
    ),
    "deepeval_bias": _Metric(
        "BiasMetric", ("answer",),
        "opinions", "opinions are unbiased", ("no",), (760, 2_050),
    ),
    "deepeval_toxicity": _Metric(
        "ToxicityMetric", ("answer",),
        "opinions", "opinions are not toxic", ("no",), (1_050, 3_150),
    ),
}  # fmt: skip
"""By the name that is the metric; `g_eval_spec` makes the fifth."""

_G_EVAL_PROMPT_CHARS = 1_040
_PARAMS: Mapping[str, str] = {
    "question": "INPUT", "answer": "ACTUAL_OUTPUT", "contexts": "RETRIEVAL_CONTEXT",
    "reference": "EXPECTED_OUTPUT",
}  # fmt: skip


def deepeval_specs(*, model: str, metrics: tuple[str, ...] = tuple(METRICS)) -> list[JudgeSpec]:
    """The specs of ``metrics``, judged by ``model``.

    Raises:
        ValueError: There is no such metric here.
        ModuleNotFoundError: The ``deepeval`` extra is not installed.
    """
    return [_spec(name, _known(name).sees, model) for name in metrics]


def g_eval_metric(name: str) -> str:
    """What G-Eval checking what ``name`` names is called in the ledger."""
    return f"g_eval_{name}"


def g_eval_spec(
    name: str,
    *,
    model: str,
    steps: tuple[str, ...],
    sees: tuple[VisibleField, ...] = ("question", "answer"),
) -> JudgeSpec:
    """The spec of G-Eval checking ``steps``, as the metric ``g_eval_metric(name)``.

    G-Eval can have the steps written by the judge from a criterion, anew for each item: two items
    would then be held against different steps, and nothing known before paying would say which.

    Raises:
        ValueError: There are no steps, or a field that DeepEval has no place for.
        ModuleNotFoundError: The ``deepeval`` extra is not installed.
    """
    if not steps:
        raise ValueError("G-Eval needs its steps: at least one sentence that says what to check")
    if unknown := set(sees) - set(_PARAMS):
        raise ValueError(f"G-Eval cannot be shown {', '.join(sorted(unknown))}")
    return _spec(g_eval_metric(name), sees, model, steps=steps)


def _spec(
    name: str, sees: tuple[VisibleField, ...], model: str, steps: tuple[str, ...] | None = None
) -> JudgeSpec:
    return JudgeSpec(
        metric=name,
        kind="deepeval",
        model=model,
        sees=sees,
        requires=sees,
        steps=steps,
        parameters={"temperature": 0.0, "max_tokens": float(_MAX_TOKENS)},
        versions={"deepeval": _version()},
    )


def _version() -> str:
    try:
        return metadata.version("deepeval")
    except metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError(
            "DeepEval metrics need the package: pip install '.[deepeval]' in the checkout, into an "
            "environment of its own"
        ) from error


class DeepEvalJudge:
    """One DeepEval metric as a judge."""

    def __init__(self, spec: JudgeSpec) -> None:
        self._metric = None if spec.steps else _known(spec.metric)
        self._spec = spec

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        return self._spec

    def estimate(self, item: Item) -> Estimate:
        """Requests and tokens, from the lengths of DeepEval's prompts and of the material."""
        shown = item.shown(self._spec.sees)
        material = sum(estimated_tokens(" ".join(v) if isinstance(v, tuple) else str(v))
                       for v in shown.values())  # fmt: skip
        steps = sum(map(estimated_tokens, self._spec.steps or ()))
        fixed = self._metric.prompt_chars if self._metric else (_G_EVAL_PROMPT_CHARS,)
        return Estimate(
            calls=len(fixed),
            input_tokens=sum(fixed) // 4 + steps + len(fixed) * material,
            output_tokens=len(fixed) * (60 + estimated_tokens(item.answer)),
            most_output_tokens=len(fixed) * _MAX_TOKENS,
        )

    def inapplicable(self, item: Item) -> str | None:
        """DeepEval refuses empty fields; so do we, before asking."""
        return missing_field(item, self._spec)

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """DeepEval's score. Where it answers 1 for want of a verdict, there is none."""
        deepeval = _deepeval()
        asked = _Asked(self._spec, ask)
        metric = self._built(deepeval, deepeval.llm(asked))
        try:
            # A metric of DeepEval holds the state of one measurement, so each item has its own.
            value = await metric.a_measure(
                self._test_case(deepeval, item), _show_indicator=False, _in_component=True
            )
        except Exception as error:
            # DeepEval wraps some errors of its language model in its own; ours say more.
            raise asked.failure or error from error
        if self._metric is None:
            return Ruling("scored", float(value), str(getattr(metric, "reason", "") or "") or None)
        return _ruling(self._metric, asked.replies, float(value))

    def _built(self, deepeval: SimpleNamespace, llm: Any) -> Any:
        with warnings.catch_warnings():
            # Told in the docs: which way DeepEval's scores point changed with version 4.
            warnings.simplefilter("ignore", DeprecationWarning)
            if self._metric is None:
                return deepeval.metrics.GEval(
                    name=self._spec.metric,
                    evaluation_steps=list(self._spec.steps or ()),
                    evaluation_params=[deepeval.params[_PARAMS[name]] for name in self._spec.sees],
                    model=llm,
                )
            kind = getattr(deepeval.metrics, self._metric.class_name)
            return kind(model=llm, include_reason=False, eval_mode="llm")

    def _test_case(self, deepeval: SimpleNamespace, item: Item) -> Any:
        """Only what the spec names; DeepEval wants an input even where no prompt shows it."""
        shown = item.shown(self._spec.sees)
        contexts = list(item.contexts) if "contexts" in shown else None
        return deepeval.test_case(
            input=shown.get("question", "-"),
            actual_output=shown.get("answer"),
            expected_output=shown.get("reference"),
            context=contexts,
            retrieval_context=contexts,
        )


class _Asked:
    """Asks for DeepEval, and keeps what came back."""

    def __init__(self, spec: JudgeSpec, ask: Question) -> None:
        self._spec = spec
        self._ask = ask
        self.replies: list[BaseModel] = []
        self.failure: Exception | None = None

    async def __call__(self, prompt: str, schema: type[_Model]) -> _Model:
        request = Request(
            model=self._spec.model,
            messages=(Message("user", prompt),),
            schema_name=schema.__name__,
            schema=strict_schema(schema.model_json_schema()),
            max_tokens=int(self._spec.parameters["max_tokens"]),
            parameters={"temperature": self._spec.parameters["temperature"]},
        )
        try:
            step = f"{schema.__name__}-{len(self.replies) + 1}"
            reply = await self._ask(request, _reader(schema), step=step)
        except Exception as error:
            self.failure = error
            raise
        self.replies.append(reply)
        return reply


def _reader(schema: type[_Model]) -> Callable[[str], _Model]:
    def read(text: str) -> _Model:
        try:
            return schema.model_validate_json(unfenced(text))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the reply"
            raise UnreadableReplyError(f"{place}: {first['msg'][:200]}") from error

    return read


def _ruling(metric: _Metric, replies: list[BaseModel], value: float) -> Ruling:
    verdicts = list(getattr(replies[-1], "verdicts", ()))
    if metric.parts and not getattr(replies[0], metric.parts):
        if metric.parts == "opinions":
            return Ruling("scored", value, "the answer holds no opinion")
        return Ruling("not_applicable", None, f"DeepEval found no {metric.parts} in the answer")
    if not verdicts:
        return Ruling("unreadable", None, "the judge gave no verdict")
    failed = [v for v in verdicts if v.verdict not in metric.passing]
    summary = f"{len(verdicts) - len(failed)} of {len(verdicts)} {metric.counted}"
    why = str(failed[0].reason or "")[:300] if failed else ""
    return Ruling("scored", value, f"{summary}; not: {why}" if why else summary)


def _known(name: str) -> _Metric:
    if name not in METRICS:
        raise ValueError(f"no DeepEval metric is called {name!r}; known are {', '.join(METRICS)}")
    return METRICS[name]


@lru_cache(maxsize=1)
def _deepeval() -> SimpleNamespace:
    """DeepEval's metrics, and our asking in the shape it wants."""
    os.environ.update(_SILENT)
    from deepeval import metrics
    from deepeval.models import DeepEvalBaseLLM
    from deepeval.test_case import LLMTestCase, SingleTurnParams

    class AskedLLM(DeepEvalBaseLLM):  # type: ignore[misc]
        """DeepEval's language model: one question through our executor."""

        def __init__(self, asked: _Asked) -> None:
            self._asked = asked
            super().__init__("asked")

        def load_model(self) -> Any:
            return self

        def get_model_name(self) -> str:
            return "asked"

        def supports_log_probs(self) -> bool:
            return False

        def generate(self, *_: Any, **__: Any) -> Any:
            raise TypeError("DeepEval is driven through a_measure; it has no blocking path here")

        async def a_generate(self, prompt: str, schema: type[_Model]) -> _Model:
            return await self._asked(prompt, schema)

        async def a_generate_with_schema(self, prompt: str, schema: type[_Model]) -> _Model:
            return await self._asked(prompt, schema)

    return SimpleNamespace(
        metrics=metrics, llm=AskedLLM, test_case=LLMTestCase, params=SingleTurnParams
    )
