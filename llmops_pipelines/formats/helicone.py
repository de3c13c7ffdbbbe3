"""Format ``helicone``: requests as Helicone exports them, as JSON, JSONL or CSV.

``delay_ms`` is in milliseconds. Helicone names no unit of ``time_to_first_token``; its dashboards
show milliseconds, and so it is read. ``response_status`` is HTTP's, or below zero where no answer
came: -1 timed out, -2 pending for ever, -3 cancelled, -4 stopped as a threat. ``scores`` are
machines' and ignored; ``feedback_rating`` becomes feedback of its own.

Tokens come from the response body where it was exported. Helicone's own ``prompt_tokens`` leaves
Anthropic's cache out; OpenAI's it leaves out since it has columns for audio and reasoning tokens,
and counted before. ``completion_tokens`` leaves out what has a column of its own. ``costUSD`` is in
dollars; ``cost`` has another scale by version and is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import error_of, request_of, response_of
from llmops_pipelines.formats.bodies.messages import messages_of, text_of
from llmops_pipelines.formats.endpoints import asks_no_model
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    context_of,
    first,
    size_of,
    tokens,
    without_nulls,
)
from llmops_pipelines.formats.streamed_bodies import whole_body
from llmops_pipelines.formats.usage.counts import (
    adds_up,
    count_in,
    counts_a_side,
    together,
    with_total,
    without_counts,
)

_EVENTS: Final = {"tool": "tool", "vector_db": "retriever", "data": "chain"}
_NO_REFERENCE: Final = "00000000-0000-0000-0000-000000000000"


def _recognises(record: Mapping[str, Any]) -> bool:
    return "request_id" in record and "request_created_at" in record


def _unpack(record: Record) -> Iterator[Record]:
    body = as_object(record.get("request_body"))
    properties = _properties(record)
    if kind := _EVENTS.get(str(body.get("_type"))):
        yield _step(record, body, properties, kind)
    elif asks_no_model(record.get("request_path")):
        yield {"kind": "ignored"}
        return
    else:
        yield _call(record, body, properties)
    rating = str(record.get("feedback_rating")).lower()
    if thumb := {"true": "up", "false": "down", "1": "up", "0": "down"}.get(rating):
        yield _feedback(record, thumb)


def _call(record: Record, body: Record, properties: Record) -> Record:
    asked, answered = request_of(body), response_of(whole_body(record.get("response_body")))
    schema = as_object(record.get("llmSchema"))
    status = as_name(record.get("response_status")) or ""
    ok = status[:1] in ("2", "")
    cached = first(record.get("cache_reference_id"), _NO_REFERENCE) != _NO_REFERENCE
    provider = as_name(record.get("provider"))
    if cached:
        answered = without_counts(answered)

    error = {} if ok else _error(record, status)
    context = _context(record, properties)
    return without_nulls(
        {
            **asked,
            **answered,
            **({} if counts_a_side(answered) else _tokens(record)),
            **context,
            "kind": "call",
            "call_id": as_name(record.get("request_id")),
            "response_id": None if cached else answered.get("response_id"),
            "instrumentation": "helicone",
            "name": as_name(properties.get("helicone-session-name")),
            "started_at": record.get("request_created_at"),
            "ended_at": record.get("response_created_at"),
            "latency_ms": record.get("delay_ms"),
            "ttft_ms": record.get("time_to_first_token"),
            "user_id": as_name(
                first(
                    record.get("request_user_id"),
                    record.get("helicone_user"),
                    context.get("user_id"),
                    asked.get("user_id"),
                )
            ),
            "tags": ["cache_hit"] if cached else None,
            "provider": None if provider in ("CUSTOM", "OTHER") else provider,
            "model_requested": as_name(
                first(record.get("request_model"), asked.get("model_requested"))
            ),
            "model": as_name(
                first(
                    record.get("model_override"),
                    answered.get("model"),
                    record.get("response_model"),
                )
            ),
            "status": "ok" if ok else "error",
            "cost_reported": record.get("costUSD"),
            "messages": asked.get("messages") or messages_of(at_path(schema, "request")) or None,
            "answer": answered.get("answer") or _schema_answer(schema),
            "metadata": properties or None,
            **error,
        }
    )


def _tokens(record: Record) -> Record:
    """Helicone's own counts, where the response body with its usage was not exported."""
    prompt, output = tokens(record.get("prompt_tokens")), tokens(record.get("completion_tokens"))
    cached = [
        count_in(record.get(f"prompt_cache_{kind}_tokens")) or 0 for kind in ("read", "write")
    ]
    apart = (
        any(name in record for name in ("prompt_audio_tokens", "reasoning_tokens"))
        or record.get("provider") == "ANTHROPIC"
        or sum(cached) > (count_in(prompt) or 0)  # Anthropic's models on other clouds
    )
    spoken = tokens(record.get("completion_audio_tokens"))
    thought = tokens(record.get("reasoning_tokens"))
    found = {
        "uncached_input" if apart else "input_tokens": prompt,
        "cache_read": tokens(record.get("prompt_cache_read_tokens")),
        "cache_write_5m": tokens(record.get("prompt_cache_write_tokens")),
        "audio_input": tokens(record.get("prompt_audio_tokens")),
        "output_tokens": None if output is None else together(output, thought, spoken),
        "reasoning": thought,
        "audio_output": spoken,
    }
    total = record.get("total_tokens")
    own = (prompt, together(record.get("completion_tokens"), thought))
    return with_total(without_nulls(found), None if adds_up(total, *own) else total)


