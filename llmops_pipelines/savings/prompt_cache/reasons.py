"""Why the tokens of a prompt were not read from a cache: every token under one reason."""

from __future__ import annotations

import numpy as np
import polars as pl

from llmops_pipelines.pricing import number_rows
from llmops_pipelines.savings.prompt_cache.marks import BLOCK_BYTES, Chains, Whole
from llmops_pipelines.savings.prompt_cache.replay import Occurrences
from llmops_pipelines.savings.prompt_cache.replayable import WRITTEN_BUCKETS
from llmops_pipelines.savings.prompt_cache.static_parts import static_bytes
from llmops_pipelines.savings.prompt_cache.world import CacheWorld, sessions, spread
from llmops_pipelines.tables import CACHE_REASONS


def shared_lengths(world: CacheWorld, scoped: Occurrences, lifetime: Whole) -> dict[str, Whole]:
    """Bytes shared with earlier prompts, under ever weaker demands."""
    blocks, moments = world.marks.blocks, world.moments
    feature = spread(number_rows(world.calls, ["feature"]).codes)[blocks.prompt]
    longest = np.maximum(1_000 * world.of_rule("longest_s"), lifetime)
    lengths = {
        "cut_off": scoped.shared(lifetime, awaited=True),
        "in_flight": scoped.shared(lifetime),
        "lapsed": scoped.shared(longest),
        "expired": scoped.shared(),
        "elsewhere": Occurrences(blocks, moments, feature + sessions(world, blocks)).shared(),
        "redacted": Occurrences(blocks, moments, feature).shared(),
    }
    return lengths | {"order": _reordered(world, lifetime, lengths["redacted"])}


def _reordered(world: CacheWorld, lifetime: Whole, shared: Whole) -> Whole:
    """Bytes that would lead the prompt if all that the scope's prompts share stood first.

    0 where that is no block more than the prompt shares as it is.
    """
    static = static_bytes(world.marks.held, world.marks.lines, world.scope)
    every = np.arange(len(world.scope))
    ones = np.ones(len(every), np.int64)
    before = Occurrences(Chains(every, ones, spread(world.scope)), world.moments).shared(
        lifetime, awaited=True
    )
    enough = world.as_tokens(static) >= np.maximum(world.of_rule("minimum"), 1)
    gains = static - shared >= BLOCK_BYTES
    return np.where(enough & (before > 0) & gains, static, 0)


def with_reasons(world: CacheWorld, lengths: dict[str, Whole], best: pl.DataFrame) -> pl.DataFrame:
    """Every token of each prompt under one reason, the first that explains it."""
    was = best["cache_read"].fill_null(0).to_numpy()
    could = best["could_read"].fill_null(0).to_numpy()
    wrote = (
        best.select(pl.sum_horizontal(pl.col(*WRITTEN_BUCKETS).fill_null(0))).to_series().to_numpy()
    )
    used = np.zeros(len(world.rules), bool)
    used[world.scope[(was > 0) | (wrote > 0)]] = True
    asked = np.array([rule is None or rule.is_automatic for rule in world.rules]) | used
    reached, tokens = was, {"read": was}
    unread = np.maximum(could - was, 0)
    tokens["not_switched_on"] = np.where(asked[world.scope], 0, unread)
    tokens["missed"] = unread - tokens["not_switched_on"]
    reached = np.maximum(reached, could)
    block = world.of_rule("increment", 1)
    for reason, length in lengths.items():
        share = world.as_tokens(length)
        explained = np.maximum(reached, share // block * block if reason == "order" else share)
        tokens[reason] = explained - reached
        reached = explained
    tokens["new"] = world.tokens - reached
    known = pl.col("arrangement").is_not_null()
    return best.with_columns(
        *(
            pl.when(known).then(pl.Series(tokens[name])).alias(name)
            for name, _ in CACHE_REASONS[1:]
        ),
        read=pl.Series(was),
        shared_bytes=pl.Series(lengths["expired"]),
        prompt_bytes=pl.Series(world.bytes),
    )
