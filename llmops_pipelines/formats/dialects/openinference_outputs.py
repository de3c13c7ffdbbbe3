"""What the output of an OpenInference span says beyond its attributes.

``output.value`` holds what the SDK returned, as JSON: a provider's response, or the result of
LangChain, in which the response's id, the served model and the parts of its usage lie deeper.
Attributes of instrumentations leave these out (LangChain's the id, Mistral's the cached tokens).
"""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.bodies.outcomes import outcome_of, usage_in
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_name, first, without_nulls
from llmops_pipelines.formats.usage.counts import COUNTS, count_in, together
from llmops_pipelines.formats.usage.usage_maps import token_fields

_IDS: Final = ("id", "response_id", "responseId")
_TOLD: Final = (
    "response_id", "model", "finish_reason", "service_tier", "answer", "tool_calls",
)  # fmt: skip
_SENT_APART: Final = (
    "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input",
)  # fmt: skip


def told_by(returned: Record) -> Record:
    """``response_id`` and ``service_tier``; of LangChain's result all of ``_TOLD``, if it says."""
    if "generations" in returned:
        said = outcome_of(returned)
        return {name: said[name] for name in _TOLD if name in said}
    return without_nulls(
        {
            "response_id": as_name(first(*(returned.get(name) for name in _IDS))),
            "service_tier": as_name(returned.get("service_tier")),
        }
    )


def broken_down(found: Record, returned: Record) -> Record:
    """Counts of a span, by those of its output where both sides come to the same.

    The output then says which part of them was cached, kept for an hour, or reasoning.
    """
    told = token_fields(usage_in(returned)) if returned else {}
    told = {name: count for name, count in told.items() if name in COUNTS}
    if not found or _sides(told) != _sides(found) or len(told) < len(found):
        return found
    return {"total_tokens": found["total_tokens"]} | told if "total_tokens" in found else told


def _sides(counts: Record) -> tuple[Any, Any]:
    """Tokens sent and received; None where they are not known."""
    sent = counts.get("input_tokens")
    if counts.get("uncached_input") is not None:
        sent = together(*(counts.get(name) for name in _SENT_APART))
    return count_in(sent), count_in(counts.get("output_tokens"))
