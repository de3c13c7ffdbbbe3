"""Token counts of Vercel's AI SDK: its own, and those of the provider that it hands on beside them.

Version 6 breaks its input down, 5 that of streams only, 4 none. What was cached, or kept for an
hour, then stands in the provider's metadata alone. Before version 6 the input of Anthropic and
Bedrock leaves cached tokens out, and the output of Gemini its thoughts.
"""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.dialects.common import counts
from llmops_pipelines.formats.dialects.gen_ai_usage import apart_if_smaller, beside_caches
from llmops_pipelines.formats.dialects.vercel_metadata import (
    REASONING,
    provider_metadata,
    providers_usage,
)
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import as_object
from llmops_pipelines.formats.usage.counts import any_in, with_total
from llmops_pipelines.formats.usage.usage_maps import token_fields

_USAGE: Final = "ai.usage"
_APART: Final = ("anthropic", "bedrock")


def usage(span: Span) -> Record:
    """Token counts; None of them where usage was not recorded."""
    says = span.attributes
    whole = token_fields(providers_usage(says))
    if "output_tokens" in whole and ("input_tokens" in whole or "uncached_input" in whole):
        return whole
    found = _parts(says) | counts(
        says,
        input_tokens=(
            "gen_ai.usage.input_tokens", f"{_USAGE}.inputTokens", f"{_USAGE}.promptTokens",
            f"{_USAGE}.tokens",
        ),
        uncached_input=(f"{_USAGE}.inputTokenDetails.noCacheTokens",),
        output_tokens=(
            "gen_ai.usage.output_tokens", f"{_USAGE}.outputTokens", f"{_USAGE}.completionTokens",
        ),
        cache_read=(
            f"{_USAGE}.inputTokenDetails.cacheReadTokens", f"{_USAGE}.cachedInputTokens",
        ),
        cache_write_5m=(f"{_USAGE}.inputTokenDetails.cacheWriteTokens",),
        reasoning=(REASONING, f"{_USAGE}.reasoningTokens"),
    )  # fmt: skip
    if "uncached_input" in found:
        found.pop("input_tokens", None)
    elif any(who in str(says.get("ai.model.provider")) for who in _APART) and any(
        any_in(found.get(name)) for name in ("cache_read", "cache_write_5m")
    ):
        found = beside_caches(found)
    return with_total(apart_if_smaller(found), says.get(f"{_USAGE}.totalTokens"))


def _parts(says: Record) -> Record:
    """What metadata says of cached and reasoning tokens, where it holds no usage object."""
    found: Record = {}
    for said in provider_metadata(says):
        found |= counts(
            said | as_object(said.get("usage")),
            cache_read=("cachedPromptTokens", "promptCacheHitTokens", "cacheReadInputTokens"),
            cache_write_5m=("cacheCreationInputTokens", "cacheWriteInputTokens"),
            reasoning=("reasoningTokens",),
        )
    return found
