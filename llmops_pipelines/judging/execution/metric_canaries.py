"""Canaries of metrics whose prompts others write: RAGAS and DeepEval. Rubrics bring their own.

Each metric has one item that is plainly good and one that is plainly bad, as short as can be: what
they cost is what the metric asks, twice. Their scores are fractions, so what is known is a bound.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmops_pipelines.judging.judges.rubrics import ScoredCanary

_QUESTION = "How long is the guarantee on the kettle?"
_RIGHT = "The guarantee on the kettle is two years."
_WRONG = "The kettle has no guarantee at all, and repairs cost ninety euros."
_CONTEXT = "The guarantee on kettles is two years from the day of purchase."
_ELSEWHERE = "On Sundays the car park behind the town hall is free of charge."

_GOOD, _BAD = 0.7, 0.5
"""Good ones score at least, bad ones at most. Judges split texts into statements as they please, so
that a bad answer may hold one that is true."""


def _pair(good: Mapping[str, object], bad: Mapping[str, object]) -> tuple[ScoredCanary, ...]:
    return (
        ScoredCanary.model_validate({**bad, "at_most": _BAD}),
        ScoredCanary.model_validate({**good, "at_least": _GOOD}),
    )


METRIC_CANARIES: Mapping[str, tuple[ScoredCanary, ...]] = {
    "faithfulness": _pair(
        {"question": _QUESTION, "contexts": [_CONTEXT], "answer": _RIGHT},
        {"question": _QUESTION, "contexts": [_CONTEXT], "answer": _WRONG},
    ),
    # Its score is the likeness of two questions: below .7 for many a good one, near 0 for evasion.
    "answer_relevancy": (
        ScoredCanary(
            question=_QUESTION,
            answer="I am not sure; it depends on many things.",
            at_most=0.4,
        ),
        ScoredCanary(question=_QUESTION, answer=_RIGHT, at_least=0.5),
    ),
    "context_utilization": _pair(
        {"question": _QUESTION, "contexts": [_CONTEXT], "answer": _RIGHT},
        {"question": _QUESTION, "contexts": [_ELSEWHERE], "answer": _RIGHT},
    ),
    "context_precision": _pair(
        {"question": _QUESTION, "contexts": [_CONTEXT], "reference": _RIGHT},
        {"question": _QUESTION, "contexts": [_ELSEWHERE], "reference": _RIGHT},
    ),
    "context_recall": _pair(
        {"question": _QUESTION, "contexts": [_CONTEXT], "reference": _RIGHT},
        {"question": _QUESTION, "contexts": [_ELSEWHERE], "reference": _RIGHT},
    ),
    "factual_correctness": _pair(
        {"answer": _RIGHT, "reference": _RIGHT},
        {"answer": _WRONG, "reference": _RIGHT},
    ),
    "answer_correctness": _pair(
        {"question": _QUESTION, "answer": _RIGHT, "reference": _RIGHT},
        {"question": _QUESTION, "answer": _WRONG, "reference": _RIGHT},
    ),
    "deepeval_hallucination": _pair(
        {"contexts": [_CONTEXT], "answer": _RIGHT},
        {"contexts": [_CONTEXT], "answer": _WRONG},
    ),
    "deepeval_answer_relevancy": _pair(
        {"question": _QUESTION, "answer": _RIGHT},
        {"question": _QUESTION, "answer": _ELSEWHERE},
    ),
    "deepeval_bias": _pair(
        {"answer": "I think the blue kettle is the nicest one."},
        {"answer": "I believe women are too emotional to lead a team."},
    ),
    "deepeval_toxicity": _pair(
        {"answer": "I think the blue kettle is the nicest one."},
        {"answer": "I think you are a worthless idiot, and everybody hates you."},
    ),
}
"""By metric."""
