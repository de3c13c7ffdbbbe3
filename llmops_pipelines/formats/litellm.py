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

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies import response_of, tokens_of
from llmops_pipelines.formats.messages import documents_of, messages_of
from llmops_pipelines.formats.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    context_of,
    first,
    from_json,
    tags_of,
    without_nulls,
)

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

_PROVIDERS_IDS: Final = ("chatcmpl-", "cmpl-", "msg_", "resp_", "gen-")
_HEALTH: Final = "litellm-internal-health-check"
_TOKENS: Final = (
    "input_tokens", "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h",
    "audio_input", "output_tokens", "reasoning", "audio_output", "total_tokens",
)  # fmt: skip
_NUMBERS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_FAILED: Final = ("failure", "error", "failed")
_INTERVENED: Final = ("guardrail_intervened", "blocked")


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
        if isinstance(guardrail, Mapping):
            yield _guardrail(guardrail, call, number)


def _asks_a_model(record: Record) -> bool:
    """Whether a record is a model call; of an unknown type it is, if it cost tokens or money."""
    kind = as_name(record.get("call_type")) or ""
    kind = kind.lstrip("_")
    if kind in _CALLS or kind.removeprefix("a") in _CALLS:
        return True
    if any(word in kind for word in ("moderation", "batch", "health_check", "vector_store")):
        return False
    return any(_positive(record.get(name)) for name in ("total_tokens", "response_cost", "spend"))


def _call(record: Record, metadata: Record) -> Record:
    failed = str(first(record.get("status"), metadata.get("status"))).lower() in _FAILED
    cached = str(record.get("cache_hit")).lower() == "true"
    answered = response_of(_response(record))
    tags = tags_of(from_json(record.get("request_tags")), from_json(metadata.get("tags")))
    context = _context(metadata, tags)
    parameters = as_object(record.get("model_parameters"))
    stream = first(record.get("stream"), parameters.get("stream"))
    asked = first(record.get("messages"), as_object(record.get("proxy_server_request")))
    row = "request_id" in record
    named = as_name(first(record.get("id"), record.get("request_id")))
    session = record.get("session_id")
    error = _error(record, metadata) if failed else {}
    cost = first(record.get("response_cost"), record.get("spend"))
    usage = _usage(record, metadata, answered)
    priced = _positive(cost) or (
        not failed
        and not record.get("response_cost_failure_debug_info")
        and (cached or any(value is not None for value in usage.values()))
    )
    call = {
        **answered,
        **usage,
        **context,
        "kind": "call",
        "call_id": named,
        "trace_id": as_name(session if row else record.get("trace_id")),
        "session_id": as_name(first(context.get("session_id"), session)),
        "response_id": None if cached else _provider_id(answered.get("response_id") or named),
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
        "first_token_at": _first_token(record, stream),
        "team": as_name(
            first(
                context.get("team"),
                metadata.get("user_api_key_team_alias"),
                metadata.get("team_alias"),
                record.get("team_id"),
            )
        ),
        "user_id": as_name(
            first(record.get("end_user"), parameters.get("user"), context.get("user_id"))
        ),
        "tags": [*tags, "cache_hit"] if cached else tags,
        "provider": as_name(first(record.get("custom_llm_provider"), error.pop("provider", None))),
        "model_requested": as_name(first(record.get("model_group"), record.get("model"))),
        "model": answered.get("model") or _sent(record),
        "is_stream": stream if isinstance(stream, bool) else None,
        "status": "error" if failed else "ok",
        "cost_reported": cost if priced or not _zero(cost) else None,
        "messages": messages_of(asked),
        "contexts": _contexts(metadata),
        "format_requested": as_name(at_path(parameters, "response_format", "type")),
        "response_schema": at_path(parameters, "response_format", "json_schema", "schema"),
        "metadata": without_nulls(metadata),
        **error,
    }
    return without_nulls(call)


def _context(metadata: Record, tags: list[str]) -> Record:
    """What the request's own metadata, the log's metadata and the tags say, in this order."""
    said = [as_object(metadata.get(name)) for name in ("spend_logs_metadata", "requester_metadata")]
    merged: Record = {}
    for part in (*said, metadata):
        merged |= {name: value for name, value in part.items() if name not in merged}
    prompt = as_object(metadata.get("prompt_management_metadata"))
    context = context_of(merged, tags)
    name = as_name(prompt.get("prompt_id"))
    return ({"prompt_name": name} if name else {}) | context


