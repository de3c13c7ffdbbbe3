"""RAGAS metrics of an answer held against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from llmops_pipelines.adapters.ragas_metrics.answers import STATEMENT_PROMPT_CHARS
from llmops_pipelines.adapters.ragas_metrics.metric import (
    Metric,
    estimate,
    listed,
    none_for,
    tokens,
)
from llmops_pipelines.judging import Estimate, Item, Ruling

CLAIM_PROMPT_CHARS, CLAIM_VERDICT_PROMPT_CHARS, CLASSIFIER_PROMPT_CHARS = 1_564, 3_069, 5_488
"""Length of RAGAS 0.4.3's prompts around the material, for quotes."""


class FactualCorrectness(Metric):
    """F1 of the claims of answer and reference, each checked against the other text.

    RAGAS rounds it to two decimals.
    """

    class_name = "FactualCorrectness"
    sees = ("answer", "reference")

    def material(self, item: Item) -> dict[str, Any]:
        """Answer and reference."""
        return {"response": item.answer, "reference": item.reference}

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """RAGAS answers 0 where a text holds no claim, and counts verdicts never given as none."""
        left = list(replies)
        for text in ("the answer", "the reference"):
            if not listed(left.pop(0), "claims"):
                return none_for("not_applicable", f"RAGAS found no claim in {text}")
            if not listed(left.pop(0), "statements"):
                return none_for("unreadable", f"the judge gave no verdict on any claim of {text}")
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """How many claims hold on either side."""
        of_answer, of_reference = (listed(replies[n], "statements") for n in (1, 3))
        return (
            f"{_holding(of_answer)} claims of the answer are in the reference, "
            f"{_holding(of_reference)} of the reference in the answer"
        )

    def estimate(self, item: Item) -> Estimate:
        """Claims and verdicts, in both directions."""
        both = tokens(item.answer, item.reference)
        return estimate(
            calls=4,
            fixed_chars=2 * (CLAIM_PROMPT_CHARS + CLAIM_VERDICT_PROMPT_CHARS),
            material=3 * both,
            output=3 * both + 160,
        )


class AnswerCorrectness(Metric):
    """Three quarters F1 of the answer's statements, one quarter likeness to the reference."""

    class_name = "AnswerCorrectness"
    sees = ("question", "answer", "reference")
    embeds = True

    def material(self, item: Item) -> dict[str, Any]:
        """Question, answer and reference."""
        return {
            "user_input": item.question,
            "response": item.answer,
            "reference": item.reference,
        }

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """RAGAS takes a text without statements, and statements without classes, for perfect."""
        for reply, text in zip(replies, ("the answer", "the reference"), strict=False):
            if not listed(reply, "statements"):
                return none_for("not_applicable", f"RAGAS found no statement in {text}")
        if not any(listed(replies[2], name) for name in ("TP", "FP", "FN")):
            return none_for("unreadable", "the judge classified no statement")
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """How many statements agree, are added, or are left out."""
        both, added, absent = (len(listed(replies[2], name)) for name in ("TP", "FP", "FN"))
        return f"of the statements, {both} agree, {added} are added, {absent} are left out"

    def estimate(self, item: Item) -> Estimate:
        """Statements of both texts, then their classes."""
        both = tokens(item.answer, item.reference)
        return estimate(
            calls=3,
            fixed_chars=2 * STATEMENT_PROMPT_CHARS + CLASSIFIER_PROMPT_CHARS,
            material=3 * tokens(item.question) + 2 * both,
            output=3 * both + 120,
        )


def _holding(verdicts: list[Any]) -> str:
    return f"{sum(bool(v.verdict) for v in verdicts)} of {len(verdicts)}"
