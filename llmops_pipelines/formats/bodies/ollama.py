"""Answers of Ollama's own API (``/api/chat``, ``/api/generate``), which counts beside its text.

As documented in Ollama's API reference: ``prompt_eval_count`` and ``eval_count`` are tokens of the
prompt and of the answer, thoughts included; durations are nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops_pipelines.formats.bodies.messages import text_of, tool_calls_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_object, first
from llmops_pipelines.formats.usage.usage import OLLAMA


def speaks(body: Mapping[str, Any]) -> bool:
    """Whether an object is an answer of Ollama's."""
    return "done" in body and ("message" in body or "response" in body)


def counts_in(body: Mapping[str, Any]) -> Record:
    """The counts of an answer, as a usage object; empty where it has none."""
    return {name: body[name] for name in OLLAMA if name in body}


def reply_of(body: Mapping[str, Any]) -> Record:
    """What an answer says of itself; it has no id."""
    message = as_object(body.get("message"))
    return {
        "model": body.get("model"),
        "finish_reason": body.get("done_reason"),
        "answer": first(text_of(message.get("content")), body.get("response")),
        "tool_calls": tool_calls_of(message) or None,
    }
