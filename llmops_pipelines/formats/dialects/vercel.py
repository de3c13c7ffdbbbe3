"""Spans of Vercel's AI SDK: the calls themselves, and around each the function that made them.

``ai.generateText`` repeats the usage of its ``ai.generateText.doGenerate``: only the inner one is a
call. The spans that version 7 writes by default are in the GenAI conventions.
"""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import messages_of
from llmops_pipelines.formats.dialects import gen_ai
from llmops_pipelines.formats.dialects.common import step, under
from llmops_pipelines.formats.dialects.vercel_metadata import CONTEXT, charged, providers_id
from llmops_pipelines.formats.dialects.vercel_usage import usage
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import as_list, as_name, at_path, context_of, first
from llmops_pipelines.formats.usage.usage_maps import of_embedding

_INNER: Final = (".doGenerate", ".doStream", ".doEmbed")


def speaks(span: Span) -> bool:
    """Whether the SDK says which of its operations the span is."""
    return "ai.operationId" in span.attributes


def speaks_gen_ai(span: Span) -> bool:
    """Whether version 7 recorded the span, which names its library after the conventions."""
    return span.scope == "gen_ai" and gen_ai.speaks(span)


def read(span: Span) -> Record:
    """A call of a model, a tool, or the function around them."""
    says = span.attributes
    operation = as_name(says.get("ai.operationId")) or ""
    metadata = {**under(says, CONTEXT), **under(says, "ai.telemetry.metadata")}
    shared = {**context_of(metadata), "metadata": metadata, "tags": metadata.get("tags")}
    named = as_name(says.get("ai.telemetry.functionId"))
    if operation.endswith(_INNER):
        return _call(span, {**shared, "name": named})
    tool = operation == "ai.toolCall"
    return step(
        span,
        "tool" if tool else "chain",
        given=first(says.get("ai.toolCall.args"), says.get("ai.prompt")),
        returned=first(says.get("ai.toolCall.result"), says.get("ai.response.text")),
        name=as_name(says.get("ai.toolCall.name")) if tool else named,
        **shared,
    )


def _call(span: Span, shared: Record) -> Record:
    says = span.attributes
    operation = as_name(says.get("ai.operationId")) or ""
    # openai.chat, anthropic.messages
    provider = as_name(first(says.get("gen_ai.system"), says.get("ai.model.provider"))) or ""
    return gen_ai.call(
        span,
        provider=None if provider in gen_ai.FRAMEWORKS else provider.partition(".")[0] or None,
        model_requested=as_name(first(says.get("gen_ai.request.model"), says.get("ai.model.id"))),
        model=as_name(first(says.get("gen_ai.response.model"), says.get("ai.response.model"))),
        response_id=providers_id(first(says.get("gen_ai.response.id"), says.get("ai.response.id"))),
        finish_reason=as_name(says.get("ai.response.finishReason")),
        cost_reported=charged(says),
        is_stream=operation.endswith(".doStream"),
        ttft_ms=first(says.get("ai.response.msToFirstChunk"), says.get("ai.stream.msToFirstChunk")),
        messages=messages_of(says.get("ai.prompt.messages")) or None,
        answer=as_name(first(says.get("ai.response.text"), says.get("ai.response.object"))),
        tool_calls=[_tool(call) for call in as_list(says.get("ai.response.toolCalls"))] or None,
        tokens=of_embedding(usage(span)) if operation.endswith(".doEmbed") else usage(span),
        **shared,
    )


def _tool(call: Any) -> Record:
    arguments = first(at_path(call, "input"), at_path(call, "args"))
    return {"name": as_name(at_path(call, "toolName")), "arguments": arguments}
