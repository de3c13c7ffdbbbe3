"""Which calls' prompts can be replayed against a prefix cache, and why the others cannot."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.savings.prompt_cache.rules import RULES
from llmops_pipelines.tables import METERED

CACHE_SCOPE: Final = (
    "feature",
    "prompt_version",
    "project",
    "provider",
    "model",
    "service_tier",
)
"""Prompts are only held against others that agree in these. A project stands for an API key, the
border that every provider draws."""

PROMPT_BUCKETS: Final = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")
"""Buckets of a prompt's text."""

WRITTEN_BUCKETS: Final = PROMPT_BUCKETS[2:]

REPLAYED: Final = (
    "call_id", "started_at", "team", *CACHE_SCOPE, "is_batch", "session_id", "ttft_ms",
    "latency_ms", *METERED, "cost",
)  # fmt: skip
"""Columns of calls that are replayed, as in ``LLM_CALLS`` and ``CALL_COSTS``."""

_SYSTEM_FIRST: Final = sorted({p for rule in RULES if rule.system_first for p in rule.providers})


def leads_with_system() -> pl.Expr:
    """Whether a call's ``provider`` puts system messages first, wherever they were logged."""
    first = pl.col("provider").is_in(_SYSTEM_FIRST).fill_null(value=False)
    return first.alias("system_first")


def not_replayed(has_text: pl.Expr) -> pl.Expr:
    """Why a successful call is left out; null where it is replayed.

    Args:
        has_text: Whether its messages were kept.
    """
    return (
        pl.when("is_batch")
        .then(pl.lit("in batches"))
        .when(pl.col("uncached_input").is_null())
        .then(pl.lit("without usage"))
        .when(~has_text)
        .then(pl.lit("without text"))
        .alias("why")
    )
