"""What a batch endpoint charges where the catalogue does not say."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

DISCOUNT = Decimal("0.5")

_FRESH = frozenset(
    {"input_mtok", "output_mtok", "output_reasoning_mtok", "input_audio_mtok", "output_audio_mtok"}
)
_CACHES = frozenset(
    {"cache_read_mtok", "cache_write_mtok", "cache_write_5m_mtok", "cache_write_1h_mtok"}
)

BATCH_HALVES: Mapping[str, frozenset[str]] = {
    "openai": _FRESH,
    "azure": _FRESH,
    "google": _FRESH,
    "mistral": _FRESH,
    "anthropic": _FRESH | _CACHES,
}
"""Price keys that a provider's batch endpoint halves. The catalogue's own batch prices, which
begin in October 2026, win over it.

All five publish "50 %": developers.openai.com/api/docs/guides/batch,
learn.microsoft.com/azure/ai-foundry/openai/how-to/batch, ai.google.dev/gemini-api/docs/batch-api,
docs.mistral.ai/capabilities/batch, platform.claude.com/docs/en/build-with-claude/batch-processing.
Only Anthropic says that its cache prices are halved too; Google says that its are not
(docs.cloud.google.com, batch inference with Gemini). A batch call to any other provider that the
catalogue has no batch price for has no known price.
"""
