"""Format ``bedrock_converse``: answers of AWS Bedrock's Converse, whole or as a stream.

As documented in Bedrock's API reference and as boto3 hands them over: an answer with
``ResponseMetadata``, or the events of ConverseStream, one a line; either also in our envelope, as
``response``. An answer names no model: only the envelope's ``request.modelId`` does. Of events only
``messageStart`` says that a message begins, so that those of two messages must not be mixed;
landing gathers the events of one under ``stream``. What nothing dates has the date of its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bedrock import model_of
from llmops_pipelines.formats.bodies.bedrock_bodies import joined
from llmops_pipelines.formats.bodies.bodies import request_of, response_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import around, beside_of, failure_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    without_nulls,
)
from llmops_pipelines.formats.streams import Successive

_BEGINS: Final = "messageStart"
_FAILS: Final = (
    "internalServerException", "modelStreamErrorException", "validationException",
    "throttlingException", "serviceUnavailableException",
)  # fmt: skip
_GOES_ON: Final = ("contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop")
_ENDS: Final = ("metadata", *_FAILS)
_ENVELOPE: Final = ("id", "request", "response")
_COUNTED: Final = ("inputTokens", "outputTokens")


def _recognises(record: Mapping[str, Any]) -> bool:
    response = _events_in(record.get("response"))
    if isinstance(response, list):
        return bool(response) and _is_event(response[0])
    return _is_event(record) or _is_answer(record) or _is_answer(response)


def _events_in(response: Any) -> Any:
    """The events of a stream that boto3 handed over with ``ResponseMetadata``, read to a list."""
    events = response.get("stream") if isinstance(response, dict) else None
    return events if isinstance(events, list) else response


def _is_event(value: Any) -> bool:
    """Whether ``value`` is one event, an object of one key; whoever logged it may have put more."""
    if not isinstance(value, dict) or not value.keys().isdisjoint(_ENVELOPE):
        return False
    if isinstance(value.get(_BEGINS), dict):
        return "role" in value[_BEGINS]
    if any(isinstance(value.get(name), dict) for name in (*_GOES_ON, *_FAILS)):
        return True
    usage = at_path(value, "metadata", "usage")
    return isinstance(usage, dict) and any(name in usage for name in _COUNTED)


def _is_answer(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    said = isinstance(at_path(value, "output", "message"), dict)
    return (said and "stopReason" in value) or _refusal(value) != {}


def _refusal(answer: Mapping[str, Any]) -> Record:
    """The error that boto3 raised, as it prints it: empty where the call went well."""
    return as_object(answer.get("Error")) if "ResponseMetadata" in answer else {}


def streams() -> StreamOf:
    """Tells event by event, in the order of a log, which message one belongs to; None to none."""
    messages = Successive()

    def stream_of(record: Record) -> int | None:
        if not _is_event(record):
            return None
        ends = not record.keys().isdisjoint(_ENDS)
        return messages.stream_of(begins=_BEGINS in record, ends=ends)

    return stream_of


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
    elif "stream" in record:
        events = as_list(record["stream"])
        yield around(at_path(events, 0) or {}, _streamed(events))
    elif "response" in record or "request" in record:
        yield around(record, _asked(record.get("request")) | _answered(record.get("response")))
    elif _is_answer(record):
        named = without_nulls({"model_requested": model_of(record)})
        yield around(record, named | _answered(record))
    elif "metadata" in record:
        raise TypeError("its messageStart is missing; log the events of one message together")
    elif _BEGINS in record or not record.keys().isdisjoint(_FAILS):
        yield around(record, _streamed([record]))
    else:
        yield {"kind": "ignored"}


def _asked(request: Any) -> Record:
    said = as_object(request)
    return request_of(said) | without_nulls({"model_requested": model_of(said)})


def _answered(response: Any) -> Record:
    """What an answer tells, be it whole or the list of its events; nothing where there is none."""
    if isinstance(response, list):
        return _streamed(response)
    answer = as_object(response)
    if not answer:
        return {}
    events = _events_in(answer)
    sent = as_object(answer.get("ResponseMetadata"))
    known = {
        "call_id": as_name(sent.get("RequestId")),
        "response_id": as_name(sent.get("RequestId")),
        "started_at": as_name(at_path(sent, "HTTPHeaders", "date")),
    }
    if refusal := _refusal(answer):
        failed = {"type": refusal.get("Code"), "message": refusal.get("Message")}
        return _call(known | failure_of(failed, sent.get("HTTPStatusCode")))
    if isinstance(events, list):
        return _streamed(events) | without_nulls(known)
    latency = at_path(answer, "metrics", "latencyMs")
    said = {"status": "ok", "latency_ms": latency} | response_of(answer)
    if not _is_answer(answer) and not sent:  # another provider's, logged beside Bedrock's
        return {"kind": "call"} | without_nulls(said)
    return _call(said | known)


def _streamed(events: list[Any]) -> Record:
    """The call that the events of a message are; one that failed keeps what it had said."""
    pieces = [as_object(event) for event in events]
    told = _answered(joined(pieces)) | {"kind": "call", "is_stream": True, "provider": "bedrock"}
    failed = next(
        ((name, piece[name]) for piece in pieces for name in _FAILS if name in piece), None
    )
    if failed is None:
        return told
    name, said = failed
    message = as_object(said).get("message")
    return told | failure_of({"type": name[0].upper() + name[1:], "message": message})


def _call(said: Record) -> Record:
    return {"kind": "call", "provider": "bedrock"} | without_nulls(said)


BEDROCK_CONVERSE: Final = LogFormat(
    name="bedrock_converse",
    about="AWS Bedrock's Converse answers and ConverseStream events, bare or in our envelope",
    marks=(_BEGINS, *_GOES_ON, *_FAILS, "metadata", "output", "ResponseMetadata", "response"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    streams=streams,
    needs=("output.message, stopReason and usage", "or messageStart and the events after it"),
    dated_by_file=True,
)