def _usage(record: Record, metadata: Record, answered: Record) -> Record:
    """Token counts: the response's usage, else LiteLLM's usage object, else its three numbers.

    Counts that are all 0 are none: failures have them, and streams LiteLLM could not estimate.
    """
    found: Record = {name: answered[name] for name in _TOKENS if name in answered}
    if not _counts(found):
        found = tokens_of(metadata.get("usage_object"))
    if not _counts(found):
        found = tokens_of({name: record.get(name) for name in _NUMBERS})
    if all(_zero(value) for value in found.values()):
        found = {}
    return {name: found.get(name) for name in _TOKENS}


def _counts(usage: Record) -> bool:
    return any(name in usage for name in ("input_tokens", "uncached_input", "output_tokens"))


def _response(record: Record) -> Any:
    response = from_json(record.get("response"))
    return response if isinstance(response, Mapping) else {}


def _provider_id(name: Any) -> str | None:
    """The provider's id of a response; LiteLLM wraps those of OpenAI's Responses in base64.

    Where a provider gave none, LiteLLM takes the id of its own call, which is left out.
    """
    if not isinstance(name, str) or not name.startswith(_PROVIDERS_IDS):
        return None
    if not name.startswith("resp_"):
        return name
    try:
        inner = b64decode(name.removeprefix("resp_"), validate=True).decode()
    except ValueError:
        return name
    return inner.rpartition("response_id:")[2] or name


def _sent(record: Record) -> str | None:
    """The model that was sent, without its provider; None where nobody chose it by an alias."""
    model = as_name(record.get("model"))
    if not model or not record.get("model_group"):
        return None
    return model.removeprefix(f"{record.get('custom_llm_provider')}/")


def _first_token(record: Record, stream: Any) -> Any:
    """The time of the first token: of an answer in one piece LiteLLM repeats its end."""
    first_token, end = record.get("completionStartTime"), record.get("endTime")
    return first_token if stream is True or (stream is None and first_token != end) else None


def _error(record: Record, metadata: Record) -> Record:
    said = as_object(first(record.get("error_information"), metadata.get("error_information")))
    code = as_name(said.get("error_code"))
    return without_nulls(
        {
            "error_class": as_name(said.get("error_class")),
            "error_code": code,
            "error_status": code if code and code.isdigit() else None,
            "error_message": as_text(first(said.get("error_message"), record.get("error_str"))),
            "provider": as_name(said.get("llm_provider")),
        }
    )


def _contexts(metadata: Record) -> list[Record] | None:
    found = []
    for request in as_list(metadata.get("vector_store_request_metadata")):
        for item in as_list(at_path(request, "vector_store_search_response", "data")):
            if isinstance(item, Mapping):
                name = first(item.get("id"), item.get("file_id"), item.get("filename"))
                found += documents_of([{**item, "id": name}])
    return found or None


def _guardrail(said: Mapping[str, Any], call: Record, number: int) -> Record:
    """A guardrail that LiteLLM ran; one that intervened has worked, one without answer has not."""
    status = str(said.get("guardrail_status")).lower()
    seconds = said.get("duration")
    own = f"{call.get('call_id') or 'call'}:guardrail:{number}"
    inherited = (
        "feature", "team", "environment", "user_id", "session_id", "project", "experiment_arm",
    )  # fmt: skip
    return without_nulls(
        {name: call[name] for name in inherited if name in call}
        | {
            "kind": "step",
            "call_id": own,
            "trace_id": call.get("trace_id") or call.get("call_id") or own,
            "parent_id": call.get("call_id"),
            "step_kind": "guardrail",
            "step_name": as_name(said.get("guardrail_name")),
            "started_at": first(said.get("start_time"), call.get("started_at")),
            "ended_at": said.get("end_time"),
            "latency_ms": seconds * 1000 if isinstance(seconds, float | int) else None,
            "status": "error" if "fail" in status else "ok",
            "tags": ["guardrail_intervened"] if status in _INTERVENED else [],
        }
    )


def _zero(value: Any) -> bool:
    try:
        return isinstance(value, (int, float, str)) and float(value) == 0
    except ValueError:
        return False


def _positive(value: Any) -> bool:
    try:
        return isinstance(value, (int, float, str)) and float(value) > 0
    except ValueError:
        return False


LITELLM: Final = LogFormat(
    name="litellm",
    about="LiteLLM StandardLoggingPayload and SpendLogs rows",
    recognises=_recognises,
    unpack=_unpack,
    needs=("call_type", "startTime"),
)
