"""Format ``anthropic``: Messages API objects, bare or in our envelope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.anthropic_blocks import (
    cited_in,
    reply_of,
    searched_in,
    streamed_message,
)
from llmops_pipelines.formats.bodies.messages import messages_of, text_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.envelope import around, beside_of, failure_of
from llmops_pipelines.formats.records import as_list, as_object, at_path, first, without_nulls
from llmops_pipelines.formats.usage.usage import usage_of


def message_fields(message: Mapping[str, Any]) -> Record:
    """The fields that a message, or the error object in its place, tells."""
    if message.get("type") == "error" or (message.get("error") and not message.get("content")):
        named = without_nulls({"response_id": message.get("request_id")})
        return {"kind": "call"} | named | failure_of(message)
    said = {
        "kind": "call",
        "status": "ok",
        "contexts": cited_in(as_list(message.get("content"))) or None,
        **reply_of(message),
        **usage_of(as_object(message.get("usage"))).fields,
    }
    return without_nulls(said)


def request_fields(request: Mapping[str, Any]) -> Record:
    """The fields that the body of a Messages API request tells."""
    wanted = as_object(
        first(at_path(request, "output_config", "format"), request.get("output_format"))
    )
    system = text_of(request.get("system")) if request.get("system") else None
    head = [{"role": "system", "content": system}] if system else []
    said = {
        "model_requested": request.get("model"),
        "is_stream": request.get("stream"),
        "messages": (head + messages_of(request.get("messages"))) or None,
        "contexts": searched_in(request.get("messages")) or None,
        "user_id": at_path(request, "metadata", "user_id"),
        "format_requested": wanted.get("type"),
        "response_schema": wanted.get("schema"),
    }
    return without_nulls(said)


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
    elif record.get("type") in ("message", "error") and "request" not in record:
        name = first(record.get("id"), record.get("request_id"))
        yield around(record, without_nulls({"call_id": name}) | message_fields(record))
    else:
        yield _enveloped(record)


def _enveloped(record: Record) -> Record:
    flat = record if "messages" in record else None
    request = as_object(first(record.get("request"), record.get("body"), flat))
    events = as_list(record.get("response"))
    told = request_fields(request)
    if response := streamed_message(events) or as_object(record.get("response")):
        # What was searched is more than what of it was cited.
        told = message_fields(response) | told
    return around(record, told | ({"is_stream": True} if events else {}))


def _is_object(value: Any) -> bool:
    """Whether ``value`` is a message or an error; items of other APIs carry no model."""
    if not isinstance(value, dict):
        return False
    if value.get("type") == "message":
        return value.get("role") == "assistant" and "model" in value and "usage" in value
    return bool(value.get("type") == "error") and isinstance(at_path(value, "error", "type"), str)


def _recognises(record: Mapping[str, Any]) -> bool:
    response, request = record.get("response"), record.get("request")
    if isinstance(response, list):
        return bool(at_path(response, 0, "type") == "message_start")
    if response is not None:
        return _is_object(response)
    if _is_object(record) or _is_object(record.get("error")):
        return True
    asked = as_object(request)
    claude = "claude" in str(asked.get("model")) and "max_tokens" in asked
    return isinstance(asked.get("messages"), list) and (
        claude or record.get("provider") == "anthropic"
    )


ANTHROPIC: Final = LogFormat(
    name="anthropic",
    about="Anthropic messages, bare or in our envelope",
    marks=("response", "request", "role", "error"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    needs=('"type": "message" with model, content, stop_reason and usage',),
    dated_by_file=True,
)
