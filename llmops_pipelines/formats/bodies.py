"""What a provider's request and response bodies tell, whichever provider's they are.

Gateways log the bodies they passed on: OpenAI's chat completions, completions, embeddings and
Responses, Anthropic's messages, Gemini's generateContent. Text that is not JSON tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops_pipelines.formats.messages import messages_of, text_of, tool_calls_of
from llmops_pipelines.formats.reading import Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    first,
    without_nulls,
)
from llmops_pipelines.formats.usage import usage_of


def request_of(body: Any) -> Record:
    """What a request body says of a call: model asked for, messages, streaming, answer format."""
    body = as_object(body)
    form = first(as_object(body.get("response_format")), as_object(at_path(body, "text", "format")))
    form = form or {}
    gemini = as_object(first(body.get("generationConfig"), body.get("generation_config")))
    schema = first(
        at_path(form, "json_schema", "schema"),
        form.get("json_schema"),
        form.get("schema"),
        gemini.get("responseSchema"),
    )
    kind = first(form.get("type"), "json_schema" if gemini.get("responseSchema") else None)
    stream = body.get("stream")
    return without_nulls(
        {
            "model_requested": as_name(body.get("model")),
            "messages": asked(body) or None,
            "is_stream": stream if isinstance(stream, bool) else None,
            "format_requested": as_name(kind),
            "response_schema": schema,
            "user_id": as_name(first(body.get("user"), at_path(body, "metadata", "user_id"))),
        }
    )


def asked(body: Mapping[str, Any]) -> list[Record]:
    """The messages of a request body, its system text first."""
    system = first(
        body.get("system"),
        body.get("instructions"),
        body.get("systemInstruction"),
        body.get("system_instruction"),
    )
    if isinstance(system, dict) and "parts" in system:
        system = system["parts"]
    text = text_of(system)
    head = [{"role": "system", "content": text}] if text else []
    said = first(body.get("messages"), body.get("contents"), body.get("input"), body.get("prompt"))
    return head + messages_of(said)


def response_of(body: Any) -> Record:
    """What a response body says of a call: served model, answer, tools called, usage, its id."""
    body = as_object(body)
    choice = as_object(at_path(body, "choices", 0))
    candidate = as_object(at_path(body, "candidates", 0))
    if message := as_object(choice.get("message")):
        answer = first(text_of(message.get("content")), message.get("refusal"))
        called = tool_calls_of(message)
    elif candidate:
        parts = as_list(at_path(candidate, "content", "parts"))
        answer = text_of([part for part in parts if at_path(part, "text") and not _thought(part)])
        called = [call for part in parts if (call := _gemini_call(part))]
    elif output := as_list(body.get("output")):
        answer, called = _output(output)
    elif isinstance(content := body.get("content"), list):
        answer = text_of([part for part in content if at_path(part, "type") != "tool_use"])
        called = tool_calls_of(body)
    else:
        answer, called = as_name(choice.get("text")), []
    reason = first(
        choice.get("finish_reason"),
        candidate.get("finishReason"),
        body.get("stop_reason"),
        at_path(body, "incomplete_details", "reason"),
    )
    usage = first(body.get("usage"), body.get("usageMetadata"), body.get("usage_metadata"))
    return without_nulls(
        {
            "response_id": as_name(first(body.get("id"), body.get("responseId"))),
            "model": as_name(first(body.get("model"), body.get("modelVersion"))),
            "answer": answer if isinstance(answer, str) and answer else None,
            "tool_calls": called or None,
            "finish_reason": as_name(reason),
            "service_tier": as_name(
                first(body.get("service_tier"), at_path(usage, "service_tier"))
            ),
            **tokens_of(usage),
        }
    )


def error_of(body: Any) -> Record:
    """The error that a response body holds: OpenAI's and Anthropic's object, Gemini's, or text."""
    said = as_object(body).get("error")
    error = as_object(said)
    if not error:
        return {"error_message": said} if isinstance(said, str) and said else {}
    return without_nulls(
        {
            "error_class": as_name(first(error.get("type"), error.get("status"))),
            "error_code": as_name(error.get("code")),
            "error_message": as_text(error.get("message")),
        }
    )


def tokens_of(usage: Any) -> Record:
    """Token counts of a provider's usage object, as ``FIELDS`` has them; empty without usage."""
    fields = usage_of(as_object(usage)).fields
    return {name: value for name, value in fields.items() if name != "cost_reported"}


def _output(items: list[Any]) -> tuple[str | None, list[Record]]:
    """Answer and tools called of the output items of OpenAI's Responses."""
    texts = [
        text
        for item in items
        if at_path(item, "type") in (None, "message")
        and (text := text_of(at_path(item, "content")))
    ]
    called = tool_calls_of(
        {"content": [item for item in items if at_path(item, "type") == "function_call"]}
    )
    return "\n".join(texts) or None, called


def _gemini_call(part: Any) -> Record | None:
    call = as_object(first(at_path(part, "functionCall"), at_path(part, "function_call")))
    name = as_name(call.get("name"))
    return {"name": name, "arguments": as_text(call.get("args"))} if name else None


def _thought(part: Any) -> bool:
    return at_path(part, "thought") is True