def _error(record: Record, status: str) -> Record:
    said = error_of(record.get("response_body"))
    inner = as_object(at_path(as_object(record.get("response_body")), "error"))
    message = first(said.get("error_message"), as_text(inner.get("heliconeMessage")))
    told = {"error_code": status} if status.startswith("-") else {"error_status": status}
    return {**told, **said, "error_message": message}


def _properties(record: Record) -> Record:
    """Custom properties under lower-case names: a header is spelled as its sender likes."""
    merged = as_object(record.get("properties")) | as_object(record.get("request_properties"))
    return {str(name).lower(): value for name, value in merged.items()}


def _spelled(properties: Record) -> Record:
    """Names that were written together, as ``context_of`` knows them."""
    return {
        name: properties[name.replace("_", "")]
        for name in ("user_id", "session_id", "feature_name", "team_name")
        if name.replace("_", "") in properties
    }


def _context(record: Record, properties: Record) -> Record:
    said = context_of(properties | _spelled(properties))
    own = {
        "trace_id": as_name(properties.get("trace_id")),
        "session_id": as_name(first(properties.get("helicone-session-id"), said.get("session_id"))),
        "prompt_name": as_name(
            first(
                record.get("prompt_id"),
                properties.get("helicone-prompt-id"),
                said.get("prompt_name"),
            )
        ),
        "prompt_version": as_name(first(record.get("prompt_version"), said.get("prompt_version"))),
    }
    return said | without_nulls(own)


def _step(record: Record, body: Record, properties: Record, kind: str) -> Record:
    """A tool, a vector database or other data that the application logged by hand."""
    status = as_name(record.get("response_status")) or ""
    context = _context(record, properties)
    identity = as_name(record.get("request_id"))
    shown = first(body.get("toolName"), body.get("databaseName"), body.get("name"))
    asked = first(body.get("input"), body.get("text"))
    return without_nulls(
        {
            **context,
            "kind": "step",
            "call_id": identity,
            "trace_id": first(context.get("trace_id"), context.get("session_id"), identity),
            "step_kind": kind,
            "step_name": as_name(shown),
            "started_at": record.get("request_created_at"),
            "ended_at": record.get("response_created_at"),
            "latency_ms": record.get("delay_ms"),
            "user_id": as_name(record.get("request_user_id")),
            "status": "ok" if status[:1] in ("2", "") else "error",
            "input_chars": size_of(asked),
        }
    )


def _feedback(record: Record, thumb: str) -> Record:
    identity = as_name(record.get("request_id"))
    own = as_name(record.get("feedback_id"))
    return without_nulls(
        {
            "kind": "feedback",
            "call_id": own or (f"{identity}:feedback" if identity else None),
            "about_call": identity,
            "started_at": first(
                record.get("feedback_created_at"), record.get("request_created_at")
            ),
            "thumb": thumb,
        }
    )


def _schema_answer(schema: Record) -> str | None:
    """The answer of Helicone's own schema, where the response body was not exported."""
    said = as_list(at_path(schema, "response", "messages"))
    return text_of(at_path(said[-1], "content")) if said else None


HELICONE: Final = LogFormat(
    name="helicone",
    about="Helicone requests",
    marks=("request_created_at",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("request_id", "request_created_at"),
    second_hand=True,
)
