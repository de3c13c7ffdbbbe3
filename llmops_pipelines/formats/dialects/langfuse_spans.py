"""Spans of Langfuse's SDK as it sends them by OTLP, before its server maps them.

Usage keeps the convention of who recorded it: the wrapper of OpenAI passes inclusive counts on,
generations made by hand count apart; a total tells them from each other.
"""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of
from llmops_pipelines.formats.bodies.outcomes import outcome_of
from llmops_pipelines.formats.dialects.common import record_of, step, under
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    tokens,
    without_nulls,
)
from llmops_pipelines.formats.usage.usage_maps import of_embedding, token_fields, total_of

_OWN: Final = "langfuse.observation"
_MARK: Final = f"{_OWN}."
_TRACE: Final = "langfuse.trace"
_CALLS: Final = ("generation", "embedding")
_KINDS: Final = ("retriever", "tool", "agent", "chain", "guardrail")


def speaks(span: Span) -> bool:
    """Whether Langfuse's SDK says what the span is."""
    return any(key.startswith(_MARK) for key in span.attributes)


def read(span: Span) -> Record:
    """A generation or embedding is a call; an event is ignored; everything else is a step."""
    says = under(span.attributes, _OWN)
    kind = str(says.get("type") or "span").lower()
    if kind == "event":
        return {"kind": "ignored"}
    shared = _shared(span, says)
    if kind in _CALLS or (kind == "span" and says.get("model.name") is not None):
        return _call(span, says, shared)
    returned = from_json(says.get("output"))
    return step(
        span,
        kind if kind in _KINDS else "chain",
        given=says.get("input"),
        returned=says.get("output"),
        contexts=(documents_of(returned) or None) if kind == "retriever" else None,
        **shared,
    )


def _shared(span: Span, says: Record) -> Record:
    everything = span.attributes
    trace = under(everything, _TRACE)
    metadata = {
        key: from_json(value)
        for given, name in ((trace, "metadata"), (says, "metadata"))
        for key, value in {**as_object(given.get(name)), **under(given, name)}.items()
    }
    said: Record = {
        "user_id": as_name(first(everything.get("user.id"), everything.get("langfuse.user.id"))),
        "session_id": as_name(
            first(everything.get("session.id"), everything.get("langfuse.session.id"))
        ),
        "environment": as_name(everything.get("langfuse.environment")),
        "prompt_name": as_name(says.get("prompt.name")),
        "prompt_version": as_name(says.get("prompt.version")),
    }
    return {
        "tags": trace.get("tags"),
        "metadata": metadata,
        **context_of(metadata),
        **without_nulls(said),
    }


def _call(span: Span, says: Record, shared: Record) -> Record:
    asked, returned = from_json(says.get("input")), from_json(says.get("output"))
    parameters = as_object(says.get("model.parameters"))
    model = as_name(says.get("model.name"))
    cost = tokens(total_of(as_object(says.get("cost_details"))))
    outcome = outcome_of(returned)
    outcome.pop("model", None)
    usage = token_fields(says.get("usage_details"))
    if says.get("type") == "embedding":
        usage = of_embedding(usage)
        outcome.pop("answer", None)  # how many numbers it has
    found = record_of(
        span,
        "call",
        model=None if span.failed else model,
        model_requested=model if span.failed else None,
        first_token_at=from_json(says.get("completion_start_time")),
        is_stream=True if says.get("completion_start_time") is not None else None,
        format_requested=as_name(at_path(as_object(parameters.get("response_format")), "type")),
        cost_reported=None if span.failed and cost == 0 else cost,
        messages=messages_of(asked) or None,
        **(
            without_nulls(
                {
                    "service_tier": as_name(parameters.get("service_tier")),
                    "finish_reason": as_name(shared["metadata"].get("finish_reason")),
                }
            )
            | outcome
            | usage
        ),
        **shared,
    )
    if str(says.get("level")).upper() == "ERROR":
        found |= {"status": "error"}
        found.setdefault("error_message", as_name(says.get("status_message")))
    return without_nulls(found)
