"""Findings weighed into results; judged assertions are asked of a judge, all at once."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.judging import Ruling
from llmops_pipelines.judging.judges.rubrics import Rubric
from llmops_pipelines.judging.promptfoo import Kind, Output
from tests.judging.promptfoo.worlds import found, results

YES, NO = {"type": "contains", "value": "a"}, {"type": "contains", "value": "x"}
OPEN = {"type": "cost", "threshold": 1}
CODE = {"type": "javascript", "value": "true"}


def outcome(*asserts: dict[str, Any], threshold: float | None = None, **options: Any):
    """State and score of the output ``abc``."""
    test: dict[str, Any] = {"assert": list(asserts), "threshold": threshold}
    (result,) = results(json.dumps({"tests": [test]}), Output(1, "abc"), **options)
    return result.finding.state, result.finding.score


def both(threshold: float | None, *asserts: dict[str, Any], weight: float = 1) -> dict[str, Any]:
    return {"type": "assert-set", "threshold": threshold, "weight": weight, "assert": asserts}


# The same as promptfoo 0.123.1 makes of them.
@pytest.mark.parametrize(
    ("asserts", "threshold", "expected"),
    [
        ([{**NO, "weight": 0}, YES], None, ("passed", 1.0)),
        ([NO, {**YES, "weight": 3}], 0.75, ("passed", 0.75)),
        ([NO, {**YES, "weight": 3}], 0.76, ("failed", 0.75)),
        ([both(0.5, NO, YES), YES], None, ("passed", 0.75)),
        ([both(None, NO, YES)], None, ("failed", 0.5)),
        ([NO], 0.0, ("passed", 0.0)),
        ([both(0.5, NO, YES, weight=2), NO], 0.3, ("passed", 1 / 3)),
    ],
)
def test_weights_and_thresholds_are_promptfoos(asserts, threshold, expected):
    state, score = outcome(*asserts, threshold=threshold)
    assert (state, score) == (expected[0], pytest.approx(expected[1]))


@pytest.mark.parametrize(
    ("asserts", "threshold", "state"),
    [
        ([YES, OPEN], None, "unknown"),
        ([NO, OPEN], None, "failed"),
        ([YES, OPEN], 0.5, "passed"),
        ([NO, OPEN], 0.6, "failed"),
        ([YES, OPEN], 0.6, "unknown"),
        ([YES, {**OPEN, "weight": 0}], None, "passed"),
        ([], None, "unknown"),
        ([{**YES, "weight": 0}], None, "unknown"),
    ],
)
def test_what_is_not_known_decides_nothing_that_the_rest_does_not(asserts, threshold, state):
    assert outcome(*asserts, threshold=threshold)[0] == state


def test_code_leaves_its_test_undecided_unless_it_is_to_be_skipped():
    assert outcome(YES, CODE)[0] == "unknown"
    assert outcome(NO, CODE)[0] == "failed"
    assert outcome(YES, CODE, skip_unsupported=True) == ("passed", 1.0)
    assert outcome(CODE, skip_unsupported=True)[0] == "unknown"


def test_the_reason_names_the_assertion_its_line_and_what_is_wrong():
    text = "tests:\n  - assert:\n      - {type: contains, value: x}\n"
    (result,) = results(text, Output(1, "abc"))
    assert result.finding.reason == "contains (p.yaml:3): lacks 'x'"


class Judge:
    """Rules as it is told, and remembers what it was shown."""

    def __init__(self, *rulings: Ruling) -> None:
        self.rulings = rulings
        self.asked: list[tuple[Kind, pl.DataFrame]] = []

    def __call__(self, kind: Kind, items: pl.DataFrame) -> dict[str, Ruling]:
        self.asked.append((kind, items))
        return dict(zip(items["call_id"], self.rulings * items.height, strict=False))


def scored(score: float) -> Ruling:
    return Ruling("scored", score, "because")


RUBRIC = {"type": "llm-rubric", "value": "mentions {{ topic }}"}


def test_a_rubric_shows_the_judge_question_answer_and_criterion_and_nothing_else():
    judge = Judge(scored(1.0))
    output = Output(1, "Five days.", question="How long?", feature="support")
    assert found(RUBRIC, output, vars={"topic": "days"}, rule=judge).state == "passed"
    kind, items = judge.asked[0]
    assert items.select("question", "answer", "reference", "feature").rows() == [
        ("How long?", "Five days.", "mentions days", "support")
    ]
    assert isinstance(kind.rubric, Rubric)
    assert kind.rubric.sees == ("question", "answer", "reference")


def test_all_questions_of_a_kind_are_asked_together():
    judge = Judge(scored(1.0), scored(0.0))
    test = {"assert": [RUBRIC, {**RUBRIC, "type": "not-llm-rubric"}], "vars": {"topic": "x"}}
    text = json.dumps({"tests": [test, test]})
    made = results(text, Output(1, "a"), Output(2, "b"), rule=judge)
    assert [items.height for _, items in judge.asked] == [4]
    assert [result.finding.state for result in made] == ["passed", "passed"]


@pytest.mark.parametrize(
    ("assertion", "ruling", "state"),
    [
        ({**RUBRIC, "value": "is kind"}, scored(0.0), "failed"),
        ({"type": "factuality", "value": "Five."}, scored(1.0), "passed"),
        ({"type": "answer-relevance"}, scored(0.5), "passed"),
        ({"type": "answer-relevance", "threshold": 0.6}, scored(0.5), "failed"),
        ({"type": "not-context-faithfulness"}, scored(0.2), "passed"),
        ({"type": "context-recall", "value": "Five."}, scored(0.4), "failed"),
        ({"type": "answer-relevance"}, Ruling("unreadable", None, "no JSON"), "unknown"),
        ({"type": "answer-relevance"}, Ruling("over_budget", None, "the cap"), "unknown"),
        ({"type": "not-answer-relevance"}, Ruling("refused", None, "no"), "unknown"),
        ({"type": "llm-rubric"}, scored(1.0), "unsupported"),
    ],
)
def test_a_ruling_becomes_a_finding(assertion, ruling, state):
    variables = {"context": ["Refunds take five days."], "query": "How long?"}
    assert found(assertion, "Five days.", vars=variables, rule=Judge(ruling)).state == state


def test_metrics_of_contexts_need_contexts():
    judge = Judge(scored(1.0))
    finding = found({"type": "context-faithfulness"}, "Five.", rule=judge)
    assert (finding.state, judge.asked) == ("unknown", [])
    beside = Output(1, "Five.", question="q", contexts=("one", "two"))
    assert found({"type": "context-faithfulness"}, beside, rule=judge).state == "passed"
    assert judge.asked[0][1]["contexts"].to_list() == [["one", "two"]]


def test_without_a_judge_its_assertions_are_not_known_and_the_reason_says_how_to_set_one():
    finding = found({"type": "llm-rubric", "value": "is kind"}, "Five.")
    assert (finding.state, finding.score) == ("unknown", None)
    assert "JUDGE_BASE_URL and JUDGE_MODEL" in finding.reason
