"""Answers of Gemini's generateContent, as the API spells them and as its SDK does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_name, as_object, as_text, at_path, first

_NOTHING_SAID: Final = ("promptFeedback", "prompt_feedback", "usageMetadata", "usage_metadata")


def speaks(body: Mapping[str, Any]) -> bool:
    """Whether an object is an answer without candidates: its prompt was refused."""
    return any(isinstance(body.get(name), dict) for name in _NOTHING_SAID)


def reply_of(body: Mapping[str, Any]) -> Record:
    """What an answer says of itself, of its first candidate; thoughts are no part of the text."""
    candidate = as_object(at_path(as_list(body.get("candidates")), 0))
    parts = [as_object(part) for part in as_list(at_path(candidate, "content", "parts"))]
    said = [part for part in parts if part.get("text") and part.get("thought") is not True]
    return {
        "response_id": first(body.get("responseId"), body.get("response_id")),
        "model": first(body.get("modelVersion"), body.get("model_version"), body.get("model")),
        "finish_reason": first(candidate.get("finishReason"), candidate.get("finish_reason")),
        "answer": text_of(said) or None,
        "tool_calls": [call for part in parts if (call := _called(part))] or None,
    }


def _called(part: Record) -> Record | None:
    call = as_object(first(part.get("functionCall"), part.get("function_call")))
    name = as_name(call.get("name"))
    return {"name": name, "arguments": as_text(call.get("args"))} if name else None
