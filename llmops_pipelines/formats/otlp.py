"""Spans out of whatever carries them: OTLP JSON in its spellings, console spans, flat rows.

A line may be a whole export request (``resourceSpans``), one part of it, one span, what the console
exporters of Python's and JavaScript's SDK print (the latter as JSON), a row of a table with columns
``attributes.*``, one of Logfire's table ``records``, or a span of Sentry's, alone or in its
transaction.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    first,
    from_json,
    without_nulls,
)

_HEX: Final = re.compile(r"(0x)?[0-9a-fA-F]+")
_DEEPEST: Final = 64
_OPENINFERENCE_KINDS: Final = (
    "LLM", "EMBEDDING", "CHAIN", "RETRIEVER", "RERANKER", "TOOL", "AGENT", "GUARDRAIL", "EVALUATOR",
    "PROMPT",
)  # fmt: skip
_SPAN_SCOPES: Final = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
_OTHER_SCOPES: Final = ("scopeLogs", "scope_logs", "scopeMetrics", "scope_metrics")
SIGNALS: Final = ("resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics")
_BATCHES: Final = ("resourceSpans", "resource_spans", "batches")
_IDS: Final = ("spanId", "span_id", "context", "context.span_id")
_OF_NODE: Final = ("traceId", "id", "timestamp", "duration")
"""How the console exporter of JavaScript's SDK names a span's ids, and its times (us)."""

_OF_SENTRY: Final = ("start_timestamp", "data")
"""What a span of Sentry's has whose attributes are called data; its ``timestamp`` is the end."""

SPAN_MARKS: Final = (*_BATCHES, *_SPAN_SCOPES, "scope", *_IDS, _OF_NODE[0], _OF_SENTRY[0])
"""Every record that carries spans has one of these keys; one of ``SIGNALS``, what else is sent."""

_PARENTS: Final = ("parentSpanId", "parent_span_id", "parent_id", "parentId")
_OWN_SCOPES: Final = (
    "scope", "instrumentation_scope", "instrumentationScope", "instrumentationLibrary",
)  # fmt: skip
_SCRUBBED: Final = "logfire.scrubbed"
_ERRORS: Final = ("2", "2.0", "error", "status_code_error", "statuscode.error")
_FAILURES: Final = frozenset({
    "aborted", "already_exists", "cancelled", "data_loss", "deadline_exceeded",
    "failed_precondition", "internal_error", "invalid_argument", "not_found", "out_of_range",
    "permission_denied", "resource_exhausted", "unauthenticated", "unavailable", "unimplemented",
    "unknown_error",
})  # fmt: skip
"""Words of Sentry's for the status of a failed span; they say of which kind."""

_TIMES: Final = ("TimeUnixNano", "_time_unix_nano", "Time", "_time", "_timestamp")
_STARTS: Final = tuple(f"start{tail}" for tail in _TIMES)
_ENDS: Final = tuple(f"end{tail}" for tail in _TIMES)


@dataclass(frozen=True)
class Event:
    """Something that happened during a span, such as an exception or the first token."""

    name: str
    time: Any
    attributes: Record


@dataclass(frozen=True)
class Span:
    """One span with plain attributes; ids are hex, times as the source has them.

    ``scope`` is the library that recorded it, ``resource`` the attributes of its process.
    ``failed`` is None where the source does not say. ``links`` are traces and spans.
    """

    name: str | None
    span_id: str | None
    trace_id: str | None
    parent_id: str | None
    started_at: Any
    ended_at: Any
    attributes: Record
    failed: bool | None = None
    message: str | None = None
    events: tuple[Event, ...] = ()
    resource: Record = field(default_factory=dict)
    scope: str | None = None
    links: tuple[tuple[str | None, str | None], ...] = ()

    def event(self, name: str) -> Event | None:
        """The first event called ``name``."""
        return next((event for event in self.events if event.name == name), None)


@dataclass(frozen=True)
class Log:
    """One log record, or one metric: then without a name. Ids are hex, values plain."""

    name: str
    time: Any
    body: Any
    attributes: Record
    trace_id: str | None
    span_id: str | None
    resource: Record
    scope: str | None


def spans_of(record: Mapping[str, Any]) -> Iterator[Span]:
    """The spans that ``record`` carries; none where it carries something else."""
    batches = _of(record, *_BATCHES)
    if batches is not None:
        for batch in _objects(batches):
            yield from _resource_spans(batch)
    elif _scopes(record) is not None or ("scope" in record and "spans" in record):
        yield from _resource_spans(record)
    elif is_span(record):
        yield span_of(record)
    elif _OF_SENTRY[0] in record:  # a transaction
        said = {
            "user.id": at_path(record, "user", "id"),
            "deployment.environment": record.get("environment"),
        }
        for span in _objects(record.get("spans")):
            yield span_of(span, without_nulls(said))


def is_request(record: Mapping[str, Any]) -> bool:
    """Whether ``record`` is a whole export request of spans."""
    return bool(as_list(_of(record, "resourceSpans", "resource_spans")))


