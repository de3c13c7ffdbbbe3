"""RAGAS metrics through our executor: RAGAS's scores, our requests."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.judging_day import judge_day
from llmops_pipelines.adapters.judging_plans import Brief
from llmops_pipelines.adapters.ragas_metrics import METRICS, RagasJudge, asking, ragas_specs
from llmops_pipelines.adapters.ragas_metrics.answers import STATEMENT_PROMPT_CHARS
from llmops_pipelines.judging import (
    Item,
    JudgingRun,
    Limits,
    Purse,
    Request,
    UnreadableReplyError,
    known_items,
)
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.judge_stub import MALFORMED, JudgeStub
from tests.judging.worlds import JUDGED, NOON, Ledger, cent_a_call, item, item_frame, spec

pytestmark = pytest.mark.slow

FAITHFULNESS, RELEVANCY = ragas_specs(model="judge-1")
ITEM = item(
    "Refunds take five days. They go to the card.",
    question="How long do refunds take?",
    contexts=("Refunds take five days.",),
    reference="Five days, to the card.",
)
ALL = ragas_specs(model="judge-1", metrics=METRICS)


def letters(texts: list[str]) -> np.ndarray:
    """Unit vectors of letter counts."""
    counts = np.array([[t.lower().count(c) for c in map(chr, range(97, 123))] for t in texts])
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def ruled(judge_spec, *replies: Any, of: Item = ITEM):
    """The ruling where the judge replies with these objects in turn, and what it was asked."""
    asked: list[tuple[Request, str]] = []

    async def ask(request: Request, read: Callable[[str], Any], *, step: str) -> Any:
        asked.append((request, step))
        reply = replies[min(len(asked), len(replies)) - 1]
        return read(reply if isinstance(reply, str) else json.dumps(reply))

    return asyncio.run(RagasJudge(judge_spec, letters).rule(of, ask)), asked


def statements(*texts: str):
    return {"statements": list(texts)}


def nli(*flags: int):
    return {
        "statements": [
            {"statement": f"statement {n}", "reason": "r", "verdict": flag}
            for n, flag in enumerate(flags)
        ]
    }


USEFUL = {"reason": "r", "verdict": 1}
NOTED = {"statement": "s", "reason": "r"}
REPLIES: dict[str, list[Any]] = {
    "faithfulness": [statements(ITEM.answer), nli(1)],
    "answer_relevancy": [{"question": "How long?", "noncommittal": 0}],
    "context_utilization": [USEFUL],
    "context_precision": [USEFUL],
    "context_recall": [{"classifications": [{**NOTED, "attributed": 1}]}],
    "factual_correctness": [
        {"claims": [ITEM.answer]}, nli(1), {"claims": [ITEM.reference]}, nli(0)
    ],
    "answer_correctness": [
        statements(ITEM.answer), statements(ITEM.reference), {"TP": [NOTED], "FP": [], "FN": []}
    ],
}  # fmt: skip


def test_faithfulness_is_the_share_of_supported_statements():
    ruling, asked = ruled(FAITHFULNESS, statements("a", "b", "c"), nli(1, 0, 1))
    assert (ruling.outcome, ruling.score) == ("scored", 2 / 3)
    assert ruling.reason == "2 of 3 statements are supported; not: statement 1"
    assert [step for _, step in asked] == ["StatementGeneratorOutput-1", "NLIStatementOutput-2"]


@pytest.mark.parametrize("supported", [0, 1])
def test_a_judge_that_says_the_same_of_all_statements_misses_one_of_two_canaries(supported):
    held = {
        known.came_back({"outcome": ruling.outcome, "score": ruling.score})
        for known in known_items(FAITHFULNESS)
        for ruling, _ in [ruled(FAITHFULNESS, statements("a"), nli(supported), of=known.item)]
    }
    assert held == {True, False}


def test_requests_carry_a_strict_schema_and_ragas_sampling():
    _, asked = ruled(FAITHFULNESS, statements("a"), nli(1))
    request = asked[1][0]
    assert request.schema["additionalProperties"] is False
    assert request.parameters == {"temperature": 0.01, "top_p": 0.1}
    assert request.max_tokens == 3_000


def test_an_answer_without_statements_is_not_applicable_rather_than_nan():
    ruling, asked = ruled(FAITHFULNESS, statements())
    assert (ruling.outcome, ruling.score) == ("not_applicable", None)
    assert ruling.reason == "RAGAS found no statement in the answer"
    assert len(asked) == 1


def test_statements_without_verdicts_are_unreadable_rather_than_nan():
    ruling, _ = ruled(FAITHFULNESS, statements("a"), nli())
    assert (ruling.outcome, ruling.score) == ("unreadable", None)


def test_relevancy_asks_three_times_and_takes_the_mean_cosine():
    question = {"question": ITEM.question, "noncommittal": 0}
    ruling, asked = ruled(RELEVANCY, question)
    assert len(asked) == 3
    assert ruling.score == pytest.approx(1.0)
    assert ruling.score <= 1.0
    assert ruling.reason == f"it answers: {ITEM.question}"


def test_a_noncommittal_answer_scores_zero_because_ragas_says_so():
    ruling, _ = ruled(RELEVANCY, {"question": ITEM.question, "noncommittal": 1})
    assert (ruling.outcome, ruling.score) == ("scored", 0.0)
    assert ruling.reason == "the judge finds the answer noncommittal"


def test_no_question_at_all_is_unreadable_rather_than_zero():
    ruling, _ = ruled(RELEVANCY, {"question": "", "noncommittal": 0})
    assert (ruling.outcome, ruling.score) == ("unreadable", None)


@pytest.mark.parametrize("reply", ["nonsense", {"statements": "all"}, {"wrong": []}, "[]"])
def test_a_reply_ragas_could_not_parse_is_unreadable_for_our_executor_to_repair(reply):
    with pytest.raises(UnreadableReplyError):
        ruled(FAITHFULNESS, reply)


def test_a_fenced_reply_is_read():
    ruling, _ = ruled(FAITHFULNESS, f"```json\n{json.dumps(statements('a'))}\n```", nli(1))
    assert ruling.score == 1.0


def test_what_ragas_would_refuse_is_not_asked():
    assert RagasJudge(FAITHFULNESS).inapplicable(item("x", question="q")) == "no_contexts"
    assert RagasJudge(RELEVANCY).inapplicable(item("x")) == "no_question"
    assert RagasJudge(FAITHFULNESS).inapplicable(ITEM) is None


def test_estimates_count_every_request_of_a_metric():
    assert RagasJudge(FAITHFULNESS).estimate(ITEM).calls == 2
    assert RagasJudge(RELEVANCY).estimate(ITEM).calls == 3
    assert RagasJudge(FAITHFULNESS).estimate(ITEM).input_tokens > 1_000


def test_prompt_lengths_of_the_estimates_are_those_of_this_ragas():
    _, asked = ruled(FAITHFULNESS, statements(""), nli(1))
    of_material = len(json.dumps(ITEM.question)) + len(json.dumps(ITEM.answer)) - 4
    assert len(asked[0][0].messages[0].content) - of_material == STATEMENT_PROMPT_CHARS


@pytest.mark.parametrize("judge_spec", ALL, ids=lambda s: s.metric)
def test_estimates_of_calls_and_tokens_come_close_to_what_is_asked(judge_spec):
    ruling, asked = ruled(judge_spec, *REPLIES[judge_spec.metric])
    assert ruling.outcome == "scored"
    estimate = RagasJudge(judge_spec).estimate(ITEM)
    prompts = [request.messages[0].content for request, _ in asked]
    assert estimate.calls == len(asked)
    assert estimate.input_tokens == pytest.approx(sum(map(len, prompts)) / 4, rel=0.03)


@pytest.mark.parametrize("judge_spec", ALL, ids=lambda s: s.metric)
def test_no_metric_shows_the_judge_a_field_its_spec_does_not_name(judge_spec):
    item_of_marks = item("An answer.", question="Why?", contexts=("Context.",), reference="Truth.")
    _, asked = ruled(judge_spec, *REPLIES[judge_spec.metric], of=item_of_marks)
    shown = " ".join(r.messages[0].content.rsplit("\ninput: ", 1)[1] for r, _ in asked)
    marks = {"question": "Why?", "answer": "An answer.", "contexts": "Context.",
             "reference": "Truth."}  # fmt: skip
    assert {name for name, mark in marks.items() if mark in shown} <= set(judge_spec.sees)


@pytest.mark.parametrize(
    ("metric", "replies", "outcome", "reason"),
    [
        ("context_recall", [{"classifications": []}], "unreadable", "classified no statement"),
        ("factual_correctness", [{"claims": []}], "not_applicable", "no claim in the answer"),
        (
            "factual_correctness",
            [{"claims": ["a"]}, {"statements": []}, {"claims": ["b"]}, {"statements": []}],
            "unreadable",
            "no verdict on any claim of the answer",
        ),
        ("answer_correctness", [{"statements": []}], "not_applicable", "no statement in"),
        (
            "answer_correctness",
            [{"statements": ["a"]}, {"statements": ["b"]}, {"TP": [], "FP": [], "FN": []}],
            "unreadable",
            "classified no statement",
        ),
    ],
)  # fmt: skip
def test_a_number_that_ragas_makes_of_nothing_is_no_score(metric, replies, outcome, reason):
    (judge_spec,) = ragas_specs(model="judge-1", metrics=[metric])
    ruling, _ = ruled(judge_spec, *replies)
    assert (ruling.outcome, ruling.score) == (outcome, None)
    assert reason in ruling.reason


@pytest.mark.parametrize(
    ("metric", "reply"),
    [
        ("context_utilization", {"reason": "r", "verdict": 5}),
        (
            "context_recall",
            {"classifications": [{"statement": "s", "reason": "r", "attributed": -1}]},
        ),
    ],
)
def test_a_verdict_that_is_neither_zero_nor_one_is_for_the_judge_to_repair(metric, reply):
    (judge_spec,) = ragas_specs(model="judge-1", metrics=[metric])
    with pytest.raises(UnreadableReplyError, match="neither 0 nor 1"):
        ruled(judge_spec, reply)


def test_the_nightly_judges_are_the_same_as_before_there_were_others():
    assert [s.spec_id for s in ragas_specs(model="m")] == ["efc63cd1daa23e88", "3862f92091d2704a"]


def test_specs_name_the_versions_that_write_prompt_and_score():
    assert FAITHFULNESS.versions == {"ragas": "0.4.3"}
    assert set(RELEVANCY.versions) == {"ragas", "weights"}
    assert FAITHFULNESS.spec_id != RELEVANCY.spec_id


def test_a_metric_that_ragas_does_not_have_here_is_refused():
    with pytest.raises(ValueError, match="no RAGAS metric is called 'politeness'"):
        RagasJudge(spec())


def test_ragas_is_never_asked_to_block():
    with pytest.raises(TypeError, match="ascore"):
        asking.library().llm().generate("prompt", None)


def test_telemetry_is_off():
    asking.library()
    from ragas._analytics import do_not_track

    assert os.environ["RAGAS_DO_NOT_TRACK"] == "true"
    assert do_not_track()


ANSWERS = {
    "Refunds take five days. They go to the card.": True,
    "Refunds take nine days.": False,
    "I don't know how long it takes.": True,
    "Shipping is free. Gold members fly first class. It depends.": False,
}


def test_scores_equal_those_of_ragas_itself_on_the_same_replies():
    """One endpoint answers RAGAS with its own client, and us."""
    import instructor
    from openai import AsyncOpenAI
    from ragas.llms.base import InstructorLLM
    from ragas.metrics.collections import AnswerRelevancy, Faithfulness

    from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, open_judge

    async def both(base_url: str) -> list[tuple[float, float]]:
        client = instructor.from_openai(
            AsyncOpenAI(base_url=base_url, api_key="none"), mode=instructor.Mode.JSON_SCHEMA
        )
        llm = InstructorLLM(client=client, model="judge-1", provider="openai")
        faithfulness = Faithfulness(llm=llm)
        relevancy = AnswerRelevancy(llm=llm, embeddings=asking.library().embedding(letters))
        pairs = []
        async with open_judge(Endpoint(base_url, "judge-1"), concurrency=4) as send:

            async def ask(request: Request, read: Callable[[str], Any], *, step: str) -> Any:
                reply = await send(request, 10)
                return read(reply.text or "")

            for answer in ANSWERS:
                asked = item(answer, question=ITEM.question, contexts=ITEM.contexts)
                theirs = await faithfulness.ascore(
                    user_input=asked.question,
                    response=asked.answer,
                    retrieved_contexts=list(asked.contexts),
                )
                ours = await RagasJudge(FAITHFULNESS, letters).rule(asked, ask)
                pairs.append((ours.score, theirs.value))
                theirs = await relevancy.ascore(user_input=asked.question, response=asked.answer)
                ours = await RagasJudge(RELEVANCY, letters).rule(asked, ask)
                pairs.append((ours.score, theirs.value))
        return pairs

    with JudgeStub(truth=ANSWERS) as stub:
        pairs = asyncio.run(both(stub.base_url))
    assert [ours for ours, _ in pairs] == [theirs for _, theirs in pairs]
    assert len({ours for ours, _ in pairs}) >= 4


def test_every_request_of_ragas_is_an_attempt_in_the_ledger():
    answers = list(ANSWERS)[:2]
    ledger = Ledger()
    with JudgeStub(truth=ANSWERS, faults={5: MALFORMED}) as stub:
        day = judge_day(
            item_frame(*answers), [FAITHFULNESS], JUDGE_LEDGER.empty(),
            Endpoint(stub.base_url, "judge-1"), ledger.append,
            JudgingRun("r", Purse(), cent_a_call, lambda: NOON, Limits(concurrency=1)),
            Brief(JUDGED),
        )  # fmt: skip
        assert (day.calls, stub.calls) == (5, 9), "two canaries of two requests go first"
    assert [canary.state for canary in day.canaries] == ["held", "held"]
    tried = ledger.attempts.filter(~pl.col("step").str.starts_with("canary/"))
    assert ledger.verdicts["score"].sort().to_list() == [0.0, 1.0]
    assert ledger.verdicts["attempts"].sum() == 5
    assert tried.height == 5
    assert day.faults == 1
    assert day.cost == Decimal("0.05")
