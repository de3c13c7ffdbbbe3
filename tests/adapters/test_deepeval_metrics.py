"""DeepEval metrics through our executor: DeepEval's scores, our requests. Needs its extra."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from llmops_pipelines.adapters import deepeval_metrics
from llmops_pipelines.adapters.deepeval_metrics import (
    METRICS,
    DeepEvalJudge,
    deepeval_specs,
    g_eval_spec,
)
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.judging_day import judge_day
from llmops_pipelines.adapters.judging_plans import Brief
from llmops_pipelines.judging import GaveUpError, JudgeSpec, JudgingRun, Limits, Purse, Request
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.adapters.test_ragas_replay import reply
from tests.judge_stub import MALFORMED, JudgeStub
from tests.judging.worlds import JUDGED, NOON, Ledger, cent_a_call, item, item_frame

pytest.importorskip("deepeval")
pytestmark = pytest.mark.slow

ITEM = item(
    "Refunds take five days.",
    question="How long do refunds take?",
    contexts=("Refunds take five days.", "Gold members wait three."),
    reference="Five days.",
)
G_EVAL = g_eval_spec("brief", model="judge-1", steps=("Is it brief?", "Is it whole?"))
ALL = [*deepeval_specs(model="judge-1"), G_EVAL]


def ruled(judge_spec: JudgeSpec, answers: Callable[[Request], Any]):
    """The ruling where the judge replies with what ``answers`` makes, and what it was asked."""
    asked: list[Request] = []

    async def ask(request: Request, read: Callable[[str], Any], *, step: str) -> Any:
        asked.append(request)
        return read(json.dumps(answers(request)))

    return asyncio.run(DeepEvalJudge(judge_spec).rule(ITEM, ask)), asked


def answer_of(draw: random.Random) -> Callable[[Request], Any]:
    """Something a judge might say, in the shape that is asked for."""

    def answer(request: Request) -> Any:
        if request.schema_name == "ReasonScore":
            return {"reason": "so so", "score": draw.randint(0, 10)}
        return reply(dict(request.schema), draw)

    return answer


def theirs(judge_spec: JudgeSpec, replies: list[str]) -> tuple[float, list[str]]:
    """DeepEval's own score and prompts, with a language model that replays ``replies``."""
    from deepeval import metrics
    from deepeval.models import DeepEvalBaseLLM
    from deepeval.test_case import LLMTestCase, SingleTurnParams

    prompts: list[str] = []
    left = iter(replies)

    class Replay(DeepEvalBaseLLM):
        def load_model(self):
            return self

        def get_model_name(self):
            return "replay"

        def generate(self, *_: Any):
            raise AssertionError

        async def a_generate(self, prompt: str, schema: Any) -> Any:
            prompts.append(prompt)
            return schema.model_validate_json(next(left))

    case = LLMTestCase(
        input=ITEM.question,
        actual_output=ITEM.answer,
        context=list(ITEM.contexts),
        retrieval_context=list(ITEM.contexts),
    )
    if judge_spec.steps:
        params = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT]
        metric = metrics.GEval(
            name="brief", evaluation_steps=list(judge_spec.steps), evaluation_params=params,
            model=Replay(),
        )  # fmt: skip
    else:
        kind = getattr(metrics, METRICS[judge_spec.metric].class_name)
        metric = kind(model=Replay(), include_reason=False)
    score = asyncio.run(metric.a_measure(case, _show_indicator=False))
    assert list(left) == []
    return score, prompts


@pytest.mark.parametrize("judge_spec", ALL, ids=lambda s: s.metric)
def test_prompts_and_scores_are_those_of_deepeval_on_the_same_replies(judge_spec):
    scores = set()
    for seed in range(8):
        replies: list[str] = []
        make = answer_of(random.Random(seed))

        def recorded(request: Request, make: Any = make, replies: list[str] = replies) -> Any:
            replies.append(json.dumps(make(request)))
            return json.loads(replies[-1])

        ruling, asked = ruled(judge_spec, recorded)
        score, prompts = theirs(judge_spec, replies)
        assert [request.messages[0].content for request in asked] == prompts
        assert (ruling.outcome, ruling.score) == ("scored", score)
        scores.add(score)
    assert len(scores) > 1


