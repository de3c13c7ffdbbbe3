"""What one RAGAS metric is to the judge that runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from llmops_pipelines.judging import Estimate, Item, Ruling, estimated_tokens
from llmops_pipelines.judging.judges.rubrics import VisibleField

MAX_TOKENS = 3_000
"""Most that the judge may write; RAGAS's limit of 1,024 truncates verdicts on long answers."""


class Metric(ABC):
    """One metric of ``ragas.metrics.collections``."""

    class_name: ClassVar[str]
    """Its class there."""
    sees: ClassVar[tuple[VisibleField, ...]]
    """What it puts into its prompts; it refuses to work without any of it."""
    options: ClassVar[Mapping[str, float]] = {}
    """Arguments that shape its score; part of the judge spec."""
    embeds: ClassVar[bool] = False
    """Whether an embedding takes part in its score."""

    @abstractmethod
    def material(self, item: Item) -> dict[str, Any]:
        """What its ``ascore`` takes."""

    @abstractmethod
    def fault(self, replies: Sequence[BaseModel]) -> Ruling | None:
        """Why these replies make no score, whatever number RAGAS computes from them."""

    @abstractmethod
    def reason(self, replies: Sequence[BaseModel]) -> str:
        """What decided, in a sentence."""

    @abstractmethod
    def estimate(self, item: Item) -> Estimate:
        """Requests and tokens, from the lengths of RAGAS's prompts and of the material."""

    def unusable(self, reply: BaseModel) -> str | None:  # noqa: ARG002
        """What is wrong with a reply that fits its schema; the judge is asked once to repair it."""
        return None


def none_for(outcome: str, reason: str) -> Ruling:
    """No score, and why."""
    return Ruling(outcome, None, reason)


def listed(reply: BaseModel, name: str) -> list[Any]:
    """A list in a reply; empty where the reply is of another kind."""
    return list(getattr(reply, name, ()))


def not_a_flag(value: object, name: str) -> str | None:
    """What is wrong with a 0-or-1 verdict that enters RAGAS's arithmetic as it is."""
    return None if value in (0, 1) else f"{name}: {value} is neither 0 nor 1"


def tokens(*texts: str) -> int:
    """Estimated tokens of all ``texts``."""
    return sum(map(estimated_tokens, texts))


def estimate(*, calls: int, fixed_chars: int, material: int, output: int) -> Estimate:
    """An estimate where RAGAS's prompts around the material have ``fixed_chars`` in all."""
    return Estimate(
        calls=calls,
        input_tokens=fixed_chars // 4 + material,
        output_tokens=output,
        most_output_tokens=calls * MAX_TOKENS,
    )
