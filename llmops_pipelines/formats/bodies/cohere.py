"""Answers of Cohere's chat and embeddings, v1 and v2: what they say, and where they count.

As documented in Cohere's API reference: v2 answers with ``message`` and ``usage``, v1 with ``text``
and ``meta``; embeddings have ``meta`` alone. None names its model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import text_of, tool_calls_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_object, first

_COUNTS: Final = ("billed_units", "tokens")
_SAID: Final = ("message", "text", "embeddings")


def speaks(body: Mapping[str, Any]) -> bool:
    """Whether an object is an answer of Cohere's."""
    return any(name in body for name in _SAID) and bool(usage_in(body))


def usage_in(body: Mapping[str, Any]) -> Record:
    """The object that counts tokens; empty where there is none of Cohere's."""
    found = as_object(first(as_object(body.get("usage")), as_object(body.get("meta"))))
    return found if any(isinstance(found.get(name), dict) for name in _COUNTS) else {}


def reply_of(body: Mapping[str, Any]) -> Record:
    """What an answer says of itself; thoughts and plans for tools are no part of the text."""
    message = as_object(body.get("message"))
    said = [part for part in as_list(message.get("content")) if as_object(part).get("text")]
    text = body.get("text")
    return {
        "response_id": first(body.get("generation_id"), body.get("id")),
        "finish_reason": body.get("finish_reason"),
        "answer": text_of(said) or (text if isinstance(text, str) else None),
        "tool_calls": tool_calls_of(message) or _called(body) or None,
    }


def _called(body: Mapping[str, Any]) -> list[Record]:
    """Tools that v1 calls: their arguments are parameters."""
    calls = [as_object(call) for call in as_list(body.get("tool_calls"))]
    return tool_calls_of(
        {"tool_calls": [call | {"arguments": call.get("parameters")} for call in calls]}
    )
