"""Format ``opik``: Comet Opik's traces and spans, from its API, its SDK or ``opik export``.

As documented by ``TracePublic``, ``SpanPublic`` and ``FeedbackScorePublic`` of its REST API. Only a
span of type ``llm`` is a call; a trace is the root step of its spans and carries their session
(``thread_id``), user and tags. Both are sent when they begin and again when they end, under the
same id; a span that has only begun is not typed yet. ``usage`` is flat: OpenAI's three names for
everybody, and the provider's own counts under ``original_usage.``, which say more. ``duration`` and
``ttft`` are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import documents_of, messages_of
from llmops_pipelines.formats.bodies.outcomes import exception_of, outcome_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.opik_rows import MARK, is_row, span_of, trace_of
from llmops_pipelines.formats.opik_scores import judged
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    is_zero,
    size_of,
    tags_of,
    without_nulls,
)
from llmops_pipelines.formats.step_words import kind_by_name
from llmops_pipelines.formats.usage.counts import any_in, with_total
from llmops_pipelines.formats.usage.usage import tokens_of
from llmops_pipelines.formats.usage.usage_maps import token_fields

_TYPES: Final = ("general", "tool", "llm", "guardrail")
_SPAN_MARKS: Final = (
    "parent_span_id", "project_name", "error_info", "usage", "last_updated_at", "ttft",
    "total_estimated_cost", "feedback_scores",
)  # fmt: skip
_TRACE_MARKS: Final = (
    "thread_id", "project_name", "project_id", "error_info", "last_updated_at", "feedback_scores",
    "span_count", "llm_span_count", "total_estimated_cost", "visibility_mode",
)  # fmt: skip
_ORIGINAL: Final = "original_usage."
_RESPONSE: Final = ("choices", "content", "output", "candidates")
_BESIDE: Final = ("id", "type", "role", "service_tier", "stop_reason", "status", "responseId")


def _recognises(record: Mapping[str, Any]) -> bool:
    if is_row(record):
        return True
    if isinstance(trace := record.get("trace"), dict) and isinstance(record.get("spans"), list):
        return _is_trace(trace)
    return _is_span(record) or _is_trace(record)


def _is_span(record: Mapping[str, Any]) -> bool:
    typed = record.get("type") in _TYPES if "type" in record else "parent_span_id" in record
    return (
        typed
        and "start_time" in record
        and "trace_id" in record
        and any(mark in record for mark in _SPAN_MARKS)
    )


def _is_trace(record: Mapping[str, Any]) -> bool:
    return (
        "id" in record
        and "start_time" in record
        and record.keys().isdisjoint({"trace_id", "type", "run_type"})
        and sum(mark in record for mark in _TRACE_MARKS) >= 2
    )


def _unpack(record: Record) -> Iterator[Record]:
    if is_row(record):
        trace, span = trace_of(record), span_of(record)
        yield from _told(trace, _trace(trace))
        if span:
            yield from _told(span, _span(span))
    elif "trace" in record and "start_time" not in record:
        trace = as_object(record["trace"])
        yield from _told(trace, _trace(trace))
        for span in map(as_object, as_list(record.get("spans"))):
            yield from _told(span, _span({"trace_id": trace.get("id")} | span))
    elif "trace_id" in record:
        yield from _told(record, _span(record))
    else:
        yield from _told(record, _trace(record))


def _told(record: Record, said: Record) -> Iterator[Record]:
    """A trace or span, and what people thought of it."""
    begun = record.get("type") == "general" and not record.get("end_time")
    if begun and record.get("output") is None:
        yield {"kind": "ignored"}  # its last record says whether it was a call
        return
    yield without_nulls(said)
    yield from judged(record, said)


def _trace(record: Record) -> Record:
    name = as_name(record.get("id"))
    return _shared(record) | {
        "kind": "step",
        "call_id": name,
        "trace_id": name,
        "step_kind": "chain",
        "step_name": as_name(record.get("name")),
        "input_chars": size_of(record.get("input")),
        "output_chars": size_of(record.get("output")),
    }


def _span(record: Record) -> Record:
    trace = as_name(record.get("trace_id"))
    found = _shared(record) | {
        "call_id": as_name(record.get("id")),
        "trace_id": trace,
        # The trace stands above a root span, and carries the session.
        "parent_id": as_name(record.get("parent_span_id")) or trace,
    }
    if record.get("type") == "llm":
        return found | _call(record)
    kind = _step_kind(record)
    found |= {
        "kind": "step",
        "step_kind": kind,
        "step_name": as_name(record.get("name")),
        "input_chars": size_of(record.get("input")),
        "output_chars": size_of(record.get("output")),
    }
    if kind == "retriever":
        found["contexts"] = documents_of(record.get("output"))
    return found


def _step_kind(record: Record) -> str:
    """The kind of a span; retrievers are told by their name only, they have no type."""
    kind, named = record.get("type"), kind_by_name(as_name(record.get("name")))
    if kind == "guardrail" or (kind == "tool" and named != "retriever"):
        return str(kind)
    return named


def _call(record: Record) -> Record:
    metadata, output = as_object(record.get("metadata")), as_object(record.get("output"))
    wanted, stream = as_object(metadata.get("response_format")), metadata.get("stream")
    if any(isinstance(output.get(name), list) for name in _RESPONSE):
        # Integrations keep the answer as output, and the rest of the response as metadata.
        output = without_nulls({name: metadata.get(name) for name in _BESIDE}) | output
    outcome = outcome_of(output or record.get("output"))
    outcome.pop("model", None)
    return {
        "kind": "call",
        "name": as_name(record.get("name")),
        "provider": as_name(record.get("provider")),
        "model": as_name(record.get("model")),
        "ttft_ms": record.get("ttft"),
        "is_stream": stream if isinstance(stream, bool) else None,
        "format_requested": as_name(wanted.get("type")),
        "response_schema": at_path(wanted, "json_schema", "schema"),
        "messages": messages_of(record.get("input")) or None,
        "cost_reported": _cost(record),
        **outcome,
        **_usage(as_object(record.get("usage"))),
    }


def _usage(usage: Record) -> Record:
    """Tokens of the provider's own counts, held against Opik's total; else of Opik's."""
    own: Record = {}
    for name, count in usage.items():
        if name.startswith(_ORIGINAL):
            _put(own, name.removeprefix(_ORIGINAL).split("."), count)
    found = tokens_of(own)
    if any(map(any_in, found.values())):
        return {"total_tokens": None} | with_total(found, usage.get("total_tokens"))
    flat = {name: count for name, count in usage.items() if not name.startswith(_ORIGINAL)}
    return token_fields(flat or own)


