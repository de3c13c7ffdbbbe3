"""Records that hold what was asked and answered under other names than the envelope's.

Clients and proxies log the two bodies as ``request_body`` and ``response_body``, ``req`` and
``res``, ``completion`` or ``output``, as objects or as JSON text, streamed or whole, and bare or
inside what HTTP says of them (``{"status": 200, "data": {...}}``). Read as an envelope that holds
no response, every such call would have failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmops_pipelines.formats import sniff_records
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_object, first, from_json, without_nulls
from llmops_pipelines.formats.streamed_bodies import whole_body
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.other_providers import PROVIDERS
from llmops_pipelines.ingest.log_files.rewriting import lines_of, object_in, with_lines, written

_ANSWERS: Final = ("response", "response_body", "responseBody", "res", "resp", "completion")
_ANSWERS_BESIDE_A_REQUEST: Final = ("output", "result")
"""Alone they may be those of a chain, whose calls are records of their own."""

_REQUESTS: Final = ("request", "request_body", "requestBody", "req")
_DURATIONS: Final = ("duration_ms", "elapsed_ms", "took_ms", "execution_duration_ms",
                     "execution_time_ms")  # fmt: skip
_TIMES: Final = ("request_time", "timestamp_ms")
_IDS: Final = ("databricks_request_id",)
"""These, the times and the last of the durations are Databricks' inference tables'."""
_BESIDE: Final = {"latency_ms": _DURATIONS, "timestamp": _TIMES, "id": _IDS}
"""How a key of the envelope is called where the bodies stand under its own names."""
_BODIES: Final = ("body", "data", "json")
_STATUSES: Final = ("status", "status_code", "statusCode", "http_status")
_OWN_STATUSES: Final = ("status_code", "statusCode", "http_status")
_OF_HTTP: Final = (*_STATUSES, "headers", "url", "method")


def with_exchanges(blocks: Iterator[Block | Refused]) -> Iterator[Block | Refused]:
    """``blocks`` whose records hold request and response where the envelope does."""
    for item in blocks:
        if isinstance(item, Block):
            yield with_lines(item, [_rewritten(line) for line in lines_of(item)])
        else:
            yield item


def _rewritten(line: bytes) -> bytes:
    record = object_in(line)
    told = exchanged(record) if record is not None else None
    return (told and written(told)) or line


def exchanged(record: Record) -> Record | None:
    """``record`` as an envelope; None where it is one, or holds no provider's answer or failure."""
    asked = next((key for key in _REQUESTS if _holds_body(record.get(key))), None)
    names = _ANSWERS if asked is None else (*_ANSWERS, *_ANSWERS_BESIDE_A_REQUEST)
    name = next((name for name in names if _holds_body(record.get(name))), None)
    answer, sent_with = _body_of(record.get(name or ""))
    status = first(sent_with, *(record.get(key) for key in _OWN_STATUSES))
    body = as_object(answer)
    error = first(body.get("error"), record.get("error"), body.get("message"))
    answered = name is not None and _is_answer(answer)
    if not answered and (asked is None or not (error or is_failure(status))):
        return None
    if (
        name in (None, "response")
        and asked in (None, "request")
        and answer is record.get("response")
        and not any(key in record for keys in _BESIDE.values() for key in keys)
    ):
        return None
    told = {key: value for key, value in record.items() if key not in (name, asked)}
    if asked is not None:
        told["request"] = _body_of(record[asked])[0]
    if answered:
        told["response"] = answer
    else:
        said = error if isinstance(error, dict) else without_nulls({"message": error})
        told |= {"response": None, "error": without_nulls({"status": status}) | said}
    for own, keys in _BESIDE.items():
        if told.get(own) is None and (other := first(*(record.get(key) for key in keys))):
            told[own] = other
    return told


def _holds_body(value: Any) -> bool:
    return isinstance(value, dict | list) or (
        isinstance(value, str) and value.lstrip().startswith(("{", "[", "data:", "event:"))
    )


def _body_of(value: Any) -> tuple[Any, Any]:
    """The body that a value is or holds, and the HTTP status that it was sent with."""
    body = _parsed(value)
    if isinstance(body, dict) and not body.keys().isdisjoint(_OF_HTTP):
        inner = next((body[key] for key in _BODIES if _holds_body(body.get(key))), None)
        if inner is not None:
            status = first(*(body.get(key) for key in _STATUSES))
            return _parsed(inner), status
    return body, None


def _parsed(value: Any) -> Any:
    """A body that may be text; one that was streamed is put together where no format does it."""
    given = from_json(value)
    return given if _is_answer(given) else whole_body(given)


def _is_answer(body: Any) -> bool:
    return isinstance(body, dict | list) and sniff_records([{"response": body}]) in PROVIDERS


def is_failure(status: Any) -> bool:
    """Whether HTTP says so; what is no number says nothing."""
    return isinstance(status, int) and status >= 400
