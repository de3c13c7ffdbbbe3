"""Format ``anthropic_batch``: results of Message Batches, which have no time of their own.

``custom_id`` is unique within its batch only, so a call is named by it and the message's id. A
request that failed has no other id: one that fails twice on a day is one failed call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.anthropic import message_fields
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.envelope import failure_of
from llmops_pipelines.formats.records import as_name, as_object, first

_UNDONE: Final = ("errored", "canceled", "expired")


def _unpack(record: Record) -> Iterator[Record]:
    if _is_request(record):
        yield {"kind": "ignored"}  # was asked; what it cost stands in the results
        return
    result, asked = as_object(record.get("result")), as_name(record.get("custom_id"))
    outcome, message = result.get("type"), as_object(result.get("message"))
    error = as_object(result.get("error"))
    told: Record = message_fields(message) if outcome == "succeeded" else {}
    if error:
        told = failure_of(error)
    elif outcome != "succeeded" or not message:
        told = failure_of(f"the request was {outcome}") | {"error_code": as_name(outcome)}
    named = as_name(first(message.get("id"), error.get("request_id")))
    yield told | {
        "kind": "call",
        "call_id": ":".join(filter(None, (asked, named))) or None,
        "is_batch": True,
        "service_tier": "batch",
        "metadata": {"custom_id": asked},
    }


def _is_request(record: Mapping[str, Any]) -> bool:
    return "result" not in record and isinstance(record.get("params"), dict)


def _recognises(record: Mapping[str, Any]) -> bool:
    result = record.get("result")
    if "custom_id" not in record:
        return False
    if not isinstance(result, dict):
        return _is_request(record)
    return result.get("type") in _UNDONE or (
        result.get("type") == "succeeded" and isinstance(result.get("message"), dict)
    )


ANTHROPIC_BATCH: Final = LogFormat(
    name="anthropic_batch",
    about="Anthropic Message Batches result files",
    marks=("custom_id",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("custom_id and result with type and message or error",),
    dated_by_file=True,
)