def _put(into: Record, steps: list[str], count: Any) -> None:
    for step in steps[:-1]:
        inner = into.get(step)
        into[step] = into = inner if isinstance(inner, dict) else {}
    into[steps[-1]] = count


def _cost(record: Record) -> Any:
    """Opik's estimate; 0 is that of a model without a price."""
    cost = record.get("total_estimated_cost")
    return None if is_zero(cost) else cost


def _shared(record: Record) -> Record:
    """What a trace and a span tell alike."""
    metadata = {name: from_json(value) for name, value in as_object(record.get("metadata")).items()}
    tags = tags_of(record.get("tags"))
    error, ended = as_object(record.get("error_info")), record.get("end_time")
    raised = {"type": error.get("exception_type"), "message": error.get("message")}
    said = {
        "session_id": as_name(record.get("thread_id")),
        "environment": as_name(record.get("environment")),
    }
    return {
        "project": as_name(first(record.get("project_name"), record.get("project_id"))),
        "instrumentation": as_name(metadata.get("created_from")),
        "started_at": record.get("start_time"),
        "ended_at": ended,
        "latency_ms": None if ended else record.get("duration"),
        "status": "error" if error else "ok",
        **(exception_of(without_nulls(raised)) if error else {}),
        "tags": tags,
        "metadata": metadata or None,
        **context_of(metadata, tags),
        **without_nulls(said),
    }


OPIK: Final = LogFormat(
    name="opik",
    about="Comet Opik traces and spans",
    marks=("start_time", "spans", MARK),
    recognises=_recognises,
    unpack=_unpack,
    needs=("id, trace_id, type and start_time of a span; id and start_time of a trace",),
    second_hand=True,
)
