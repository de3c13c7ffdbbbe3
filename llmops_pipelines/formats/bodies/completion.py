"""Completion and embedding objects of OpenAI, for formats that unpack what holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops_pipelines.formats.bodies.messages import text_of, tool_calls_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_object, at_path, first, without_nulls
from llmops_pipelines.formats.usage.usage import usage_of


def completion_fields(body: Mapping[str, Any]) -> Record:
    """The fields that a completion tells."""
    said = {
        "kind": "call",
        "started_at": body.get("created"),
        "status": "ok",
        **reply_of(body),
        **usage_of(body.get("usage")).fields,
    }
    return without_nulls(said)


def reply_of(body: Mapping[str, Any]) -> Record:
    """What a completion says of itself, of its first choice; an embedding has no answer."""
    choice = as_object(at_path(as_list(body.get("choices")), 0))
    message = as_object(first(choice.get("message"), choice.get("delta")))
    return {
        "response_id": body.get("id"),
        "model": body.get("model"),
        "service_tier": body.get("service_tier"),
        "finish_reason": choice.get("finish_reason"),
        "answer": first(
            text_of(message.get("content")),
            message.get("refusal"),
            at_path(message, "audio", "transcript"),
            choice.get("text"),
        ),
        "tool_calls": tool_calls_of(message) or None,
    }
