"""Format ``gemini_batch``: result files of the Gemini API's batches, which have no time.

As documented under "Batch API" of the Gemini API: a line holds the ``key`` that its request was
given, and a GenerateContentResponse as ``response`` or a status as ``error``. A key is unique
within its batch only, so a call is named by it and the response's id; a request that failed has no
other id: one that fails twice on a day is one failed call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import error_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.gemini import answered, is_answer
from llmops_pipelines.formats.records import as_name, as_object, first, without_nulls


def _unpack(record: Record) -> Iterator[Record]:
    if _is_request(record):
        yield {"kind": "ignored"}  # was asked; what it cost stands in the results
        return
    response, error = as_object(record.get("response")), as_object(record.get("error"))
    told: Record = {"status": "error", "provider": "google"}
    if error:
        told |= error_of(record) | without_nulls({"error_status": as_name(error.get("code"))})
    elif response:
        told = answered(response)
    asked, named = as_name(record.get("key")), as_name(told.get("response_id"))
    yield told | {
        "kind": "call",
        "call_id": ":".join(filter(None, (asked, named))) or None,
        "is_batch": True,
        "service_tier": "batch",
        "metadata": without_nulls({"key": asked}),
    }


def _is_request(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("request"), dict) and not record.keys() & {"response", "error"}


def _recognises(record: Mapping[str, Any]) -> bool:
    if "key" not in record or "processed_time" in record:
        return False
    error = as_object(record.get("error"))
    asked = as_object(record.get("request")) if _is_request(record) else {}
    return (
        is_answer(record.get("response"))
        or ("code" in error and "message" in error and "request" not in record)
        or first(asked.get("contents")) is not None
    )


GEMINI_BATCH: Final = LogFormat(
    name="gemini_batch",
    about="Gemini API batch result files",
    marks=("key",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("key, and response with candidates and usageMetadata, or error",),
    dated_by_file=True,
)
