"""Format ``openai``: our envelope around OpenAI chat completions, and bare completion objects.

One JSON object per line. ``kind`` is ``call`` (the default), ``step`` or ``feedback``. A call holds
the request body, the response object with its ``usage``, and what only the application knows:
time, feature, user, latency, prompt version, retrieved contexts. The response may be one of
Ollama's own API; what OpenRouter charged is the reported cost, unless it was paid with a key of
one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llmops_pipelines.formats.engine.paths import Path, parse_path
from llmops_pipelines.formats.engine.reading import LogFormat, Place, at
from llmops_pipelines.formats.records import METADATA_KEYS
from llmops_pipelines.formats.usage.usage import WEB_SEARCH_PATHS

_USAGE = ("response.usage", "usage")
_METADATA: Final[tuple[Path, ...]] = (
    ("metadata",), ("request", "metadata"), ("body", "metadata"), ("response", "metadata"),
)  # fmt: skip
"""What only the application knows, beside the bodies, or in them, where OpenAI stores it."""

_USERS: Final = tuple(
    (request, name) for request in ("request", "body") for name in ("safety_identifier", "user")
)


def _usage(*names: str) -> Any:
    return at(*(f"{usage}.{name}" for name in names for usage in _USAGE))


def _counted(name: str, ollamas: str) -> Any:
    return at(*(f"{usage}.{name}" for usage in _USAGE), f"response.{ollamas}")


def _with_metadata(fields: Mapping[str, Place]) -> dict[str, Place]:
    """``fields``, where they say nothing, by what metadata say; the request's user comes last."""
    found = dict(fields)
    for name, keys in METADATA_KEYS.items():
        paths = tuple((*container, key) for container in _METADATA for key in keys)
        found[name] = replace(found[name], paths=(*found[name].paths, *paths))
    users = found["user_id"].paths
    found["user_id"] = replace(found["user_id"], paths=(*users, *_USERS))
    return found


def _recognises(record: Mapping[str, Any]) -> bool:
    kind = record.get("kind")
    if kind in ("call", "step", "feedback"):  # a set would need a hashable value
        return True
    if record.get("object") in ("chat.completion", "text_completion"):
        return True
    usage = record.get("usage")
    if record.get("object") == "list" and isinstance(usage, dict):  # embeddings
        return "prompt_tokens" in usage
    response, request = record.get("response"), record.get("request") or record.get("body")
    if isinstance(response, dict):
        usage = response.get("usage")  # of an embedding it is all there is
        if "choices" in response or (isinstance(usage, dict) and "prompt_tokens" in usage):
            return True
    return isinstance(request, dict) and "messages" in request


OPENAI: Final = LogFormat(
    name="openai",
    about="OpenAI chat completions in our envelope, or bare chat.completion objects",
    marks=("kind", "object", "response", "request", "body"),
    recognises=_recognises,
    enveloped=True,
    needs=("timestamp", "request or response"),
    of_any_model=True,
    containers=tuple(
        map(parse_path, ("request", "response", "response.choices", "response.usage"))
    ),
    free=(*_METADATA, *_USERS),
    fields=_with_metadata(
        {
            "kind": at("kind"),
            "call_id": at("id"),
            "trace_id": at("trace_id", "traceId"),
            "parent_id": at("parent_id"),
            "started_at": at(
                "timestamp", "time", "ts", "started_at", "response.created", "created"
            ),
            "response_id": at("response.id"),
            "project": at("project"),
            "name": at("name"),
            "feature": at("feature"),
            "team": at("team"),
            "environment": at("environment"),
            "tags": at("tags"),
            "experiment_arm": at("experiment_arm"),
            "user_id": at("user_id", "userId", "user"),
            "session_id": at("session_id", "sessionId"),
            "provider": at("provider"),
            "model": at("response.model", "model"),
            "model_requested": at("request.model", "body.model"),
            "service_tier": at("response.service_tier", "service_tier"),
            "is_batch": at("is_batch"),
            "is_stream": at("request.stream", "body.stream"),
            "prompt_name": at("prompt_name", "prompt.name"),
            "prompt_version": at("prompt_version", "prompt.version"),
            "prompt_template": at("prompt_template", "prompt.template"),
            "attempt": at("attempt"),
            "status": at("status"),
            "answered": at("response", "choices", "data[0].embedding"),
            # err is where pino and bunyan put an exception.
            "error": at("error", "err", "response.error", "response.detail"),
            "error_class": at("error.type", "err.type", "response.error.type"),
            "error_code": at("error.code", "err.code", "response.error.code"),
            "error_status": at("error.status", "err.status", "response.error.status"),
            "error_message": at("error.message", "err.message", "response.error.message"),
            # The errors of Mistral, Cohere and vLLM are no object: {"message": ..., "type": ...}.
            "said_instead": at("response.message"),
            "finish_reason": at(
                "response.choices[0].finish_reason",
                "choices[0].finish_reason",
                "response.done_reason",
            ),
            "latency_ms": at("latency_ms", "latencyMs"),
            "ttft_ms": at("ttft_ms"),
            "input_tokens": _counted("prompt_tokens", "prompt_eval_count"),
            # DeepSeek's and Moonshot's names follow.
            "cache_read": _usage(
                "prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens", "cached_tokens"
            ),
            "cache_write_5m": _usage("prompt_tokens_details.cache_write_tokens"),
            "audio_input": _usage("prompt_tokens_details.audio_tokens"),
            "output_tokens": _counted("completion_tokens", "eval_count"),
            "reasoning": _usage("completion_tokens_details.reasoning_tokens", "reasoning_tokens"),
            "audio_output": _usage("completion_tokens_details.audio_tokens"),
            "total_tokens": _usage("total_tokens"),
            "web_searches": _usage(*(".".join(path) for path in WEB_SEARCH_PATHS)),
            "cost_reported": at("cost_usd"),
            "charged": _usage("cost"),
            "own_key": _usage("is_byok"),
            "beside_output": _usage("citation_tokens"),
            "format_requested": at("request.response_format.type", "body.response_format.type"),
            "response_schema": at(
                *(
                    f"{request}.response_format.json_schema{inner}"
                    for request in ("request", "body")
                    for inner in (".schema", "")
                )
            ),
            "messages": at("request.messages", "body.messages", "messages"),
            "answer": at(
                "response.choices[0].message.content",
                "response.choices[0].message.refusal",
                "response.choices[0].message.audio.transcript",
                "choices[0].message.content",
                "choices[0].message.refusal",
                "choices[0].message.audio.transcript",
                "response.choices[0].text",
                "choices[0].text",
                "response.message.content",
                "response.response",
            ),
            "contexts": at("contexts"),
            "tool_calls": at(
                "response.choices[0].message.tool_calls",
                "choices[0].message.tool_calls",
                "response.message.tool_calls",
            ),
            "step_kind": at("step"),
            "step_name": at("name"),
            "document_count": at("document_count"),
            "input_chars": at("input_chars"),
            "output_chars": at("output_chars"),
            "about_call": at("call_id"),
            "rating": at("rating"),
            "thumb": at("thumb"),
            "comment": at("comment"),
        }
    ),
)
