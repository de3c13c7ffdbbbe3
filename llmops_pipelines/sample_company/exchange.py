"""What one model call says, in and out, and what is true of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Manner = Literal["sound", "invented", "subtle", "refused", "broken"]
"""How an answer turns out; ``invented`` and ``subtle`` are not supported by their contexts."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Anything a JSON document may hold."""

Message = dict[str, str]
Context = dict[str, "str | float"]

REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I'm sorry, I cannot assist with this. Please reach out to our team directly.",
    "I am unable to help with that request.",
    "Sorry, but I can't provide an answer to that.",
    "Unfortunately, I cannot help with this request.",
    "I'm not able to assist with that. Please contact a colleague.",
)


@dataclass(frozen=True)
class Exchange:
    """One question as the model saw it and its answer."""

    messages: list[Message]
    answer: str
    contexts: tuple[Context, ...] = ()
    response_format: dict[str, Json] | None = None
    finish_reason: str = "stop"

    @property
    def question(self) -> str:
        """The last user message."""
        return self.messages[-1]["content"]


def context(key: str, content: str, score: float) -> Context:
    """One retrieved passage of the envelope."""
    return {"id": key, "content": content, "score": score}


def prompted(system: str, user: str, history: list[Message] | None = None) -> list[Message]:
    """System message, the conversation so far, and the user's message."""
    return [
        {"role": "system", "content": system},
        *(history or []),
        {"role": "user", "content": user},
    ]
