"""Format ``portkey``: Portkey's log export, one JSON object a line.

``request`` and ``response`` hold the bodies (or are them); an older export writes ``request.body``
as one name. ``cost`` is in cents of ``cost_currency``, ``response_time`` in milliseconds. An answer
out of Portkey's cache (``cache_status`` HIT or SEMANTIC HIT) is tagged ``cache_hit``. A record
stands for all retries of a request; they cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import error_of, request_of, response_of
from llmops_pipelines.formats.endpoints import asks_no_model
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    from_json,
    tags_of,
    tokens,
    without_nulls,
)
from llmops_pipelines.formats.streamed_bodies import whole_body
from llmops_pipelines.formats.usage.counts import counts_a_side, without_counts

_OWN: Final = ("req_units", "res_units", "total_units", "ai_org", "cost_currency", "prompt_slug")
_ASKED: Final = ("ai_model", "ai_provider", "ai_org", "is_success", "response_status_code")

_FALSE: Final = ("0", "false")


def _recognises(record: Mapping[str, Any]) -> bool:
    return (
        "created_at" in record
        and any(name in record for name in _OWN)
        and any(name in record for name in _ASKED)
    )


def _unpack(record: Record) -> Iterator[Record]:
    if asks_no_model(first(record.get("request_url"), at_path(record, "request", "url"))):
        yield {"kind": "ignored"}
        return
    asked = request_of(_body(record, "request"))
    response = _body(record, "response")
    answered = response_of(whole_body(response))
    status = as_name(
        first(record.get("response_status_code"), at_path(record, "response", "status"))
    )
    failed = str(record.get("is_success")).lower() in _FALSE or bool(
        status and not status.startswith("2")
    )
    cached = str(record.get("cache_status")).upper().endswith("HIT")
    if cached:
        answered = without_counts(answered)
    metadata = _metadata(record)
    stream = str(record.get("stream_mode")).lower()
    error = {**error_of(response), "error_status": status} if failed else {}
    yield without_nulls(
        {
            **asked,
            **answered,
            **({} if counts_a_side(answered) else _tokens(record)),
            **_context(record, metadata, asked),
            "kind": "call",
            "call_id": as_name(record.get("id")),
            "trace_id": as_name(record.get("trace_id")),
            "response_id": None if cached else answered.get("response_id"),
            "instrumentation": "portkey",
            "project": as_name(first(record.get("workspace_slug"), metadata.get("_organisation"))),
            "name": as_name(record.get("span_name")),
            "started_at": record.get("created_at"),
            "latency_ms": first(
                record.get("response_time"), at_path(record, "response", "response_time")
            ),
            "tags": (["cache_hit"] if cached else []) + tags_of(metadata.get("tags")),
            "provider": as_name(first(record.get("ai_provider"), record.get("ai_org"))),
            "model_requested": first(asked.get("model_requested"), as_name(record.get("ai_model"))),
            "model": first(answered.get("model"), as_name(record.get("ai_model"))),
            "is_stream": {"true": True, "false": False}.get(stream, asked.get("is_stream")),
            "status": "error" if failed else "ok",
            "cost_reported": _dollars(record),
            "metadata": metadata or None,
            **error,
        }
    )


def _body(record: Record, side: str) -> Any:
    whole = as_object(record.get(side))
    return first(record.get(f"{side}.body"), from_json(whole.get("body")), whole)


def _tokens(record: Record) -> Record:
    """Portkey's own counts, where the response body has no usage; a failure's 0 are none."""
    return {
        "input_tokens": tokens(record.get("req_units")),
        "output_tokens": tokens(record.get("res_units")),
        "total_tokens": tokens(record.get("total_units")),
    }


def _dollars(record: Record) -> Any:
    """The cost in dollars, exactly; None in another currency, what is no number as it is."""
    cost = record.get("cost")
    currency = as_name(record.get("cost_currency"))
    if cost is None or cost == "" or (currency and currency.upper() != "USD"):
        return None
    try:
        return format(Decimal(str(cost)) / 100, "f")
    except InvalidOperation:
        return cost


def _metadata(record: Record) -> Record:
    """Custom metadata: an object, pairs, or names and values as two lists of one length."""
    said = as_object(record.get("metadata"))
    names = as_list(first(record.get("metadata.key"), said.get("key")))
    values = as_list(first(record.get("metadata.value"), said.get("value")))
    if names and len(names) == len(values):
        return {str(name): value for name, value in zip(names, values, strict=True)}
    return said


def _context(record: Record, metadata: Record, asked: Record) -> Record:
    said = context_of(metadata, tags_of(metadata.get("tags")))
    own = {
        "user_id": as_name(first(metadata.get("_user"), said.get("user_id"), asked.get("user_id"))),
        "environment": as_name(first(metadata.get("_environment"), said.get("environment"))),
        "prompt_name": as_name(
            first(record.get("prompt_slug"), record.get("prompt_id"), metadata.get("_prompt"))
        ),
        "prompt_version": as_name(record.get("prompt_version_id")),
    }
    return said | without_nulls(own)


PORTKEY: Final = LogFormat(
    name="portkey",
    about="Portkey gateway logs",
    marks=_OWN,
    recognises=_recognises,
    unpack=_unpack,
    needs=("created_at", "ai_model", "req_units", "res_units"),
    second_hand=True,
)
