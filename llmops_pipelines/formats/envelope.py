"""Our envelope: what only the application knows of a call, around any provider's object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    context_of,
    first,
    tags_of,
    without_nulls,
)

_SAME: Final = (
    "parent_id", "project", "name", "instrumentation", "ended_at", "first_token_at",
    "feature", "team", "environment", "experiment_arm", "provider", "is_batch", "service_tier",
    "attempt", "status", "ttft_ms", "contexts",
)  # fmt: skip
_BESIDE: Final = ("document_count", "input_chars", "output_chars", "rating", "thumb", "comment")


def envelope_of(record: Mapping[str, Any]) -> Record:
    """The fields of a call that the envelope tells, under the keys that format ``openai`` reads.

    ``metadata`` fills what no key of its own says.
    """
    prompt, metadata = as_object(record.get("prompt")), as_object(record.get("metadata"))
    tags = tags_of(record.get("tags"))
    said = {name: record.get(name) for name in _SAME} | {
        "kind": "call",
        "call_id": record.get("id"),
        "started_at": first(*(record.get(k) for k in ("timestamp", "time", "ts", "started_at"))),
        "trace_id": first(record.get("trace_id"), record.get("traceId")),
        "user_id": first(*(record.get(k) for k in ("user_id", "userId", "user"))),
        "session_id": first(record.get("session_id"), record.get("sessionId")),
        "latency_ms": first(record.get("latency_ms"), record.get("latencyMs")),
        "tags": tags or None,
        "prompt_name": first(record.get("prompt_name"), prompt.get("name")),
        "prompt_version": first(record.get("prompt_version"), prompt.get("version")),
        "prompt_template": first(record.get("prompt_template"), prompt.get("template")),
        "cost_reported": record.get("cost_usd"),
        "metadata": metadata or None,
    }
    return context_of(metadata, tags) | without_nulls(said)


def beside_of(record: Mapping[str, Any]) -> Record | None:
    """The step or feedback that ``record`` is, None if it is neither."""
    if record.get("kind") not in ("step", "feedback"):
        return None
    said = {name: record.get(name) for name in _BESIDE} | {
        "kind": record["kind"],
        "step_kind": record.get("step"),
        "step_name": record.get("name"),
        "about_call": record.get("call_id"),
        "error": record.get("error"),
    }
    return envelope_of(record) | without_nulls(said)


def around(record: Mapping[str, Any], told: Record) -> Record:
    """What an object ``told`` and what the envelope around it says; a failure of either counts.

    Without an object and without a word on the outcome, the call has failed. An object that names
    no model (Cohere's, Bedrock's) is of the ``model`` that the envelope names.
    """
    error, said = first(record.get("error"), record.get("err")), envelope_of(record)
    metadata = as_object(told.get("metadata")) | as_object(said.get("metadata"))
    if error:
        told = told | failure_of(error)
    unless_told = {"status": "error", "model": as_name(record.get("model"))}
    found = unless_told | told | said | {"metadata": metadata or None}
    if told.get("status") == "error":
        found["status"] = "error"
    return without_nulls(found)


def failure_of(error: Any, status: Any = None) -> Record:
    """A failed call's fields from OpenAI's and Anthropic's error objects, or plain text."""
    if isinstance(error, str) and error:
        return {"status": "error", "error_message": error}
    told = as_object(error)
    if inner := as_object(told.get("error")):  # {"type": "error", "error": {"type", "message"}}
        told = inner
    return {"status": "error"} | without_nulls(
        {
            "error_class": first(told.get("type")),
            "error_code": first(told.get("code")),
            "error_status": first(told.get("status"), told.get("status_code"), status),
            "error_message": first(told.get("message")),
        }
    )
