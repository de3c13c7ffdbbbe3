"""Usage as a client library tells it of any provider: Vercel's AI SDK, whose names are its own.

OpenRouter's provider for it adds the parts of OpenAI's usage, in its spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import at_path, first
from llmops_pipelines.formats.usage.counts import adds_up, count_in, same_count

AI_SDK_KEYS: Final = (
    "inputTokenDetails", "outputTokenDetails", "cachedInputTokens", "reasoningTokens",
    "promptTokens", "completionTokens",
)  # fmt: skip
"""Names that no provider has: of version 6, 5 and 4."""


def ai_sdk(usage: Mapping[str, Any]) -> Record:
    """Counts that include their parts, unless the numbers or their details say otherwise."""
    details, made = usage.get("inputTokenDetails"), usage.get("outputTokenDetails")
    prompt = first(usage.get("inputTokens"), usage.get("promptTokens"))
    answer = first(usage.get("outputTokens"), usage.get("completionTokens"))
    cached = same_count(
        at_path(details, "cacheReadTokens"),
        usage.get("cachedInputTokens"),
        at_path(usage, "promptTokensDetails", "cachedTokens"),
    )
    apart, total = at_path(details, "noCacheTokens"), usage.get("totalTokens")
    if apart is None and (
        (count_in(cached) or 0) > (count_in(prompt) or 0) or adds_up(total, prompt, answer, cached)
    ):
        apart = prompt
        # Version 5 left the cached tokens that Anthropic counts apart out of the total as well.
        total = None if adds_up(total, prompt, answer) else total
    return {
        **({"input_tokens": prompt} if apart is None else {"uncached_input": apart}),
        "cache_read": cached,
        "cache_write_5m": at_path(details, "cacheWriteTokens"),
        "output_tokens": answer,
        "reasoning": same_count(
            at_path(made, "reasoningTokens"),
            usage.get("reasoningTokens"),
            at_path(usage, "completionTokensDetails", "reasoningTokens"),
        ),
        "total_tokens": total,
    }
