"""Spans of OpenTelemetry's GenAI conventions, current names and those of v1.36 and before.

The SDK of Anthropic and most instrumentations speak them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import (
    documents_of,
    messages_of,
    text_of,
    tool_calls_of,
)
from llmops_pipelines.formats.dialects.common import (
    answer_of,
    indexed,
    record_of,
    step,
    under,
)
from llmops_pipelines.formats.dialects.gen_ai_usage import usage
from llmops_pipelines.formats.dialects.vercel_metadata import CONTEXT, charged, providers_id
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Event, Span
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    first,
    from_json,
    milliseconds_of,
)

DETAILS: Final = "gen_ai.client.inference.operation.details"
"""An event of all that its call was asked and answered."""

_STEPS: Final = {
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "chain",
    "retrieval": "retriever",
}
INFERENCES: Final = ("chat", "generate_content", "text_completion", "embeddings")
_CALLED: Final = ("gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.id")
_FIRST_CHUNK: Final = (
    "gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
)  # fmt: skip
"""Seconds until a stream began, as the conventions call them, Vercel's AI SDK and Sentry."""

_STREAMED: Final = (
    "gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming", "gen_ai.response.streaming",
)  # fmt: skip

FRAMEWORKS: Final = ("strands-agents", "gateway")
"""Who name themselves as the system (the latter Vercel's): the model's name tells the provider."""

_ASKED, _REPLIED = "gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"
"""Bodies of Gemini's that Google's ADK puts on its spans."""

_PRODUCERS: Final = ("gen_ai.openai", "openai", "anthropic")


def speaks(span: Span) -> bool:
    """Whether the span has any attribute of the conventions."""
    return any(key.startswith("gen_ai.") for key in span.attributes)


def read(span: Span) -> Record:
    """A model call, or a step of an agent, a tool or a retriever."""
    says = span.attributes
    operation = as_name(says.get("gen_ai.operation.name"))
    kind = _STEPS.get(operation or "", "chain")
    inferred = kind == "chain" and any(key in says for key in _CALLED)
    if operation in INFERENCES or (operation != "invoke_workflow" and inferred):
        return call(span)
    return step(
        span,
        kind,
        name=as_name(
            first(
                says.get("gen_ai.tool.name") if kind == "tool" else None,
                says.get("gen_ai.agent.name") if kind == "agent" else None,
                says.get("gen_ai.data_source.id") if kind == "retriever" else None,
            )
        ),
        given=first(
            says.get("gen_ai.tool.call.arguments"),
            says.get("gen_ai.retrieval.query.text"),
            says.get("gen_ai.input.messages"),
        ),
        returned=first(
            says.get("gen_ai.tool.call.result"),
            says.get("gen_ai.retrieval.documents"),
            says.get("gen_ai.output.messages"),
        ),
        contexts=documents_of(says.get("gen_ai.retrieval.documents")) or None,
        session_id=as_name(says.get("gen_ai.conversation.id")),
        metadata=under(says, CONTEXT),
    )


def call(span: Span, *, tokens: Record | None = None, **more: Any) -> Record:
    """A model call; ``more`` is what a dialect on top of the conventions adds.

    ``tokens`` are its own counts, which stand for those that the conventions tell.
    An event of details on the span says what its attributes leave out, such as the texts.
    """
    if details := span.event(DETAILS):
        span = replace(span, attributes=details.attributes | span.attributes)
    if told := told_events(span):
        span = replace(span, events=span.events + told)
    says = span.attributes
    provider = as_name(first(says.get("gen_ai.provider.name"), says.get("gen_ai.system")))
    answers = _answers(span)
    answer = answers[0] if answers else {}
    begun = first(*(says.get(key) for key in _FIRST_CHUNK))
    chosen: Record = {
        "session_id": as_name(says.get("gen_ai.conversation.id")),
        "user_id": as_name(
            first(*(says.get(key) for key in ("user.id", "enduser.id", "gen_ai.user", "llm.user")))
        ),
        "provider": None if provider in FRAMEWORKS else provider,
        "model_requested": as_name(
            first(says.get("gen_ai.request.model"), says.get("llm.request.model"))
        ),
        "model": as_name(first(says.get("gen_ai.response.model"), says.get("llm.response.model"))),
        "response_id": providers_id(says.get("gen_ai.response.id")),
        "service_tier": as_name(
            first(*(says.get(f"{who}.response.service_tier") for who in _PRODUCERS))
        ),
        "finish_reason": as_name(
            first(
                *as_list(says.get("gen_ai.response.finish_reasons"))[:1],
                says.get("anthropic.message.stop_reason"),
                answer.get("finish_reason"),
            )
        ),
        "is_stream": first(
            *(says.get(key) for key in _STREAMED),
            True if begun is not None else None,
        ),
        "ttft_ms": milliseconds_of(begun),
        "prompt_name": as_name(says.get("gen_ai.prompt.name")),
        "format_requested": {"json": "json_object", "text": "text"}.get(
            as_name(says.get("gen_ai.output.type")) or ""
        ),
        "response_schema": from_json(says.get("gen_ai.request.structured_output_schema")),
        "cost_reported": first(says.get("gen_ai.usage.cost"), charged(says)),
        "messages": _messages(span) or None,
        "answer": answer_of(first(answer.get("parts"), answer.get("content"))),
        "tool_calls": tool_calls_of(answer) or None,
        **(usage(span) if tokens is None else tokens),
    }
    return record_of(span, "call", **(chosen | {k: v for k, v in more.items() if v is not None}))


