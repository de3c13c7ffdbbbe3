"""The fields that a log record can fill, and the kind of value each of them takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal[
    "id",  # text; a whole number is taken as its digits
    "name",  # text, and nothing but text
    "label",  # text; a number or a boolean is taken as its spelling
    "whole",  # a whole number, not negative
    "duration",  # a number, not negative, in milliseconds
    "number",  # any finite number
    "money",  # US dollars, not negative
    "time",  # ISO 8601 or seconds, milli-, micro- or nanoseconds since 1970
    "flag",  # true or false
    "text",  # what people and models wrote: a string, or a list of parts
    "messages",  # a list of role and content
    "contexts",  # a list of passages, plain or with id and score
    "labels",  # a list of words
    "tools",  # a list of tool calls: name and arguments, or OpenAI's function objects
    "json",  # kept as JSON
    "presence",  # only whether it is there
]

FIELDS: Final[Mapping[str, Kind]] = {
    "kind": "label",
    "call_id": "id",
    "trace_id": "id",
    "parent_id": "id",
    "response_id": "label",
    "project": "label",
    "name": "label",
    "instrumentation": "label",
    "started_at": "time",
    "ended_at": "time",
    "first_token_at": "time",
    "feature": "name",
    "team": "name",
    "environment": "label",
    "tags": "labels",
    "experiment_arm": "label",
    "user_id": "label",
    "session_id": "label",
    "provider": "name",
    "model": "name",
    "model_requested": "name",
    "service_tier": "label",
    "is_batch": "flag",
    "is_stream": "flag",
    "prompt_name": "label",
    "prompt_version": "label",
    "prompt_template": "text",
    "attempt": "whole",
    "status": "label",
    "answered": "presence",
    "error": "json",
    "error_class": "label",
    "error_code": "label",
    "error_status": "label",
    "error_message": "label",
    "said_instead": "json",
    "finish_reason": "label",
    "latency_ms": "duration",
    "ttft_ms": "duration",
    "input_tokens": "whole",
    "uncached_input": "whole",
    "cache_read": "whole",
    "cache_write_5m": "whole",
    "cache_write_1h": "whole",
    "audio_input": "whole",
    "output_tokens": "whole",
    "reasoning": "whole",
    "audio_output": "whole",
    "beside_output": "whole",
    "total_tokens": "whole",
    "web_searches": "whole",
    "cost_reported": "money",
    "charged": "json",
    "own_key": "json",
    "format_requested": "label",
    "response_schema": "json",
    "messages": "messages",
    "system": "text",
    "question": "text",
    "answer": "text",
    "contexts": "contexts",
    "tool_calls": "tools",
    "step_kind": "label",
    "step_name": "label",
    "document_count": "whole",
    "input_chars": "whole",
    "output_chars": "whole",
    "about_call": "id",
    "rating": "number",
    "thumb": "label",
    "comment": "text",
}
"""``input_tokens`` includes cached ones, ``output_tokens`` reasoning, as OpenAI counts.

``charged`` is what a provider says it charged, in USD, where no ``cost_reported`` is; with
``own_key`` that is only a fee. ``said_instead`` is the message of a body; as text beside no answer
it is that of an error. ``beside_output`` counts what is billed with an answer and has no bucket.
"""

MappedName = Literal[
    "call_id", "trace_id", "parent_id", "response_id", "project", "name", "started_at", "ended_at",
    "first_token_at", "feature", "team", "environment", "tags", "experiment_arm", "user_id",
    "session_id", "provider", "model", "model_requested", "service_tier", "is_batch", "is_stream",
    "prompt_name", "prompt_version", "prompt_template", "attempt", "status", "error_class",
    "error_code", "error_status", "error_message", "finish_reason", "latency_ms", "ttft_ms",
    "input_tokens", "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h",
    "audio_input", "output_tokens", "reasoning", "audio_output", "total_tokens", "web_searches",
    "cost_reported",
    "format_requested", "response_schema", "messages", "system", "question", "answer", "contexts",
    "tool_calls", "instrumentation",
]  # fmt: skip
"""The fields that ``sources.yaml`` can place: those of a call."""

TEXT_KINDS: Final = ("messages", "contexts", "text")
NUMBERS: Final = ("whole", "duration", "number", "money")
QUOTED: Final = ("id", "name")
"""Kinds whose raw values keep their quotes."""


def of_kind(*kinds: str) -> list[str]:
    """Names of the fields of these kinds, in the order of ``FIELDS``."""
    return [name for name, kind in FIELDS.items() if kind in kinds]
