"""Format ``openai_batch``: output and error files of the Batch API.

A line of the output joins a line of the input by ``custom_id``, which is unique within its batch
only: night after night ``row-1`` may come again. So a call is named by both ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.completion import completion_fields
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.envelope import failure_of
from llmops_pipelines.formats.openai_responses import response_fields
from llmops_pipelines.formats.records import as_name, as_object, first, without_nulls


def _unpack(record: Record) -> Iterator[Record]:
    if _is_request(record):
        yield {"kind": "ignored"}  # was asked; what it cost stands in the output
        return
    response = as_object(record.get("response"))
    body = as_object(response.get("body"))
    if record.get("error"):
        told = failure_of(record["error"], response.get("status_code"))
    elif body.get("error") or not body:
        told = failure_of(body.get("error"), response.get("status_code"))
        told |= without_nulls({"model": body.get("model")})
    elif body.get("object") == "response":
        told = response_fields(body)
    else:
        told = completion_fields(body)
    asked, request = as_name(record.get("custom_id")), as_name(record.get("id"))
    metadata = as_object(told.get("metadata")) | without_nulls({"custom_id": asked})
    yield told | {
        "kind": "call",
        "call_id": ":".join(filter(None, (asked, request))) or None,
        "is_batch": True,
        "service_tier": "batch",
        "metadata": metadata,
        **without_nulls({"response_id": first(body.get("id"))}),
    }


def _is_request(record: Mapping[str, Any]) -> bool:
    return {"custom_id", "method", "url", "body"} <= record.keys() and "response" not in record


def _recognises(record: Mapping[str, Any]) -> bool:
    if "custom_id" not in record:
        return False
    response = record.get("response")
    if isinstance(response, dict):
        return "status_code" in response and "body" in response
    failed = "response" in record and isinstance(record.get("error"), dict)
    return failed or _is_request(record)


OPENAI_BATCH: Final = LogFormat(
    name="openai_batch",
    about="OpenAI Batch API output and error files",
    marks=("custom_id",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("id, custom_id, response with status_code and body, and error",),
    dated_by_file=True,
)