@pytest.mark.parametrize("judge_spec", ALL, ids=lambda s: s.metric)
def test_estimates_come_close_and_requests_carry_a_strict_schema(judge_spec):
    _, asked = ruled(judge_spec, answer_of(random.Random(0)))
    estimate = DeepEvalJudge(judge_spec).estimate(ITEM)
    chars = sum(len(request.messages[0].content) for request in asked)
    assert estimate.calls == len(asked)
    assert estimate.input_tokens == pytest.approx(chars / 4, rel=0.1)
    assert all(request.schema["additionalProperties"] is False for request in asked)


@pytest.mark.parametrize("judge_spec", ALL, ids=lambda s: s.metric)
def test_no_metric_shows_the_judge_a_field_its_spec_does_not_name(judge_spec):
    _, asked = ruled(judge_spec, answer_of(random.Random(0)))
    shown = " ".join(request.messages[0].content for request in asked)
    marks = {"question": ITEM.question, "contexts": ITEM.contexts[1], "reference": "\nFive days."}
    assert {name for name, mark in marks.items() if mark in shown} <= set(judge_spec.sees)


@pytest.mark.parametrize(
    ("metric", "replies", "outcome", "score"),
    [
        ("deepeval_hallucination", {"verdicts": []}, "unreadable", None),
        ("deepeval_answer_relevancy", {"statements": [], "verdicts": []}, "not_applicable", None),
        ("deepeval_bias", {"opinions": [], "verdicts": []}, "scored", 1.0),
        ("deepeval_toxicity", {"opinions": ["o"], "verdicts": []}, "unreadable", None),
    ],
)
def test_a_score_that_deepeval_makes_of_no_verdict_is_none(metric, replies, outcome, score):
    (judge_spec,) = deepeval_specs(model="judge-1", metrics=(metric,))
    ruling, _ = ruled(judge_spec, lambda _: replies)
    assert (ruling.outcome, ruling.score) == (outcome, score)


def test_why_an_item_was_given_up_is_told_as_our_executor_tells_it():
    async def ask(*_: Any, **__: Any) -> Any:
        raise GaveUpError("failed", "http_400: maximum context length exceeded")

    with pytest.raises(GaveUpError, match="context length"):
        asyncio.run(DeepEvalJudge(ALL[0]).rule(ITEM, ask))


def test_what_is_unknown_or_empty_is_refused_before_anything_is_asked():
    with pytest.raises(ValueError, match="no DeepEval metric is called 'kindness'"):
        deepeval_specs(model="m", metrics=("kindness",))
    with pytest.raises(ValueError, match="at least one sentence"):
        g_eval_spec("x", model="m", steps=())
    with pytest.raises(ValueError, match="cannot be shown alternative"):
        g_eval_spec("x", model="m", steps=("s",), sees=("alternative",))
    assert DeepEvalJudge(ALL[0]).inapplicable(item("x")) == "no_contexts"


def test_other_steps_are_another_judge():
    other = g_eval_spec("brief", model="judge-1", steps=("Is it brief?",))
    assert other.spec_id != G_EVAL.spec_id


def test_telemetry_is_off():
    deepeval_metrics._deepeval()
    from deepeval.telemetry.client import telemetry_opt_out

    assert os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] == "YES"
    assert telemetry_opt_out()


class Verdicts(JudgeStub):
    """A judge that finds every context in agreement."""

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"verdicts": [{"verdict": "yes", "reason": "same"}]}


def test_every_request_of_deepeval_is_an_attempt_in_the_ledger():
    ledger = Ledger()
    (judge_spec,) = deepeval_specs(model="judge-1", metrics=("deepeval_hallucination",))
    with Verdicts(faults={3: MALFORMED}) as stub:
        day = judge_day(
            item_frame("One.", "Two."), [judge_spec], JUDGE_LEDGER.empty(),
            Endpoint(stub.base_url, "judge-1"), ledger.append,
            JudgingRun("r", Purse(), cent_a_call, lambda: NOON, Limits(concurrency=1)),
            Brief(JUDGED),
        )  # fmt: skip
        assert (day.calls, stub.calls) == (3, 5), "two canaries go first"
    assert [canary.state for canary in day.canaries] == ["missed", "held"]
    assert ledger.verdicts["score"].to_list() == [1.0, 1.0]
    assert ledger.attempts["outcome"].to_list().count("unreadable") == 1
    assert day.cost == Decimal("0.03")
