"""Spans of OpenLIT: the GenAI conventions with times of its own.

A span of Anthropic or Gemini that failed has no attributes: only its name says what was asked of
which model. A cost of 0 is that of a model whose price OpenLIT does not know. How its libraries
count tokens says ``gen_ai_usage``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from llmops_pipelines.formats.dialects import gen_ai
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import as_name, is_zero, milliseconds_of, without_nulls

_SCOPE: Final = "openlit.instrumentation."
_FIRST: Final = "gen_ai.server.time_to_first_token"
"""Of an answer that was not streamed OpenLIT says here how long all of it took."""

_REASON: Final = "FinishReason."
"""How Python prints one of Gemini's reasons."""


def speaks(span: Span) -> bool:
    """Whether OpenLIT recorded the span."""
    return (span.scope or "").startswith(_SCOPE)


def read(span: Span) -> Record:
    """A model call, or a step."""
    if not gen_ai.speaks(span):
        span = _named(span)
    found = gen_ai.read(span)
    if found.get("kind") != "call":
        return found
    cost, reason = found.get("cost_reported"), as_name(found.get("finish_reason"))
    seconds = span.attributes.get(_FIRST)
    streamed = found.get("is_stream") is True and isinstance(seconds, (int, float))
    return without_nulls(
        found
        | {
            "cost_reported": None if is_zero(cost) else cost,
            "finish_reason": reason and reason.removeprefix(_REASON),
            "ttft_ms": milliseconds_of(seconds) if streamed and seconds else found.get("ttft_ms"),
        }
    )


def _named(span: Span) -> Span:
    """A span without attributes, with those that its name tells (``chat gemini-2.5-flash``)."""
    operation, _, model = (span.name or "").partition(" ")
    if operation not in gen_ai.INFERENCES or not model:
        return span
    told = {"gen_ai.operation.name": operation, "gen_ai.request.model": model}
    return replace(span, attributes=span.attributes | told)
