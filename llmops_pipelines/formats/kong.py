"""Format ``kong``: lines of Kong's log plugins (file, HTTP, TCP log) with its AI plugins' part.

Kong writes one line per request it passed on; ``ai`` holds an object per plugin that asked a model,
with ``meta``, ``usage`` and, if asked to, ``payload``. Times there are milliseconds, ``started_at``
is milliseconds since 1970. A cost of 0 is a model without prices in Kong, and counts that are all 0
are a stream that Kong did not count: both are unknown. Lines without ``ai`` are ignored.

``tried_targets`` lists the models that were asked until one answered, the last; where statistics
are not logged it is all there is. Requests to APIs that Kong does not translate log no more either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import error_of, request_of, response_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    is_zero,
    tags_of,
    without_nulls,
)
from llmops_pipelines.formats.streamed_bodies import whole_body
from llmops_pipelines.formats.usage.counts import COUNTS, without_counts
from llmops_pipelines.formats.usage.usage import tokens_of

_PROXIES: Final = ("proxy", "ai-proxy", "ai-proxy-advanced")
_MODES: Final = {"stream": True, "streaming": True, "oneshot": False}


def _recognises(record: Mapping[str, Any]) -> bool:
    ai = record.get("ai")
    return (
        isinstance(ai, dict)
        and "started_at" in record
        and any(_asked(part) for part in ai.values())
    )


def _asked(part: Any) -> bool:
    """Whether a part of ``ai`` is a plugin that asked a model."""
    return isinstance(part, dict) and (isinstance(part.get("meta"), dict) or bool(_target(part)))


def _target(plugin: Mapping[str, Any]) -> Record:
    """The last model that was tried."""
    return as_object(at_path(as_list(plugin.get("tried_targets")), -1))


def _unpack(record: Record) -> Iterator[Record]:
    ai = as_object(record.get("ai"))
    context = _context(record)
    plugins = {name: as_object(part) for name, part in ai.items() if _asked(part)}
    if not plugins:
        yield {"kind": "ignored"}
    for name, plugin in plugins.items():
        yield _call(record, ai, name, plugin, context)
        yield from _steps(record, plugin, context)
        yield from _embeddings(record, plugin, context)
    if duration := at_path(ai, "sanitizer", "duration"):
        yield _step(record, context, "guardrail", "ai-sanitizer", duration)


def _call(record: Record, ai: Record, name: str, plugin: Record, context: Record) -> Record:
    meta, usage = as_object(plugin.get("meta")), as_object(plugin.get("usage"))
    payload = as_object(plugin.get("payload"))
    asked = request_of(first(payload.get("request"), at_path(ai, "payload", "request")))
    answered = response_of(whole_body(payload.get("response")))
    cached = str(at_path(plugin, "cache", "cache_status")).lower() == "hit"
    status = as_name(at_path(record, "response", "status")) or ""
    failed = status[:1] in ("4", "5")
    identity = as_name(at_path(record, "request", "id"))
    if identity and name not in _PROXIES:
        identity = f"{identity}:{name}"
    target = _target(plugin)
    mode = str(meta.get("request_mode")).lower()
    elapsed = meta.get("llm_latency")
    if elapsed is None:
        elapsed = first(at_path(plugin, "cache", "fetch_latency"), _latency(record))
    cost = usage.get("cost")
    error = {**error_of(payload.get("response")), "error_status": status} if failed else {}
    counted = dict.fromkeys(COUNTS) | _counted(usage, answered)
    return without_nulls(
        {
            **asked,
            **(without_counts(answered) if cached else answered | counted),
            **context,
            "kind": "call",
            "call_id": identity,
            "response_id": None if cached else answered.get("response_id"),
            "name": as_name(first(at_path(record, "route", "name"), name)),
            "started_at": record.get("started_at"),
            "latency_ms": elapsed,
            "ttft_ms": usage.get("time_to_first_token"),
            "user_id": as_name(first(asked.get("user_id"), context.get("user_id"))),
            "tags": [*context["tags"], "cache_hit"] if cached else context["tags"],
            "provider": as_name(first(meta.get("provider_name"), target.get("provider"))),
            "model_requested": as_name(
                first(meta.get("request_model"), asked.get("model_requested"), target.get("model"))
            ),
            "model": as_name(
                first(meta.get("response_model"), answered.get("model"), target.get("model"))
            ),
            "is_stream": _MODES.get(mode, asked.get("is_stream")),
            "status": "error" if failed else "ok",
            "cost_reported": None if is_zero(cost) else cost,
            **error,
        }
    )


def _counted(usage: Record, answered: Record) -> Record:
    """Kong's counts, which name one token in early versions; the answer's own where Kong has 0."""
    renamed = {
        {"prompt_token": "prompt_tokens", "completion_token": "completion_tokens"}.get(key, key): v
        for key, v in usage.items()
    }
    found = tokens_of(renamed)
    if not all(map(is_zero, found.values())):
        return found
    told: Record = {name: answered[name] for name in COUNTS if name in answered}
    return told if any(told.values()) else {}


def _context(record: Record) -> Record:
    """What the line says of every model it asked: trace, consumer, workspace and entity tags."""
    tags = tags_of(*(at_path(record, name, "tags") for name in ("route", "service", "consumer")))
    request = as_name(at_path(record, "request", "id"))
    consumer = as_object(record.get("consumer"))
    trace = record.get("trace_id")
    named = as_object(trace) or {"id": trace}
    return {
        **context_of({}, tags),
        "trace_id": as_name(first(named.get("w3c"), *named.values(), request)),
        "instrumentation": "kong",
        "project": as_name(first(record.get("workspace_name"), record.get("workspace"))),
        "user_id": as_name(
            first(consumer.get("custom_id"), consumer.get("username"), consumer.get("id"))
        ),
        "tags": tags,
    }


def _steps(record: Record, plugin: Record, context: Record) -> Iterator[Record]:
    """What ran around the model: retrieval and AWS guardrails."""
    retrieval = as_object(plugin.get("rag-inject"))
    if retrieval.get("injected") is not None:
        step = _step(
            record, context, "retriever", "ai-rag-injector", retrieval.get("fetch_latency")
        )
        yield step | {"document_count": len(as_list(retrieval.get("chunk_ids")))}
    guarded = as_object(plugin.get("aws-guardrails"))
    spent = [
        value
        for name, value in guarded.items()
        if str(name).endswith("_processing_latency") and isinstance(value, (int, float))
    ]
    if guarded:
        elapsed = sum(spent) if spent else None
        yield _step(record, context, "guardrail", "ai-aws-guardrails", elapsed)


def _embeddings(record: Record, plugin: Record, context: Record) -> Iterator[Record]:
    """The call that embedded the question before passages were looked up, where it was counted."""
    said = as_object(plugin.get("rag-inject"))
    if said.get("embeddings_tokens") in (None, 0):
        return
    found = _step(record, context, "embedding", "ai-rag-injector", said.get("embeddings_latency"))
    yield found | {
        "kind": "call",
        "call_id": f"{found['call_id']}:embeddings" if "call_id" in found else None,
        "name": "ai-rag-injector",
        "provider": as_name(said.get("embeddings_provider")),
        "model_requested": as_name(said.get("embeddings_model")),
        "model": as_name(said.get("embeddings_model")),
        "input_tokens": said["embeddings_tokens"],
        "output_tokens": 0,
    }


def _step(record: Record, context: Record, kind: str, name: str, elapsed: Any) -> Record:
    request = as_name(at_path(record, "request", "id"))
    own = f"{request}:{name}" if request else None
    return without_nulls(
        {
            **context,
            "kind": "step",
            "call_id": own,
            "trace_id": context.get("trace_id") or name,
            "parent_id": request,
            "step_kind": kind,
            "step_name": name,
            "started_at": record.get("started_at"),
            "latency_ms": elapsed,
            "status": "ok",
        }
    )


def _latency(record: Record) -> Any:
    return first(at_path(record, "latencies", "proxy"), at_path(record, "latencies", "request"))


KONG: Final = LogFormat(
    name="kong",
    about="Kong AI gateway logs",
    marks=("ai",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("started_at", "ai.<plugin>.meta"),
    second_hand=True,
)
