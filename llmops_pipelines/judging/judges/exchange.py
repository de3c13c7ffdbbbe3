"""One question to a judge's endpoint and what came back; sending it is an adapter's business."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from math import ceil
from typing import Any, Literal

Price = Callable[[str, Mapping[str, int]], Decimal | None]
"""US dollars for tokens in disjoint buckets of a model, or None where it has no price."""


ResponseFormat = Literal["json_schema", "json_object", "text"]
"""How an endpoint is held to JSON: by the schema, by "some object", or by words alone."""

RESPONSE_FORMATS: tuple[ResponseFormat, ...] = ("json_schema", "json_object", "text")
"""The strictest first: the order in which a preflight tries them."""

_SCHEMA_IN_WORDS = (
    "Reply with exactly one JSON object and nothing else: no code fence, no text before or after "
    "it. It must fit this JSON schema, in which every property is required:\n{schema}"
)


_MORE_THAN_COUNTED = 1.25

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """One chat completion with a JSON schema for its reply."""

    model: str
    messages: tuple[Message, ...]
    schema_name: str
    schema: Mapping[str, Any]
    max_tokens: int
    parameters: Mapping[str, float] = field(default_factory=dict)
    weighs: bool = False
    """Whether the reply is to bring what the judge nearly wrote, token by token."""

    @property
    def digest(self) -> str:
        """SHA-256 of its messages, 32 hex digits."""
        told = json.dumps([[m.role, m.content] for m in self.messages], ensure_ascii=False)
        return sha256(told.encode()).hexdigest()[:32]

    @property
    def likely_input_tokens(self) -> int:
        """A quarter of its characters, as tokenisers do with English."""
        return sum(len(m.content) for m in self.messages) // 4

    @property
    def most_input_tokens(self) -> int:
        """No tokeniser makes more: a token of a byte-level vocabulary is at least one byte."""
        texts = sum(len(m.content.encode()) for m in self.messages)
        schema = len(_SCHEMA_IN_WORDS) + len(str(self.schema).encode())
        return texts + schema + 16 * (len(self.messages) + 1)

    def most_counted_tokens(self, count: Callable[[str], int]) -> int:
        """As `most_input_tokens`, by the model's own vocabulary: nearer by a factor of 2 to 3.

        A quarter is added, since nobody tells how a server writes the schema down.
        """
        schema = _SCHEMA_IN_WORDS.format(schema=json.dumps(self.schema, ensure_ascii=False))
        counted = sum(count(text) for text in (schema, *(m.content for m in self.messages)))
        counted += 16 * (len(self.messages) + 1)
        return min(ceil(_MORE_THAN_COUNTED * counted), self.most_input_tokens)

    def told_in_words(self) -> tuple[Message, ...]:
        """The messages for an endpoint that takes no schema: the instructions end with it."""
        schema = _SCHEMA_IN_WORDS.format(schema=json.dumps(self.schema, ensure_ascii=False))
        if not self.messages or self.messages[0].role != "system":
            return (Message("system", schema), *self.messages)
        first, *others = self.messages
        return (Message("system", f"{first.content}\n\n{schema}"), *others)


@dataclass(frozen=True)
class WeighedToken:
    """One token of a reply, and the log probabilities of those that nearly stood there."""

    text: str
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reply:
    """What one request came to.

    ``outcome`` is one of

    * ``ok``: text to be read;
    * ``truncated``: the judge stopped at its token limit;
    * ``refused``: the judge declined, or a content filter did;
    * ``http_<status>``, ``timeout``, ``network``: no reply.
    """

    outcome: str
    text: str | None = None
    detail: str | None = None
    model_served: str | None = None
    tokens: Mapping[str, int] | None = None
    request_id: str | None = None
    latency_ms: float | None = None
    retry_after_s: float | None = None
    retryable: bool = False
    billable: bool = True
    tokens_weighed: tuple[WeighedToken, ...] | None = None
    """The text token by token, where the request weighs and the endpoint can."""

    @property
    def answered(self) -> bool:
        """Whether the judge itself spoke, usefully or not."""
        return self.outcome in ("ok", "truncated", "refused")

    @property
    def late(self) -> bool:
        """Whether the request arrived, and there was no reply in time."""
        return self.outcome == "timeout" and self.billable


Ask = Callable[[Request, float], Awaitable[Reply]]
"""Sends a request, waiting at most so many seconds. Never raises for what an endpoint may do."""


def whole_characters(text: str) -> str:
    """JSON ``text`` with U+FFFD in place of halves of characters: no table can hold those.

    A judge that escapes what it quotes may end, or cut, in the middle of an emoji.
    """
    if not _ESCAPED_HALF.search(text):
        return text
    from llmops_pipelines.formats.engine.surrogates import without_halves

    return without_halves(text)


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` as strict structured output wants it: objects closed, all properties required."""

    def strict(node: Any) -> Any:
        if isinstance(node, list):
            return [strict(part) for part in node]
        if not isinstance(node, dict):
            return node
        node = {key: strict(value) for key, value in node.items()}
        if isinstance(node.get("properties"), dict) and "type" in node:
            node["additionalProperties"] = False
            node["required"] = list(node["properties"])
        return node

    result: dict[str, Any] = strict(dict(schema))
    return result
