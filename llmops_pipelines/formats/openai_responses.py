"""Format ``openai_responses``: Responses API objects, bare, as events, or in our envelope.

Events of the Realtime API are read too, where whoever logged them put a ``timestamp`` there: its
responses name neither time nor model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.responses_items import (
    found_of,
    reply_of,
    searches_of,
    sent_of,
)
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import around, beside_of, failure_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    without_nulls,
)
from llmops_pipelines.formats.usage.usage import usage_of

_ENDS: Final = ("response.completed", "response.failed", "response.incomplete", "response.done")
_EVENT_MARKS: Final = ("sequence_number", "response", "item_id", "output_index")
"""Events have one of these; older ones and those of other servers no number."""

_OBJECTS: Final = ("response", "realtime.response")
"""Those of the Realtime API name neither time nor model: their envelope has to."""

_RUNNING: Final = ("queued", "in_progress")


def response_fields(response: Mapping[str, Any]) -> Record:
    """The fields that a Responses API object tells.

    ``created_at`` and ``completed_at`` are whole seconds: too coarse for a latency.
    """
    metadata = as_object(response.get("metadata"))
    said = {
        "kind": "call",
        "started_at": response.get("created_at"),
        "session_id": first(
            at_path(response, "conversation", "id"), response.get("conversation_id")
        ),
        **_repeated(response),
        "messages": sent_of(response.get("instructions"), None) or None,
        "contexts": found_of(as_list(response.get("output"))) or None,
        "metadata": metadata
        | without_nulls({"previous_response_id": response.get("previous_response_id")}),
        **reply_of(response),
        **_outcome(response),
        "web_searches": searches_of(as_list(response.get("output"))),
        **usage_of(response.get("usage")).fields,
    }
    return context_of(metadata) | without_nulls(said)


def request_fields(request: Mapping[str, Any]) -> Record:
    """The fields that the body of a Responses API request tells."""
    said = {
        "model_requested": request.get("model"),
        "is_stream": request.get("stream"),
        "messages": sent_of(request.get("instructions"), request.get("input")) or None,
        **_repeated(request),
    }
    return without_nulls(said)


def _repeated(body: Mapping[str, Any]) -> Record:
    """What a request says, and its response again: who asked, which prompt, which form."""
    prompt = as_object(body.get("prompt"))
    form = as_object(as_object(body.get("text")).get("format"))
    kind = form.get("type")
    return {
        "user_id": first(body.get("safety_identifier"), body.get("user")),
        "prompt_name": prompt.get("id"),
        "prompt_version": prompt.get("version"),
        "format_requested": None if kind == "text" else kind,
        "response_schema": first(form.get("schema"), form.get("schema_")),  # as the SDK dumps
    }


def _outcome(response: Mapping[str, Any]) -> Record:
    """``incomplete`` is an answer, not a failure."""
    status = response.get("status")
    if status in ("failed", "cancelled") or response.get("error"):
        return failure_of(first(response.get("error"), f"the response was {status}"))
    if status in _RUNNING:
        return failure_of(f"the response was left {status}")
    return {"status": "ok"}


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
        return
    if "stream" in record:
        events = as_list(record["stream"])
        told = _bare(_response_in(events)[0]) | {"is_stream": True}
        yield around(as_object(at_path(events, -1)), told)
    elif _is_event(record):
        ended = record.get("type") in _ENDS and isinstance(record.get("response"), dict)
        yield _bare(record["response"]) | {"is_stream": True} if ended else {"kind": "ignored"}
    elif "event_id" in record:  # of the Realtime API's session
        yield {"kind": "ignored"}
    elif record.get("object") in _OBJECTS:
        running = record.get("status") in _RUNNING  # its final object is another record
        # Status and user of a response are no envelope's: they are read with the response.
        beside = record | {"status": None, "user": None}
        yield {"kind": "ignored"} if running else around(beside, _bare(record))
    else:
        yield _enveloped(record)


def _bare(response: Mapping[str, Any]) -> Record:
    return without_nulls({"call_id": response.get("id")}) | response_fields(response)


def _enveloped(record: Record) -> Record:
    request = as_object(first(record.get("request"), record.get("body")))
    response, streamed = _response_in(record.get("response"))
    asked = request_fields(request)
    # The response echoes instructions, the request has the whole prompt.
    told = response_fields(response) if response else {}
    return around(record, told | asked | streamed)


def _response_in(value: Any) -> tuple[Record, Record]:
    """The response, and that it was streamed where it is recorded as the list of its events."""
    events = [event for event in as_list(value) if isinstance(event, Mapping)]
    if not events:
        return as_object(value), {}
    held = [event for event in events if isinstance(event.get("response"), Mapping)]
    ends = [event for event in held if event.get("type") in _ENDS]
    last = (ends or held or [{}])[-1]
    return as_object(last.get("response")), {"is_stream": True}


def streams() -> StreamOf:
    """Tells which response an event begins, goes on with or ends.

    Those between, the pieces of its text, do not say; the last one says all. Without a last one
    the response was left while it ran.
    """

    def stream_of(record: Record) -> str | None:
        return as_name(at_path(record, "response", "id")) if _is_event(record) else None

    return stream_of


def _is_event(record: Mapping[str, Any]) -> bool:
    kind = record.get("type")
    return (
        isinstance(kind, str)
        and kind.startswith("response.")
        and any(name in record for name in _EVENT_MARKS)
        and isinstance(record.get("response") or {}, dict)
    )


def _recognises(record: Mapping[str, Any]) -> bool:
    response = record.get("response")
    if isinstance(response, list):
        return bool(response) and isinstance(response[0], dict) and _is_event(response[0])
    if isinstance(response, dict):
        return response.get("object") in _OBJECTS or _is_event(record)
    request = record.get("request")
    if record.get("object") in _OBJECTS or _is_event(record):
        return True
    failed = response is None and record.get("error") and isinstance(request, dict)
    return bool(failed) and "input" in as_object(request) and "messages" not in as_object(request)


OPENAI_RESPONSES: Final = LogFormat(
    name="openai_responses",
    about="OpenAI Responses API objects, bare, as events of a stream, or in our envelope",
    marks=("response", "object", "sequence_number", "error"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    streams=streams,
    needs=(
        '"object": "response" with created_at, model, status, output and usage,'
        " or response.completed events",
    ),
)
