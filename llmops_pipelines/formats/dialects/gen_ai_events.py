"""Log records of OpenTelemetry's GenAI conventions, where texts are kept apart from their span.

``gen_ai.client.inference.operation.details`` says all that a span says, texts included. Until
v1.36 each message was an event of its own (``gen_ai.user.message``, ...) and each answer one
(``gen_ai.choice``). Both name the span they belong to: they become a record of the same call.
Messages that an earlier line of the file sent, landing puts beside their choice (``EARLIER``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llmops_pipelines.formats.dialects import gen_ai
from llmops_pipelines.formats.dialects.evaluations import RESULT, result_log
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Event, Log, Span, log_of, logs_of
from llmops_pipelines.formats.records import as_list, as_name, as_object, first

EARLIER: Final = "earlierMessages"
"""Where the messages of earlier lines stand that belong to the choices of a record."""

_CHOICE: Final = "gen_ai.choice"
_OUTCOME: Final = ("gen_ai.response.", "gen_ai.output.messages", "gen_ai.usage.", "error.type")
SpanKey = tuple[str | None, str]
"""Trace and id of a span."""

_TEXTS: Final = ("messages", "answer", "tool_calls")


def read_events(record: Mapping[str, Any]) -> list[Record]:
    """The calls and judgements that log records of ``record`` tell of; others are ignored.

    Messages without an answer are only asked: whether their call succeeded its span knows. Each
    call, and what is asked of it, stands in place of one of its log records.
    """
    logs = list(logs_of(record))
    found = [_span(log) for log in logs if log.name == gen_ai.DETAILS]
    told: dict[SpanKey, list[Log]] = {}
    earlier = (log_of(as_object(log), {}, None) for log in as_list(record.get(EARLIER)))
    for log in (*earlier, *logs):
        if log.span_id is not None and (is_choice(log) or is_message(log)):
            told.setdefault((log.trace_id, log.span_id), []).append(log)
    found += [_of_messages(parts) for parts in told.values()]
    found += [result_log(log) for log in logs if log.name == RESULT]
    kept = [record for record in found if record]
    return kept + [{"kind": "ignored"}] * (len(logs) - len(kept))


def is_message(log: Log) -> bool:
    """Whether a log record is one message that a model was sent."""
    return log.name.startswith("gen_ai.") and log.name.endswith(".message")


def is_choice(log: Log) -> bool:
    """Whether a log record is an answer."""
    return log.name == _CHOICE


def _span(log: Log) -> Record:
    """The call of an event of details; one that names neither span nor response is nobody's.

    One that tells nothing of an answer, nor of an error, does not know how the call went: only what
    was asked.
    """
    says = {**as_object(log.body), **log.attributes}
    call = gen_ai.call(_around(log, says, ()))
    knows = any(key.startswith(_OUTCOME) for key in says)
    if not knows and log.span_id and log.time is not None and "messages" in call:
        return call | {"kind": "asked"}
    return call if log.span_id or call.get("response_id") else {}


def _of_messages(logs: list[Log]) -> Record:
    events = tuple(Event(log.name, log.time, _said(log)) for log in logs)
    chosen, choice = next(((log, event) for log, event in zip(logs, events, strict=True)
                           if is_choice(log)), (None, None))  # fmt: skip
    if chosen is None or choice is None:
        return _asked(logs[0], events)
    first_of_all = replace(logs[0], resource=chosen.resource, scope=chosen.scope)
    call = gen_ai.call(
        _around(first_of_all, logs[0].attributes, events),
        finish_reason=as_name(choice.attributes.get("finish_reason")),
    )
    return call if any(name in call for name in _TEXTS) else {}


def _asked(log: Log, events: tuple[Event, ...]) -> Record:
    """Messages of a call whose answer is elsewhere; without a day they are nobody's."""
    call = gen_ai.call(_around(log, log.attributes, events))
    return call | {"kind": "asked"} if "messages" in call and log.time is not None else {}


def _said(log: Log) -> Record:
    """What an event says: its body, or the attribute that some exporters put it in."""
    body = as_object(first(log.body, log.attributes.get("gen_ai.event.content")))
    return {**log.attributes, **body}


def _around(log: Log, attributes: Record, events: tuple[Event, ...]) -> Span:
    """The log record as a span of unknown length."""
    return Span(
        name=None, span_id=log.span_id, trace_id=log.trace_id, parent_id=None,
        started_at=log.time, ended_at=None, attributes=attributes, events=events,
        resource=log.resource, scope=log.scope,
    )  # fmt: skip
