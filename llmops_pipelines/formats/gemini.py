"""Format ``gemini``: answers of generateContent, bare or in our envelope, and Vertex AI's log rows.

An answer (``GenerateContentResponse``) is read as the API spells it and as its SDK dumps it; Vertex
says in ``createTime`` when it was asked, the Gemini API does not: without a time in an envelope
around it, such an answer has that of its headers, which the SDKs keep, or the date of its file.
Pieces of a stream, one a line, are gathered by landing under ``stream``; those of streams without
``responseId`` must not be mixed. Vertex AI's batch predictions come in such an envelope, with
``processed_time``; result files of the Gemini API's own batches have lines of ``key`` and
``response`` or ``error``, without any time. Rows of "Log requests and responses", exported from
BigQuery, hold both bodies as JSON (``full_request``, ``full_response``) or as lists of texts, those
of Claude on Vertex too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from llmops_pipelines.formats.bodies.anthropic_blocks import streamed_message
from llmops_pipelines.formats.bodies.bodies import error_of, request_of, response_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import around, beside_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    without_nulls,
)
from llmops_pipelines.formats.streams import Turns

_USAGES: Final = ("usageMetadata", "usage_metadata")
_BODIES: Final = ("full_request", "full_response", "request_payload", "response_payload")
_PROJECT: Final = re.compile(r"projects/([^/]+)/")


def _recognises(record: Mapping[str, Any]) -> bool:
    response = record.get("response")
    begun = response[0] if isinstance(response, list) and response else response
    return is_answer(record) or _is_row(record) or is_answer(begun)


def is_answer(value: Any) -> bool:
    """Whether ``value`` is a GenerateContentResponse."""
    return isinstance(value, dict) and (
        isinstance(value.get("candidates"), list)
        or any(isinstance(value.get(name), dict) for name in _USAGES)
    )


def _is_row(record: Mapping[str, Any]) -> bool:
    return "logging_time" in record and any(name in record for name in _BODIES)


def streams() -> StreamOf:
    """Tells piece by piece, in the order of a log, which answer one belongs to."""
    turns = Turns()
    is_open = False

    def stream_of(record: Record) -> tuple[str, int] | None:
        nonlocal is_open
        if not is_answer(record):
            return None
        goes_on = _goes_on(record)
        name = as_name(first(record.get("responseId"), record.get("response_id")))
        if name is None:  # older ones name none: of these, one follows the other
            if not (goes_on or is_open):
                return None
            is_open = goes_on
        return turns.stream_of(name or "", {"answer"}, set() if goes_on else {"answer"})

    return stream_of


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
    elif "stream" in record:
        pieces = as_list(record["stream"])
        streamed = {"is_stream": True} if len(pieces) > 1 else {}
        yield _bare(as_object(at_path(pieces, 0)), answered(_whole(pieces)) | streamed)
    elif any(name in record for name in _BODIES):
        yield without_nulls(_row(record))
    elif "processed_time" in record:
        # Its status is empty where the prediction succeeded.
        envelope = record | {"status": None, "error": record.get("status")}
        batched = {"is_batch": True, "started_at": record["processed_time"]}
        yield around(envelope, batched | _enveloped(record))
    elif "response" in record or "request" in record:
        yield around(record, _enveloped(record))
    elif _goes_on(record):
        yield {"kind": "ignored"}
    else:
        yield _bare(record, answered(record))


def _bare(record: Record, answer: Record) -> Record:
    """An answer and what was logged beside it; Google's errors are read with the answer."""
    beside = record | {"error": None} if isinstance(record.get("error"), dict) else record
    return around(beside, {"call_id": answer.get("response_id")} | answer)


def _goes_on(body: Record) -> bool:
    """Whether an answer is a piece of a stream: no candidate has a reason to end yet.

    Counts grow from piece to piece; those of the last are the call's.
    """
    candidates = [as_object(candidate) for candidate in as_list(body.get("candidates"))]
    reasons = (first(each.get("finishReason"), each.get("finish_reason")) for each in candidates)
    return bool(candidates) and not any(reasons)


