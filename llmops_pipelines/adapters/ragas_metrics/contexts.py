"""RAGAS metrics of what was retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from llmops_pipelines.adapters.ragas_metrics.metric import (
    Metric,
    estimate,
    listed,
    none_for,
    not_a_flag,
    tokens,
)
from llmops_pipelines.judging import Estimate, Item, Ruling
from llmops_pipelines.judging.judges.rubrics import VisibleField

USEFUL_PROMPT_CHARS, RECALL_PROMPT_CHARS = 4_033, 5_695
"""Length of RAGAS 0.4.3's prompts around the material, for quotes."""


class ContextUtilization(Metric):
    """Average precision: are the contexts that served the answer ranked first?"""

    class_name = "ContextUtilization"
    sees: ClassVar[tuple[VisibleField, ...]] = ("question", "answer", "contexts")

    def material(self, item: Item) -> dict[str, Any]:
        """Question, answer and contexts."""
        return {
            "user_input": item.question,
            "response": item.answer,
            "retrieved_contexts": list(item.contexts),
        }

    def unusable(self, reply: BaseModel) -> str | None:
        """RAGAS would reckon with any number."""
        return not_a_flag(getattr(reply, "verdict", None), "verdict")

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:  # noqa: ARG002
        """Nothing: every reply is a verdict."""
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """Which contexts were of use, by rank."""
        useful = [str(n) for n, reply in enumerate(replies, 1) if getattr(reply, "verdict", 0)]
        if not useful:
            return f"none of {len(replies)} contexts is useful"
        return f"useful of {len(replies)} contexts: {', '.join(useful)}"

    def estimate(self, item: Item) -> Estimate:
        """One request a context."""
        return self._estimate(item, item.answer)

    def _estimate(self, item: Item, against: str) -> Estimate:
        calls = len(item.contexts)
        return estimate(
            calls=calls,
            fixed_chars=calls * USEFUL_PROMPT_CHARS,
            material=calls * tokens(item.question, against) + tokens(*item.contexts),
            output=calls * 60,
        )


class ContextPrecision(ContextUtilization):
    """The same, with the contexts held against the reference instead of the answer."""

    class_name = "ContextPrecision"
    sees = ("question", "contexts", "reference")

    def material(self, item: Item) -> dict[str, Any]:
        """Question, reference and contexts."""
        return {
            "user_input": item.question,
            "reference": item.reference,
            "retrieved_contexts": list(item.contexts),
        }

    def estimate(self, item: Item) -> Estimate:
        """One request a context."""
        return self._estimate(item, item.reference)


class ContextRecall(Metric):
    """The share of the reference's sentences that the contexts hold."""

    class_name = "ContextRecall"
    sees = ("question", "contexts", "reference")

    def material(self, item: Item) -> dict[str, Any]:
        """Question, reference and contexts."""
        return {
            "user_input": item.question,
            "reference": item.reference,
            "retrieved_contexts": list(item.contexts),
        }

    def unusable(self, reply: BaseModel) -> str | None:
        """RAGAS would reckon with any number."""
        faults = (
            not_a_flag(part.attributed, f"classifications.{number}.attributed")
            for number, part in enumerate(listed(reply, "classifications"))
        )
        return next((fault for fault in faults if fault), None)

    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """RAGAS answers NaN."""
        if not listed(replies[0], "classifications"):
            return none_for("unreadable", "the judge classified no statement of the reference")
        return None

    def reason(self, replies: Sequence[BaseModel]) -> str:
        """How many statements were found, and the first that was not."""
        found = listed(replies[0], "classifications")
        absent = [part for part in found if not part.attributed]
        summary = f"{len(found) - len(absent)} of {len(found)} statements are in the contexts"
        return f"{summary}; not: {absent[0].statement[:300]}" if absent else summary

    def estimate(self, item: Item) -> Estimate:
        """One request, whose reply repeats the reference."""
        reference = tokens(item.reference)
        return estimate(
            calls=1,
            fixed_chars=RECALL_PROMPT_CHARS,
            material=tokens(item.question, *item.contexts) + reference,
            output=3 * reference + 60,
        )
