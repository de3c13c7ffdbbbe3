"""The calls of a window as the replay of caches looks at them, a number or code per call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from llmops_pipelines.pricing import number_rows
from llmops_pipelines.savings.prompt_cache.marks import Chains, Codes, PromptMarks, Whole, mixed
from llmops_pipelines.savings.prompt_cache.replay import Moments
from llmops_pipelines.savings.prompt_cache.replayable import CACHE_SCOPE, PROMPT_BUCKETS
from llmops_pipelines.savings.prompt_cache.rules import PrefixRule, rule_of


@dataclass(frozen=True)
class CacheWorld:
    """Calls in the order of time, and what is known of them."""

    calls: pl.DataFrame
    marks: PromptMarks
    moments: Moments
    scope: Whole
    rules: list[PrefixRule | None]
    """By scope."""
    tokens: Whole
    bytes: Whole

    def of_rule(self, number: str, unknown: int = 0) -> Whole:
        """A number of each call's rule; ``unknown`` without one."""
        values = [unknown if r is None else (getattr(r, number) or unknown) for r in self.rules]
        return np.array(values, np.int64)[self.scope]

    def as_tokens(self, length: Whole, whose: Whole | None = None) -> Whole:
        """Bytes of each prompt, or of those in ``whose``, as its share of the tokens logged."""
        total, tokens = self.bytes, self.tokens
        if whose is not None:
            total, tokens = total[whose], tokens[whose]
        share: Whole = length * tokens // np.maximum(total, 1)
        return np.minimum(share, tokens)


def cache_world(calls: pl.DataFrame, marks: PromptMarks) -> CacheWorld:
    """Number the scopes of ``calls`` and look up their rules; ``marks`` are of the same calls."""
    keys = number_rows(calls, CACHE_SCOPE)
    sent = calls["started_at"].dt.epoch("ms").to_numpy()
    delay = calls.select(
        pl.coalesce("ttft_ms", "latency_ms", pl.lit(0.0)).fill_nan(0.0).cast(pl.Int64)
    ).to_series()
    rules = [rule_of(*pair) for pair in keys.values.select("provider", "model").iter_rows()]
    return CacheWorld(
        calls,
        marks,
        Moments.of(sent, delay.to_numpy()),
        keys.codes,
        [rule if rule and rule.is_known else None for rule in rules],
        calls.select(pl.sum_horizontal(pl.col(PROMPT_BUCKETS).fill_null(0))).to_series().to_numpy(),
        marks.calls["bytes"].to_numpy(),
    )


def spread(numbers: Whole) -> Codes:
    """Small numbers as codes that keep hashes apart."""
    return mixed(numbers.astype(np.uint64) + np.uint64(1))


def sessions(world: CacheWorld, chains: Chains) -> Codes:
    """Zero up to the first redacted value of a prompt, then a code of its session.

    A mark stands for any value: the same mark in two prompts is no sign of the same value, but the
    history of one conversation repeats the same messages.
    """
    marks = world.marks.calls["mark_at"].fill_null(np.iinfo(np.int64).max).to_numpy()
    session = world.calls.select(pl.coalesce("session_id", "call_id").hash(11)).to_series()
    after = chains.end > marks[chains.prompt]
    return np.where(after, mixed(session.to_numpy())[chains.prompt], np.uint64(0))