def is_span(record: Mapping[str, Any]) -> bool:
    """Whether ``record`` is one span, in any of its spellings."""
    if (
        "attributes" not in record
        and not all(key in record for key in _OF_SENTRY)
        and not any(key.startswith("attributes.") for key in record)
    ):
        return False
    return any(key in record for key in _IDS) or all(key in record for key in _OF_NODE)


def logs_of(record: Mapping[str, Any]) -> Iterator[Log]:
    """The log records and metrics that ``record`` carries."""
    return (log for log, _ in sent_logs(record))


def sent_logs(record: Mapping[str, Any]) -> Iterator[tuple[Log, Mapping[str, Any]]]:
    """As ``logs_of``, each with the object that was sent."""
    for signal in SIGNALS:
        for batch in _objects(record.get(signal)):
            resource = attributes_of(as_object(batch.get("resource")).get("attributes"))
            for inner in _objects(_of(batch, *_OTHER_SCOPES)):
                scope = as_name(as_object(inner.get("scope")).get("name"))
                for log in _objects(_of(inner, "logRecords", "log_records", "metrics")):
                    yield log_of(log, resource, scope), log


def log_of(record: Mapping[str, Any], resource: Record, scope: str | None) -> Log:
    """One log record, or one metric, as it was sent."""
    attributes = attributes_of(record.get("attributes"))
    named = first(_of(record, "eventName", "event_name"), attributes.get("event.name"))
    times = ("timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "observed_time_unix_nano")
    return Log(
        name=as_name(named) or "",
        time=first(*(_time(record.get(key)) for key in times)),
        body=any_value(record.get("body")),
        attributes=attributes,
        trace_id=hex_id(_of(record, "traceId", "trace_id"), 16),
        span_id=hex_id(_of(record, "spanId", "span_id"), 8),
        resource=resource,
        scope=scope,
    )


def attributes_of(value: Any) -> Record:
    """OTLP's list of keys and typed values as a plain object; an object as it is.

    Either may be the text that a table holds. Sentry's values stand beside their type.
    """
    value = from_json(value)
    if isinstance(value, dict):
        return {key: _untyped(held) for key, held in value.items()}
    found: Record = {}
    for item in as_list(value):
        if isinstance(item, dict) and isinstance(key := item.get("key"), str):
            found[key] = any_value(item.get("value"))
    return found


def _untyped(held: Any) -> Any:
    return held["value"] if isinstance(held, dict) and held.keys() == {"value", "type"} else held


def any_value(value: Any, depth: int = 0) -> Any:
    """OTLP's AnyValue as a plain one: whole numbers arrive as text, lists and objects wrapped.

    A table has a column for each kind of value, of which one says something.
    """
    if not isinstance(value, dict):
        return value
    if (text := value.get("stringValue")) is not None:
        return text
    for key, held in value.items() if depth < _DEEPEST else ():
        if held is not None and key.endswith(("Value", "_value")):
            return _plain(key, held, depth)
    return None


def _plain(key: str, held: Any, depth: int) -> Any:
    inner = held.get("values") if isinstance(held, dict) else held
    match key:
        case "intValue" | "int_value":
            return _whole(held)
        case "arrayValue" | "array_value":
            return [any_value(item, depth + 1) for item in as_list(inner)]
        case "kvlistValue" | "kvlist_value":
            pairs = [pair for pair in _objects(inner) if "key" in pair]
            return {str(pair["key"]): any_value(pair.get("value"), depth + 1) for pair in pairs}
        case _:
            return held


def hex_id(value: Any, size: int) -> str | None:
    """An id of ``size`` bytes as hex, out of hex, 0x-hex, base64 or a number; others as they are.

    An id of zeros is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 8 * size:
        value = f"{value:0{2 * size}x}"
    text = as_name(value)
    if text is None:
        return None
    if _HEX.fullmatch(text):
        text = text.lower().removeprefix("0x")
    elif len(text) == 4 * -(-size // 3):
        try:
            text = base64.b64decode(text, altchars=None, validate=True).hex()
        except (binascii.Error, ValueError):
            return text
    return text if text.strip("0") else None


def _resource_spans(batch: Mapping[str, Any]) -> Iterator[Span]:
    resource = attributes_of(as_object(batch.get("resource")).get("attributes"))
    scopes = _scopes(batch)
    for inner in [batch] if scopes is None else _objects(scopes):
        scope = as_object(_of(inner, "scope", "instrumentationLibrary"))
        for span in _objects(inner.get("spans")):
            yield span_of(span, resource, as_name(scope.get("name")))


def _scopes(batch: Mapping[str, Any]) -> Any:
    return _of(batch, *_SPAN_SCOPES)


def span_of(
    record: Mapping[str, Any], resource: Record | None = None, scope: str | None = None
) -> Span:
    """One span object, in any of its spellings."""
    context = as_object(record.get("context"))
    parent = as_object(record.get("parentSpanContext"))
    started_at, ended_at = _times(record)
    status = record.get("status")
    said = as_object(status)
    code = _of(said, "code", "status_code")
    if code is None:
        code = _of(record, "status_code", "statusCode", "otel_status_code")
    if code is None:
        code = status if isinstance(status, str) else at_path(record, "tags", "status")
    own = as_object(_of(record, *_OWN_SCOPES))
    message = _of(said, "message", "description") or _of(
        record, "status_message", "otel_status_message", "exception_message"
    )
    attributes = _row_attributes(record)
    if (word := str(code).lower()) in _FAILURES:
        attributes.setdefault("error.type", word)
    return Span(
        name=as_name(_of(record, "name", "span_name", "description")),
        span_id=hex_id(
            _of(record, "spanId", "span_id", "context.span_id")
            or first(context.get("span_id"), record.get("id")),
            8,
        ),
        trace_id=hex_id(
            _of(record, "traceId", "trace_id", "context.trace_id") or context.get("trace_id"), 16
        ),
        parent_id=hex_id(first(_of(record, *_PARENTS), parent.get("spanId")), 8),
        started_at=started_at,
        ended_at=ended_at,
        attributes=attributes,
        failed=None if code is None else word in _ERRORS or word in _FAILURES,
        message=as_name(message),
        events=tuple(_events(record.get("events"))),
        resource=resource or _own_resource(record),
        scope=scope or as_name(own.get("name") or record.get("otel_scope_name")),
        links=tuple(_links(record.get("links"))),
    )


def _own_resource(record: Mapping[str, Any]) -> Record:
    """What one span says of its process, beside it or in columns of a row."""
    found = attributes_of(as_object(record.get("resource")).get("attributes"))
    return found or attributes_of(record.get("otel_resource_attributes"))


def _row_attributes(record: Mapping[str, Any]) -> Record:
    """The attributes of a span, also those that a table spreads over columns ``attributes.*``."""
    found = attributes_of(_of(record, "attributes", _OF_SENTRY[1]))
    for key, value in record.items():
        if key.startswith("attributes.") and value is not None:
            found[key.removeprefix("attributes.")] = value
    kind = record.get("span_kind")  # Phoenix has it in a column of its own
    if isinstance(kind, str) and kind.upper() in _OPENINFERENCE_KINDS:
        found.setdefault("openinference.span.kind", kind)
    if (thrown := record.get("exception_type")) is not None:  # as Logfire
        found.setdefault("error.type", thrown)
    return _without_scrubbed(found) if _SCRUBBED in found else found


def _without_scrubbed(attributes: Record) -> Record:
    """Attributes without those that Logfire took for secrets: what stands for them is no value."""
    places = [as_object(item).get("path") for item in as_list(attributes[_SCRUBBED])]
    gone = {place[1] for place in map(as_list, places) if len(place) == 2}
    return {name: value for name, value in attributes.items() if name not in gone}


def _times(record: Mapping[str, Any]) -> tuple[Any, Any]:
    """Start and end; JavaScript's console exporter prints the start and how long it took, in us."""
    start, end = _time(_of(record, *_STARTS)), _time(_of(record, *_ENDS))
    if end is None and _OF_SENTRY[0] in record:
        return start, record.get("timestamp")
    begun, took = record.get("timestamp"), record.get("duration")
    if start is None and isinstance(begun, int) and isinstance(took, (int, float)):
        return str(begun * 1000), str(begun * 1000 + round(took * 1000))
    return start, end


def _time(found: Any) -> Any:
    """A time as the source has it; JavaScript's pair of seconds and nanoseconds as nanoseconds."""
    match found:
        case [int(seconds), int(nanoseconds)]:
            return str(seconds * 10**9 + nanoseconds)
        case 0 | "0" | dict() | list():
            return None
        case _:
            return found


def _of(record: Mapping[str, Any], *keys: str) -> Any:
    """The first of ``keys`` that says something."""
    for key in keys:
        value = record.get(key)
        if value is not None and value != "":
            return value
    return None


def _events(value: Any) -> Iterator[Event]:
    for event in _objects(value):
        time = _time(_of(event, "timeUnixNano", "time_unix_nano", "timestamp", "time"))
        yield Event(as_name(event.get("name")) or "", time, attributes_of(event.get("attributes")))


def _links(value: Any) -> Iterator[tuple[str | None, str | None]]:
    for link in _objects(value):
        to = as_object(link.get("context")) or link
        yield (
            hex_id(_of(to, "traceId", "trace_id"), 16),
            hex_id(_of(to, "spanId", "span_id"), 8),
        )


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return (item for item in as_list(value) if isinstance(item, dict))


def _whole(value: Any) -> Any:
    """A whole number out of text; anything else as it is, so that it is found faulty later."""
    try:
        return int(value) if isinstance(value, str) and len(value) < 20 else value
    except ValueError:
        return value
