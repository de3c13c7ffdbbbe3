"""Token counts of spans and events in the GenAI conventions, under any name they have had.

``gen_ai.usage.input_tokens`` includes cached tokens, ``output_tokens`` reasoning. Libraries that
hand on what Anthropic, Bedrock or Gemini returned count them beside; their totals do not tell, so
their names must.
"""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.dialects.common import counts
from llmops_pipelines.formats.dialects.openinference_outputs import broken_down
from llmops_pipelines.formats.dialects.vercel_metadata import REASONING, providers_usage
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import as_object
from llmops_pipelines.formats.usage.counts import count_in, together, with_total
from llmops_pipelines.formats.usage.usage_maps import of_embedding

_USAGE: Final = "gen_ai.usage"
_DETAILS: Final = f"{_USAGE}.details"
"""Pydantic AI's place for counts that the conventions did not name; they lie within the two."""

_RAW: Final = f"{_USAGE}.raw"
"""The provider's own usage object, which Logfire puts beside the counts."""

_CACHES_APART: Final = (
    "opentelemetry.instrumentation.bedrock",
    "opentelemetry.instrumentation.botocore.bedrock-runtime",
    "openlit.instrumentation.anthropic",
    "openlit.instrumentation.bedrock",
)
"""Libraries whose input leaves cached tokens out: OpenLLMetry's and OpenTelemetry's own of Bedrock,
OpenLIT's."""

_THOUGHTS_APART: Final = ("openlit.instrumentation.google_ai_studio",)
"""Libraries whose output leaves Gemini's thoughts out."""


def usage(span: Span) -> Record:
    """Token counts; None of them where usage was not recorded."""
    says = span.attributes
    found = counts(
        says,
        input_tokens=(f"{_USAGE}.input_tokens", f"{_USAGE}.prompt_tokens"),
        output_tokens=(f"{_USAGE}.output_tokens", f"{_USAGE}.completion_tokens"),
        cache_read=(
            f"{_USAGE}.cache_read.input_tokens", f"{_USAGE}.cache_read_input_tokens",
            f"{_USAGE}.input_tokens.cached", f"{_USAGE}.cached_tokens",
            f"{_DETAILS}.cache_read_tokens", f"{_DETAILS}.cached_tokens",
        ),
        cache_write_5m=(
            f"{_USAGE}.cache_creation.input_tokens", f"{_USAGE}.cache_write.input_tokens",
            f"{_USAGE}.cache_creation_input_tokens", f"{_USAGE}.cache_write_input_tokens",
            f"{_USAGE}.input_tokens.cache_write", f"{_DETAILS}.cache_write_tokens",
        ),
        cache_write_1h=("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
        reasoning=(
            f"{_USAGE}.reasoning.output_tokens", f"{_USAGE}.reasoning_tokens",
            f"{_USAGE}.output_tokens.reasoning", f"{_DETAILS}.reasoning_tokens",
            f"{_DETAILS}.thoughts_tokens", REASONING,
        ),
        audio_input=(f"{_USAGE}.audio.input_tokens", f"{_DETAILS}.input_audio_tokens"),
        audio_output=(f"{_USAGE}.audio.output_tokens", f"{_DETAILS}.output_audio_tokens"),
    )  # fmt: skip
    total = counts(says, total=(f"{_USAGE}.total_tokens", "llm.usage.total_tokens"))
    found = split_writes(_as_written_by(span.scope, found))
    told = as_object(says.get(_RAW)) or providers_usage(says)
    found = with_total(broken_down(found, {"usage": told}), total.get("total"))
    return of_embedding(found) if says.get("gen_ai.operation.name") == "embeddings" else found


def _as_written_by(library: str | None, found: Record) -> Record:
    if library in _CACHES_APART:
        return beside_caches(found)
    if library in _THOUGHTS_APART and "output_tokens" in found:
        found = found | {"output_tokens": together(found["output_tokens"], found.get("reasoning"))}
    return apart_if_smaller(found)


def split_writes(found: Record) -> Record:
    """Counts whose writes to the cache include those for an hour, with the two apart."""
    written, hour = found.get("cache_write_5m"), found.get("cache_write_1h")
    if isinstance(written, int) and isinstance(hour, int) and 0 <= hour <= written:
        return found | {"cache_write_5m": written - hour}
    return found


def apart_if_smaller(found: Record) -> Record:
    """Counts whose input is smaller than its cached part: they were counted apart from it."""
    cached = sum(count_in(found.get(name)) or 0 for name in ("cache_read", "cache_write_5m"))
    given = count_in(found.get("input_tokens"))
    return beside_caches(found) if given is not None and given < cached else found


def beside_caches(found: Record) -> Record:
    """Counts whose input leaves cached tokens out."""
    return {("uncached_input" if key == "input_tokens" else key): n for key, n in found.items()}
