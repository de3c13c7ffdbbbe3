"""Spans of MLflow, in its traces and as it exports them by OTLP: values are JSON text.

``mlflow.llm.model`` is the served model, also copied from an argument of that name of any traced
function: only the span's type says what it is. Usage counts cached tokens within the input.
"""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of, tool_calls_of
from llmops_pipelines.formats.bodies.outcomes import outcome_of, usage_in
from llmops_pipelines.formats.dialects.common import answer_of, counts, custom, record_of, step
from llmops_pipelines.formats.dialects.gen_ai_usage import apart_if_smaller, split_writes
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    first,
    from_json,
)
from llmops_pipelines.formats.usage.counts import adds_up, count_in, with_total
from llmops_pipelines.formats.usage.usage import tokens_of

_CALLS: Final = ("CHAT_MODEL", "LLM", "EMBEDDING")
_KINDS: Final = {
    "RETRIEVER": "retriever", "RERANKER": "reranker", "TOOL": "tool", "PARSER": "parser",
    "AGENT": "agent", "GUARDRAIL": "guardrail",
}  # fmt: skip
_PROVIDERS: Final = ("openai", "anthropic", "bedrock", "gemini", "groq", "mistral")
_PARTS: Final = {
    "input_tokens": ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input"),
    "output_tokens": ("reasoning", "audio_output"),
}
"""Parts of a count that MLflow leaves out, all or in its older versions."""

_FLAGS: Final = {"true": True, "false": False}


def speaks(span: Span) -> bool:
    """Whether MLflow says what the span is."""
    return "mlflow.spanType" in span.attributes


def read(span: Span, **shared: Any) -> Record:
    """A call of a chat model, language model or embedding model, else a step of its type.

    Args:
        span: The span.
        shared: What the trace around it says of all its spans.
    """
    says = {key: from_json(value) for key, value in span.attributes.items()}
    shared = {
        "trace_id": as_name(says.get("mlflow.traceRequestId")),
        "user_id": as_name(first(says.get("mlflow.trace.user"), says.get("user.id"))),
        "session_id": as_name(first(says.get("mlflow.trace.session"), says.get("session.id"))),
        "instrumentation": span.scope or "mlflow",
        **_prompt(says),
        **shared,
    }
    shared["metadata"] = {**custom(says), **as_object(shared.get("metadata"))}
    kind = str(says.get("mlflow.spanType")).upper()
    if kind in _CALLS:
        return _call(span, says, shared)
    returned = says.get("mlflow.spanOutputs")
    return step(
        span,
        _KINDS.get(kind, "chain"),
        given=says.get("mlflow.spanInputs"),
        returned=returned,
        contexts=(documents_of(returned) or None) if kind in ("RETRIEVER", "RERANKER") else None,
        **shared,
    )


def _prompt(says: Record) -> Record:
    linked = as_list(says.get("mlflow.linkedPrompts"))
    return {
        "prompt_name": as_name(at_path(linked, 0, "name")),
        "prompt_version": as_name(at_path(linked, 0, "version")),
    }


def _call(span: Span, says: Record, shared: Record) -> Record:
    asked, returned = says.get("mlflow.spanInputs"), says.get("mlflow.spanOutputs")
    reply = first(
        at_path(returned, "choices", 0, "message"), at_path(returned, "messages", -1),
        at_path(returned, "generations", 0, 0, "message"), returned,
    )  # fmt: skip
    answer, outcome = answer_of(_content(reply)), outcome_of(returned)
    served = as_name(first(says.get("mlflow.llm.model"), outcome.get("model")))
    requested = as_name(first(says.get("model"), at_path(asked, "model"), served))
    stream = first(says.get("stream"), at_path(asked, "stream"))
    return record_of(
        span,
        "call",
        provider=as_name(first(says.get("mlflow.llm.provider"), _written_by(says))),
        model=None if span.failed else served,
        model_requested=requested,
        response_id=as_name(at_path(returned, "id")),
        service_tier=as_name(at_path(returned, "service_tier")),
        finish_reason=as_name(
            first(
                at_path(returned, "choices", 0, "finish_reason"),
                at_path(returned, "stop_reason"),
                outcome.get("finish_reason"),
            )
        ),
        is_stream=_FLAGS.get(stream, stream) if isinstance(stream, str) else stream,
        format_requested=as_name(at_path(asked, "response_format", "type")),
        cost_reported=as_object(says.get("mlflow.llm.cost")).get("total_cost"),
        messages=messages_of(asked) or None,
        answer=(None if isinstance(reply, str) else answer) or outcome.get("answer"),
        tool_calls=tool_calls_of(reply) or outcome.get("tool_calls"),
        **_usage(says, returned),
        **shared,
    )  # fmt: skip


def _written_by(says: Record) -> Any:
    """The provider whose messages these are; frameworks have a format of messages of their own."""
    form = says.get("mlflow.message.format")
    return form if form in _PROVIDERS else None


def _content(reply: Any) -> Any:
    return first(at_path(reply, "content"), at_path(reply, "kwargs", "content"))


def _usage(says: Record, returned: Any) -> Record:
    """Tokens that MLflow counted, with the parts that only the response tells; else all of its."""
    told, counted = tokens_of(usage_in(returned)), first(says.get("mlflow.chat.tokenUsage"))
    if counted is None:
        return told
    total = as_object(counted).get("total_tokens")
    found = counts(
        as_object(counted),
        input_tokens=("input_tokens",),
        output_tokens=("output_tokens",),
        cache_read=("cache_read_input_tokens",),
        cache_write_5m=("cache_creation_input_tokens",),
        cache_write_1h=("cache_creation_input_tokens_above_1hr",),
    )
    sides = ("input_tokens", "output_tokens")
    if adds_up(total, *(told.get(side) for side in sides)) and not adds_up(
        total, *(found.get(side) for side in sides)
    ):
        return told  # Gemini's thoughts, which MLflow counts in its total alone
    parts = {
        part: told[part]
        for side, names in _PARTS.items()
        if side in found and count_in(told.get(side)) == count_in(found[side])
        for part in names
        if part in told
    }
    return with_total(parts | split_writes(apart_if_smaller(found)), total)