def told_events(span: Span) -> tuple[Event, ...]:
    """Messages and choices that Pydantic AI and Logfire lay into an attribute of the span."""
    return tuple(
        Event(name, None, event)
        for event in as_list(span.attributes.get("events"))
        if isinstance(event, dict) and isinstance(name := event.get("event.name"), str)
    )


def _messages(span: Span) -> list[Record]:
    says = span.attributes
    system = text_of(from_json(says.get("gen_ai.system_instructions")))
    found = messages_of(
        first(
            says.get("gen_ai.input.messages"),
            says.get("gen_ai.request.messages"),
            indexed(says, "gen_ai.prompt"),
        )
    )
    if not found:
        found = messages_of(_event_text(span, "gen_ai.content.prompt", "gen_ai.prompt"))
    if not found:
        found = [
            {
                "role": event.name.split(".")[1],
                "content": text_of(from_json(event.attributes["content"])) or "",
            }
            for event in span.events
            if event.name.endswith(".message") and "content" in event.attributes
            if event.name.startswith("gen_ai.")
        ]
    if not found and (asked := as_object(says.get(_ASKED))):
        system = system or text_of(as_object(asked.get("config")).get("system_instruction"))
        found = messages_of(asked.get("contents"))
    head = [{"role": "system", "content": system}] if system else []
    return head + found


def _answers(span: Span) -> list[Record]:
    """The messages that the model replied with, as they stand."""
    says = span.attributes
    found = as_list(says.get("gen_ai.output.messages")) or [
        completion | {"tool_calls": indexed(completion, "tool_calls")}
        for completion in indexed(says, "gen_ai.completion")
    ]
    text = _event_text(span, "gen_ai.content.completion", "gen_ai.completion")
    if not found and text is not None:
        found = messages_of(text)
    if not found and (choice := span.event("gen_ai.choice")):
        message = from_json(choice.attributes.get("message"))
        said = {"content": message} if isinstance(message, list) else message
        said = said if isinstance(said, dict) else under(choice.attributes, "message")
        found = [{"finish_reason": choice.attributes.get("finish_reason")} | said]
    if not found and (replied := as_object(says.get(_REPLIED))):
        found = [as_object(replied.get("content"))]
    if not found:
        found = _said_to_sentry(says)
    return [message for message in found if isinstance(message, dict)]


def _said_to_sentry(says: Record) -> list[Record]:
    """Sentry's answer: text, a list of texts, or messages as JSON; its tools stand beside it."""
    text = says.get("gen_ai.response.text")
    called = {"tool_calls": as_list(says.get("gen_ai.response.tool_calls"))}
    told = from_json(text)
    messages = told if isinstance(told, list) else [told]
    if messages and all(isinstance(each, dict) and "content" in each for each in messages):
        return [messages[0] | called]
    texts = isinstance(told, list) and all(isinstance(each, str) for each in told)
    said = {"content": told if texts else text} | called
    return [said] if any(said.values()) else []


def _event_text(span: Span, event: str, attribute: str) -> Any:
    found = span.event(event)
    return from_json(found.attributes.get(attribute)) if found else None
