"""Each prompt, replayed against a cache that works as its provider says: read, or why not."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.savings.prompt_cache.arrangements import (
    AUTOMATIC,
    automatic,
    best_arrangement,
    repriced,
    with_breakpoints,
)
from llmops_pipelines.savings.prompt_cache.marks import PromptMarks
from llmops_pipelines.savings.prompt_cache.reasons import shared_lengths, with_reasons
from llmops_pipelines.savings.prompt_cache.replay import Occurrences
from llmops_pipelines.savings.prompt_cache.replayable import PROMPT_BUCKETS
from llmops_pipelines.savings.prompt_cache.world import cache_world, sessions, spread


def replay_prompt_cache(
    calls: pl.DataFrame, marks: PromptMarks, price_book: pl.DataFrame
) -> pl.DataFrame:
    """What a cache could have served of each prompt, what it did, and why not the rest.

    Where the provider's cache works by itself, ``could_read`` is the longest prefix shared with a
    prompt still held, in whole blocks, from the minimum length on, and ``saved`` the price
    difference of what was not read of it. Where breakpoints have to be set, two places and every
    lifetime on offer are replayed; each scope gets the arrangement that saves most or loses least,
    and ``saved`` is what was paid less what that would have cost, surcharge on writing included.

    Positions are bytes of the redacted text, scaled to the prompt tokens that were logged: tools
    and templates that no log holds count in proportion. From the first redacted value on, only
    prompts of one session count as equal.

    Args:
        calls: ``REPLAYED`` columns of successful calls not in batches, with prompt tokens and text,
            in the order of time.
        marks: Of the same calls in the same order.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``calls`` with ``scope`` (number), ``arrangement`` (null where no rule is known),
        ``prompt_tokens``, ``could_read``, the tokens of each of ``CACHE_REASONS``, ``written``, the
        prompt buckets after (``after_`` and their name), ``cost_after``, ``saved``,
        ``already_saved``, ``reorder_saved`` and ``shared_bytes`` (shared with any earlier prompt of
        the scope). Money is null where a price is unknown or no rule is.

    Raises:
        ValueError: Rows of ``calls`` and ``marks`` differ, or are not in the order of time.
    """
    if calls["call_id"].to_list() != marks.calls["call_id"].to_list():
        raise ValueError(
            f"{calls.height} calls and marks of {marks.calls.height} prompts are not the same "
            "calls in the same order; make the marks from these calls"
        )
    world = cache_world(calls, marks)
    blocks = marks.blocks
    apart = spread(world.scope)[blocks.prompt] + sessions(world, blocks)
    scoped = Occurrences(blocks, world.moments, apart)
    alive = scoped.shared(1_000 * world.of_rule("ttl_s"), awaited=True)
    best = best_arrangement(world, [automatic(world, alive), *with_breakpoints(world)], price_book)
    lengths = shared_lengths(world, scoped, best["lifetime"].to_numpy())
    return _with_money(with_reasons(world, lengths, best), price_book)


def _with_money(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """What caching saved already, and what another order of the parts would save on top."""
    none = calls.with_columns(
        after_uncached_input="prompt_tokens",
        **{f"after_{n}": pl.lit(0) for n in PROMPT_BUCKETS[1:]},
    )
    moved = pl.min_horizontal("order", "after_uncached_input")
    reordered = calls.with_columns(
        after_uncached_input=pl.col("after_uncached_input") - moved,
        after_cache_read=pl.col("after_cache_read") + moved,
    )
    return calls.with_columns(
        already_saved=repriced(none, price_book) - pl.col("cost"),
        reorder_saved=pl.when(pl.col("arrangement") == AUTOMATIC).then(
            pl.col("cost_after") - repriced(reordered, price_book)
        ),
    )
