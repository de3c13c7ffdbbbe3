"""Format ``litellm``: what LiteLLM logs of a call, as payload for loggers and as row of its proxy.

A StandardLoggingPayload is one JSON object a line, or one object a file as its S3 and GCS loggers
write them. A row of ``LiteLLM_SpendLogs`` comes as JSONL, CSV or Parquet; its ``metadata``,
``messages`` and ``response`` are JSON, often as text, and often ``{}``.

``model_group`` is the alias asked for, ``model`` what was sent, ``response.model`` what served. An
older payload's ``trace_id``, and the ``session_id`` of a row, is the session where the client named
one, so that it repeats over the requests of a conversation. Usage of a stream without a usage chunk
is LiteLLM's own estimate, which nothing tells, or 0, which is no count. The summed usage of a batch
is no call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import response_of
from llmops_pipelines.formats.bodies.messages import messages_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.litellm_parts import (
    REDACTED,
    context_in,
    contexts_in,
    error_in,
    first_token_at,
    guardrail_step,
    provider_id,
    served_model,
    shown,
    took,
    usage_in,
)
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    at_path,
    first,
    from_json,
    is_positive,
    is_zero,
    tags_of,
    without_nulls,
)
from llmops_pipelines.formats.usage.counts import without_counts

_CALLS: Final = frozenset(
    {
        "", "completion", "text_completion", "embedding", "responses", "anthropic_messages",
        "generate_content", "generate_content_stream", "image_generation", "image_edit",
        "transcription", "speech", "rerank", "realtime", "pass_through_endpoint",
        "llm_passthrough_route", "ocr", "responses_websocket", "create_interaction",
        "video_generation", "create_video",
    }
)  # fmt: skip
"""Call types that ask a model, without the ``a`` of their asynchronous twins."""

_HEALTH: Final = "litellm-internal-health-check"
_FAILED: Final = ("failure", "error", "failed")


def _recognises(record: Mapping[str, Any]) -> bool:
    return (
        isinstance(record.get("call_type"), str)
        and "startTime" in record
        and any(name in record for name in ("response_cost", "spend", "hidden_params"))
    )


def _unpack(record: Record) -> Iterator[Record]:
    metadata = as_object(record.get("metadata"))
    if not _asks_a_model(record) or metadata.get("user_api_key_alias") == _HEALTH:
        yield {"kind": "ignored"}
        return
    call = _call(record, metadata)
    yield call
    said = first(record.get("guardrail_information"), metadata.get("guardrail_information"))
    said = from_json(said)
    for number, guardrail in enumerate(said if isinstance(said, list) else [said]):
        if isinstance(guardrail, dict):
            yield guardrail_step(guardrail, call, number)


def _asks_a_model(record: Record) -> bool:
    """Whether a record is a model call; of an unknown type it is, if it cost tokens or money."""
    kind = as_name(record.get("call_type")) or ""
    kind = kind.lstrip("_")
    if kind in _CALLS or kind.removeprefix("a") in _CALLS:
        return True
    if any(word in kind for word in ("moderation", "batch", "health_check", "vector_store")):
        return False
    return any(is_positive(record.get(name)) for name in ("total_tokens", "response_cost", "spend"))


def _call(record: Record, metadata: Record) -> Record:
    failed = str(first(record.get("status"), metadata.get("status"))).lower() in _FAILED
    cached = str(record.get("cache_hit")).lower() == "true"
    answered = response_of(record.get("response"))
    if answered.get("answer") == REDACTED:
        del answered["answer"]
    tags = tags_of(from_json(record.get("request_tags")), from_json(metadata.get("tags")))
    context = context_in(metadata, tags)
    parameters = as_object(record.get("model_parameters"))
    stream = first(record.get("stream"), parameters.get("stream"))
    asked = first(record.get("messages"), as_object(record.get("proxy_server_request")))
    row = "request_id" in record
    named = as_name(first(record.get("id"), record.get("request_id")))
    session = record.get("session_id")
    error = error_in(record, metadata) if failed else {}
    cost = first(record.get("response_cost"), record.get("spend"))
    usage = usage_in(record, metadata, answered)
    priced = is_positive(cost) or (
        not failed
        and not record.get("response_cost_failure_debug_info")
        and (cached or any(value is not None for value in usage.values()))
    )
    call = {
        **(without_counts(answered) if cached else answered | usage),
        **context,
        "kind": "call",
        "call_id": named,
        "trace_id": as_name(session if row else record.get("trace_id")),
        "session_id": as_name(first(context.get("session_id"), session)),
        "response_id": None if cached else provider_id(answered.get("response_id") or named),
        "instrumentation": "litellm",
        "project": as_name(
            first(
                metadata.get("user_api_key_project_alias"),
                metadata.get("user_api_key_project_id"),
                metadata.get("user_api_key_org_alias"),
            )
        ),
        "name": as_name(metadata.get("user_api_key_alias")),
        "started_at": record.get("startTime"),
        "ended_at": record.get("endTime"),
        "latency_ms": None if first(record.get("endTime")) else took(record),
        "first_token_at": first_token_at(record, stream),
        "team": as_name(
            first(
                context.get("team"),
                metadata.get("user_api_key_team_alias"),
                metadata.get("team_alias"),
                record.get("team_id"),
            )
        ),
        "user_id": as_name(
            first(
                record.get("end_user"),
                metadata.get("user_api_key_end_user_id"),
                parameters.get("user"),
                context.get("user_id"),
            )
        ),
        "tags": [*tags, "cache_hit"] if cached else tags,
        "provider": as_name(first(record.get("custom_llm_provider"), error.pop("provider", None))),
        "model_requested": as_name(first(record.get("model_group"), record.get("model"))),
        "model": served_model(record, metadata, answered.get("model")),
        "is_stream": stream if isinstance(stream, bool) else None,
        "status": "error" if failed else "ok",
        "cost_reported": cost if priced or not is_zero(cost) else None,
        "messages": shown(messages_of(asked)),
        "contexts": contexts_in(metadata),
        "format_requested": as_name(at_path(parameters, "response_format", "type")),
        "response_schema": at_path(parameters, "response_format", "json_schema", "schema"),
        "metadata": without_nulls(metadata),
        **error,
    }
    return without_nulls(call)


LITELLM: Final = LogFormat(
    name="litellm",
    about="LiteLLM StandardLoggingPayload and SpendLogs rows",
    marks=("call_type",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("call_type", "startTime"),
    second_hand=True,
)
