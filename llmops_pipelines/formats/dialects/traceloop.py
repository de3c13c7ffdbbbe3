"""Spans of Traceloop's OpenLLMetry: GenAI attributes, flattened messages, its own span kinds."""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of
from llmops_pipelines.formats.dialects import gen_ai
from llmops_pipelines.formats.dialects.common import step, under
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    context_of,
    first,
    from_json,
    without_nulls,
)

_OWN: Final = ("traceloop.", "llm.request.", "llm.usage.")
_KINDS: Final = {
    "workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool",
    "retriever": "retriever", "guardrail": "guardrail", "reranker": "reranker",
}  # fmt: skip
_PROPERTIES: Final = "traceloop.association.properties"


def speaks(span: Span) -> bool:
    """Whether the span has attributes that only OpenLLMetry sets."""
    return any(key.startswith(_OWN) for key in span.attributes)


def read(span: Span) -> Record:
    """A model call, or a step of the kind that the application's decorators say."""
    says = span.attributes
    properties = under(says, _PROPERTIES)
    prompt: dict[str, Any] = {
        "prompt_name": as_name(says.get("traceloop.prompt.key")),
        "prompt_version": as_name(says.get("traceloop.prompt.version")),
        "prompt_template": as_name(says.get("traceloop.prompt.template")),
    }
    shared = {**without_nulls(prompt), **context_of(properties), "metadata": properties}
    asked = first(says.get("llm.request.type"), says.get("gen_ai.request.model"))
    kind = as_name(says.get("traceloop.span.kind"))
    if asked is not None and kind is None:
        return gen_ai.call(span, **shared)
    if kind is None and gen_ai.speaks(span):
        return gen_ai.read(span)
    returned = from_json(says.get("traceloop.entity.output"))
    step_kind = _KINDS.get((kind or "").lower(), "chain")
    found = documents_of(returned) if step_kind in ("retriever", "reranker") else []
    shared.pop("prompt_template", None)
    return step(
        span,
        step_kind,
        given=says.get("traceloop.entity.input"),
        returned=says.get("traceloop.entity.output"),
        contexts=found or None,
        step_name=as_name(says.get("traceloop.entity.name")),
        tags=as_list(as_object(says.get("traceloop.association.properties")).get("tags")),
        **shared,
    )