def answered(body: Record) -> Record:
    """The fields of an answer; a prompt that was refused has none, but was counted."""
    found = response_of(body)
    error = as_object(body.get("error"))
    failed = error_of(body) | {"error_status": as_name(error.get("code"))} if error else {}
    refused = as_object(first(body.get("promptFeedback"), body.get("prompt_feedback")))
    return without_nulls(
        {
            "kind": "call",
            "status": "error" if error else "ok",
            "provider": "google",
            "finish_reason": first(refused.get("blockReason"), refused.get("block_reason")),
            "started_at": first(body.get("createTime"), body.get("create_time"), _sent_at(body)),
            **found,
            **failed,
        }
    )


def _sent_at(body: Record) -> str | None:
    """When an answer was sent, in ISO 8601, as Google's SDKs keep it of the headers."""
    held = as_object(first(body.get("sdkHttpResponse"), body.get("sdk_http_response")))
    headers = as_object(held.get("headers"))
    said = as_name(first(headers.get("date"), headers.get("Date")))
    try:
        return parsedate_to_datetime(said).isoformat() if said else None
    except (ValueError, OverflowError):
        return None


def _enveloped(record: Record) -> Record:
    asked = request_of(first(record.get("request"), record.get("body")))
    response = _whole(record.get("response"))
    if not response:
        return asked | {"kind": "call"}
    streamed = {"is_stream": True} if len(as_list(record.get("response"))) > 1 else {}
    told = answered(response) | streamed
    own = is_answer(response) or "processed_time" in record or response.keys() == {"error"}
    if not own:  # another provider's, logged beside Gemini's
        del told["provider"]
    return asked | told


def _row(record: Record) -> Record:
    request = _body(record, "full_request", "request_payload")
    response = _body(record, "full_response", "response_payload")
    labels, told = as_object(request.get("labels")), answered(response)
    method = as_name(record.get("api_method"))
    found = _PROJECT.search(as_name(record.get("endpoint")) or "")
    return {
        **context_of(labels),
        "started_at": record.get("logging_time"),
        **request_of(request),
        **told,
        "call_id": first(as_name(record.get("request_id")), told.get("response_id")),
        "project": found[1] if found else None,
        "name": method,
        "latency_ms": as_object(record.get("metadata")).get("request_latency"),
        "model": first(told.get("model"), as_name(record.get("model"))),
        "model_requested": as_name(record.get("model")),
        "is_stream": method.lower().startswith("stream") if method else None,
        "metadata": labels or None,
    }


def _body(record: Record, whole: str, parts: str) -> Record:
    return _whole(first(from_json(record.get(whole)), record.get(parts)))


def _whole(body: Any) -> Record:
    """A body, also out of the pieces of a stream, each perhaps as text."""
    pieces = [as_object(piece) for piece in as_list(body)]
    if not pieces:
        return as_object(body)
    if message := streamed_message(pieces):
        return message
    parts = _parts(pieces)
    merged = {name: said for piece in pieces for name, said in without_nulls(piece).items()}
    last = as_object(at_path(merged, "candidates", 0))
    if parts:
        merged["candidates"] = [last | {"content": {"role": "model", "parts": parts}}]
    return merged


def _parts(pieces: list[Record]) -> list[Any]:
    """The parts of all pieces; texts that follow one another are one, thoughts apart from it."""
    found: list[Record] = []
    for piece in pieces:
        for part in map(as_object, as_list(at_path(piece, "candidates", 0, "content", "parts"))):
            before = found[-1] if found else {}
            texts = isinstance(part.get("text"), str) and isinstance(before.get("text"), str)
            if texts and part.get("thought") == before.get("thought"):
                before["text"] += part["text"]
            else:
                found.append(part)
    return found


GEMINI: Final = LogFormat(
    name="gemini",
    about="Gemini generateContent answers, bare or in our envelope, and Vertex AI's log rows",
    marks=(*_USAGES, "candidates", "response", "logging_time"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    streams=streams,
    needs=("candidates and usageMetadata", "or timestamp and response"),
    dated_by_file=True,
)
