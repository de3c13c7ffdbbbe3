"""RAGAS metrics of an answer that need no reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from llmops_pipelines.adapters.ragas_metrics.metric import (
    Metric,
    estimate,
    listed,
    none_for,
    tokens,
)
from llmops_pipelines.judging import Estimate, Item, Ruling

STATEMENT_PROMPT_CHARS, VERDICT_PROMPT_CHARS, QUESTION_PROMPT_CHARS = 1_691, 3_105, 1_735
"""Length of RAGAS 0.4.3's prompts around the material, for quotes."""

STRICTNESS = 3
"""Questions that answer relevancy has generated from an answer; RAGAS's default."""


class Faithfulness(Metric):
    """Statements of the answer, then a verdict on each."""

    class_name = "Faithfulness"
    sees = ("question", "answer", "contexts")

    def material(self, item: Item) -> dict[str, Any]:
        """Question, answer and contexts."""
        return {
            "user_input": item.question,
            "response": item.answer,
            "retrieved_contexts": list(item.contexts),
        }

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """RAGAS answers NaN to both."""
        if not listed(replies[0], "statements"):
            return none_for("not_applicable", "RAGAS found no statement in the answer")
        if not listed(replies[1], "statements"):
            return none_for("unreadable", "the judge gave no verdict on any statement")
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """How many statements hold, and the first that does not."""
        verdicts = listed(replies[-1], "statements")
        failed = [v for v in verdicts if not v.verdict]
        summary = f"{len(verdicts) - len(failed)} of {len(verdicts)} statements are supported"
        return f"{summary}; not: {failed[0].statement[:300]}" if failed else summary

    def estimate(self, item: Item) -> Estimate:
        """Two requests; verdicts repeat the statements, which repeat the answer."""
        answer = tokens(item.answer)
        return estimate(
            calls=2,
            fixed_chars=STATEMENT_PROMPT_CHARS + VERDICT_PROMPT_CHARS,
            material=tokens(item.question, *item.contexts) + 2 * answer,
            output=3 * answer + 80,
        )


class AnswerRelevancy(Metric):
    """Questions generated from the answer, and their likeness to the one asked."""

    class_name = "AnswerRelevancy"
    sees = ("question", "answer")
    options = {"strictness": float(STRICTNESS)}  # noqa: RUF012 - of the class, never changed
    embeds = True

    def material(self, item: Item) -> dict[str, Any]:
        """Question and answer."""
        return {"user_input": item.question, "response": item.answer}

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """RAGAS answers 0."""
        if not any(getattr(reply, "question", "") for reply in replies):
            return none_for("unreadable", "the judge generated no question from the answer")
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """The questions, or that the answer commits to nothing."""
        if all(getattr(reply, "noncommittal", 0) for reply in replies):
            return "the judge finds the answer noncommittal"
        questions = {str(getattr(reply, "question", "")) for reply in replies}
        return f"it answers: {' / '.join(sorted(questions))[:500]}"

    def estimate(self, item: Item) -> Estimate:
        """One request a question."""
        return estimate(
            calls=STRICTNESS,
            fixed_chars=STRICTNESS * QUESTION_PROMPT_CHARS,
            material=STRICTNESS * tokens(item.answer),
            output=STRICTNESS * 40,
        )
