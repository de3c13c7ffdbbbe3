"""What a provider's request and response bodies tell, whichever provider's they are.

Gateways log the bodies they passed on: OpenAI's chat completions, completions, embeddings and
Responses, Anthropic's messages, Gemini's generateContent, Cohere's and Ollama's answers, those of
models on Bedrock. Text that is not JSON tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies import (
    anthropic_blocks,
    bedrock_bodies,
    cohere,
    completion,
    gemini,
    ollama,
    responses_items,
)
from llmops_pipelines.formats.bodies.messages import messages_of, text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    as_text,
    at_path,
    first,
    from_json,
    without_nulls,
)
from llmops_pipelines.formats.usage.usage import tokens_of

_NAMES: Final = ("response_id", "model", "service_tier", "finish_reason")
_ASKED: Final = ("messages", "contents", "input", "prompt", "inputText")
_READERS: Final = (
    ("choices", completion.reply_of),
    ("candidates", gemini.reply_of),
    ("output", responses_items.reply_of),
    ("content", anthropic_blocks.reply_of),
)
"""The key under which each API answers, and who reads it."""

_SPEAKERS: Final = (
    (ollama.speaks, ollama.reply_of),
    (cohere.speaks, cohere.reply_of),
    (bedrock_bodies.speaks, bedrock_bodies.reply_of),
    (gemini.speaks, gemini.reply_of),
)
"""Whose answers have no such key."""


def request_of(body: Any) -> Record:
    """What a request body says of a call: model asked for, messages, streaming, answer format."""
    body = as_object(body)
    form = as_object(body.get("response_format")) or as_object(at_path(body, "text", "format"))
    generation = as_object(first(body.get("generationConfig"), body.get("generation_config")))
    schema = first(
        at_path(form, "json_schema", "schema"),
        form.get("json_schema"),
        form.get("schema"),
        generation.get("responseSchema"),
    )
    kind = first(form.get("type"), "json_schema" if generation.get("responseSchema") else None)
    stream = body.get("stream")
    return without_nulls(
        {
            "model_requested": as_name(body.get("model")),
            "messages": asked(body) or None,
            "is_stream": stream if isinstance(stream, bool) else None,
            "format_requested": as_name(kind),
            "response_schema": schema,
            "user_id": as_name(
                first(
                    body.get("safety_identifier"),
                    body.get("user"),
                    at_path(body, "metadata", "user_id"),
                )
            ),
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
    said = first(*(body.get(name) for name in _ASKED))
    return head + messages_of(said)


def response_of(body: Any) -> Record:
    """What a response body says of a call: its reply, and its usage."""
    body = as_object(body)
    usage = as_object(
        first(
            body.get("usage"),
            body.get("usageMetadata"),
            body.get("usage_metadata"),
            cohere.usage_in(body),
            ollama.counts_in(body),
        )
    )
    found = reply_of(body) | tokens_of(usage)
    return without_nulls({"service_tier": as_name(usage.get("service_tier"))}) | found


def reply_of(body: Mapping[str, Any]) -> Record:
    """Id, served model, tier, answer, tools called and why it ended, of any provider's response."""
    spare = next((read for speaks, read in _SPEAKERS if speaks(body)), completion.reply_of)
    said = next((read for key, read in _READERS if _is_list(body.get(key))), spare)(body)
    answer = said["answer"]
    return without_nulls(
        {
            **{name: as_name(said.get(name)) for name in _NAMES},
            "answer": answer if isinstance(answer, str) and answer else None,
            "tool_calls": said["tool_calls"],
        }
    )


def _is_list(value: Any) -> bool:
    return isinstance(from_json(value), list)


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
