"""Spans of Logfire's wrappers of OpenAI and Anthropic: the GenAI conventions beside its own.

Its first version keeps the texts in ``request_data`` and ``response_data``, those of the Responses
API as events in an attribute, the answer last. Of a stream there are
two: a span until it begins, and a log when it is over, whose ``duration`` (seconds) runs from its
beginning. They are told as two calls of one request, which a day's calls together show
(``ingest.day.copies``): they may lie in different files.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import request_of
from llmops_pipelines.formats.bodies.outcomes import outcome_of
from llmops_pipelines.formats.dialects import gen_ai
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Event, Span
from llmops_pipelines.formats.records import as_name, as_object, first

_ASKED, _REPLIED = "request_data", "response_data"
_PENDING: Final = "logfire.pending_parent_id"
"""Of a copy of a span that is sent as it begins."""


def speaks(span: Span) -> bool:
    """Whether one of Logfire's wrappers recorded the span, or it only says that one began."""
    return _PENDING in span.attributes or (_ASKED in span.attributes and gen_ai.speaks(span))


def read(span: Span) -> Record:
    """A model call; what only says that a span began is ignored."""
    says = span.attributes
    if _PENDING in says:
        return {"kind": "ignored"}
    asked, replied = request_of(says.get(_ASKED)), as_object(says.get(_REPLIED))
    told = outcome_of(as_object(replied.get("message")))
    spare = as_name(first(replied.get("combined_chunk_content"), replied.get("text")))
    elapsed = says.get("duration")
    streamed: Record = {}
    if isinstance(elapsed, (int, float)):
        begun = _earlier(span.started_at, elapsed)
        streamed = {"is_stream": True, "started_at": begun, "ended_at": span.started_at}
    told = {"answer": told.get("answer") or spare, "tool_calls": told.get("tool_calls")}
    return gen_ai.call(_with_answer(span), **asked, **told) | streamed


def _with_answer(span: Span) -> Span:
    """The span of a response with its last message as the answer."""
    events = gen_ai.told_events(span)
    answered = bool(events) and events[-1].name == "gen_ai.assistant.message"
    if not answered or "gen_ai.response.id" not in span.attributes:
        return span
    answer = Event("gen_ai.choice", None, {"message": events[-1].attributes})
    rest = {name: value for name, value in span.attributes.items() if name != "events"}
    return replace(span, attributes=rest, events=(*span.events, *events[:-1], answer))


def _earlier(time: Any, seconds: float) -> Any:
    """A time so many seconds before, in the spelling of OTLP (nanoseconds) or of a table (ISO)."""
    text = str(time)
    if text.isdigit():
        return str(int(text) - round(seconds * 10**9))
    try:
        return (datetime.fromisoformat(text) - timedelta(seconds=seconds)).isoformat()
    except (ValueError, OverflowError):
        return time
