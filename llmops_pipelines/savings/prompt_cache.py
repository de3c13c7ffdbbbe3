"""Each prompt, replayed against a cache that works as its provider says: read, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing import number_rows, price_tokens
from llmops_pipelines.savings.prefix_marks import (
    BLOCK_BYTES,
    Chains,
    Codes,
    PromptMarks,
    Whole,
    mixed,
)
from llmops_pipelines.savings.prefix_replay import Moments, Occurrences
from llmops_pipelines.savings.prefix_rules import PrefixRule, rule_of
from llmops_pipelines.savings.replayable import CACHE_SCOPE
from llmops_pipelines.savings.static_parts import static_bytes
from llmops_pipelines.tables import CACHE_REASONS, MONEY, TOKEN_BUCKETS

AUTOMATIC: Final = "automatic"

_PROMPT: Final = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")
_WRITTEN: Final = _PROMPT[2:]
_BREAKPOINTS: Final = ("after the system text", "after the system text and at the end")


@dataclass(frozen=True)
class _World:
    """The calls in time order with what the replay looks at, a number or code per call."""

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


@dataclass(frozen=True)
class _Arranged:
    """What an arrangement reads and writes of each call, and for how long it keeps a prefix."""

    name: NDArray[np.object_]
    """Empty for calls whose provider does not offer it."""
    reads: Whole
    writes: Whole
    bucket: NDArray[np.object_]
    """Where writing is charged; empty where it costs nothing."""
    lifetime: Whole


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
    world = _world(calls, marks)
    blocks = marks.blocks
    apart = _spread(world.scope)[blocks.prompt] + _sessions(world, blocks)
    scoped = Occurrences(blocks, world.moments, apart)
    alive = scoped.shared(1_000 * world.of_rule("ttl_s"), awaited=True)
    best = _best(world, [_automatic(world, alive), *_with_breakpoints(world)], price_book)
    lengths = _shared_lengths(world, scoped, best["lifetime"].to_numpy())
    return _with_money(_with_reasons(world, lengths, best), price_book)


def _world(calls: pl.DataFrame, marks: PromptMarks) -> _World:
    keys = number_rows(calls, CACHE_SCOPE)
    sent = calls["started_at"].dt.epoch("ms").to_numpy()
    delay = calls.select(
        pl.coalesce("ttft_ms", "latency_ms", pl.lit(0.0)).fill_nan(0.0).cast(pl.Int64)
    ).to_series()
    rules = [rule_of(*pair) for pair in keys.values.select("provider", "model").iter_rows()]
    return _World(
        calls,
        marks,
        Moments.of(sent, delay.to_numpy()),
        keys.codes,
        [rule if rule and rule.is_known else None for rule in rules],
        calls.select(pl.sum_horizontal(pl.col(_PROMPT).fill_null(0))).to_series().to_numpy(),
        marks.calls["bytes"].to_numpy(),
    )


def _shared_lengths(world: _World, scoped: Occurrences, lifetime: Whole) -> dict[str, Whole]:
    """Bytes shared with earlier prompts, under ever weaker demands."""
    blocks, moments = world.marks.blocks, world.moments
    feature = _spread(number_rows(world.calls, ["feature"]).codes)[blocks.prompt]
    longest = np.maximum(1_000 * world.of_rule("longest_s"), lifetime)
    lengths = {
        "cut_off": scoped.shared(lifetime, awaited=True),
        "in_flight": scoped.shared(lifetime),
        "lapsed": scoped.shared(longest),
        "expired": scoped.shared(),
        "elsewhere": Occurrences(blocks, moments, feature + _sessions(world, blocks)).shared(),
        "redacted": Occurrences(blocks, moments, feature).shared(),
    }
    return lengths | {"order": _reordered(world, lifetime, lengths["redacted"])}


def _reordered(world: _World, lifetime: Whole, shared: Whole) -> Whole:
    """Bytes that would lead the prompt if all that the scope's prompts share stood first.

    0 where that is no block more than the prompt shares as it is.
    """
    static = static_bytes(world.marks.held, world.marks.lines, world.scope)
    every = np.arange(len(world.scope))
    ones = np.ones(len(every), np.int64)
    before = Occurrences(Chains(every, ones, _spread(world.scope)), world.moments).shared(
        lifetime, awaited=True
    )
    enough = world.as_tokens(static) >= np.maximum(world.of_rule("minimum"), 1)
    gains = static - shared >= BLOCK_BYTES
    return np.where(enough & (before > 0) & gains, static, 0)


def _automatic(world: _World, alive: Whole) -> _Arranged:
    """A cache that needs nothing: whole blocks of tokens, from the minimum on."""
    block = world.of_rule("increment", 1)
    whole = world.as_tokens(alive) // block * block
    names = [AUTOMATIC if rule and rule.is_automatic else "" for rule in world.rules]
    return _Arranged(
        np.array(names, object)[world.scope],
        np.where(whole >= world.of_rule("minimum"), whole, 0),
        np.zeros(len(whole), np.int64),
        np.full(len(whole), "", object),
        1_000 * world.of_rule("ttl_s"),
    )


def _with_breakpoints(world: _World) -> Iterator[_Arranged]:
    """Every place and lifetime that may be asked for."""
    most = max((len(rule.writes) for rule in world.rules if rule), default=0)
    if not most:
        return
    ends, opening = world.marks.ends, world.marks.calls["system_bytes"].to_numpy()
    whose = ends.prompt
    found = Occurrences(ends, world.moments, _spread(world.scope)[whose] + _sessions(world, ends))
    minimum = world.of_rule("minimum")
    long_enough = world.as_tokens(ends.end, whose) >= minimum[whose]
    at_opening = (ends.end == opening[whose]) & long_enough
    at_end = (ends.end == world.bytes[whose]) & long_enough
    for number in range(most):
        names, buckets, lifetime = _option(world, number)
        for place, at in zip(_BREAKPOINTS, (at_opening, at_opening | at_end), strict=True):
            offered = names != ""
            reads = world.as_tokens(found.shared(lifetime, at & offered[whose], awaited=True))
            reads = np.where(offered, reads, 0)
            last = np.zeros(len(offered), np.int64)
            np.maximum.at(last, whose[at], ends.end[at])
            writes = np.where(offered, np.maximum(world.as_tokens(last) - reads, 0), 0)
            told = np.array([f"{place}, kept {n}" if n else "" for n in names], object)
            yield _Arranged(told, reads, writes, buckets, lifetime)


def _option(world: _World, number: int) -> tuple[NDArray[np.object_], NDArray[np.object_], Whole]:
    """Name, bucket and lifetime (ms) of each call's option of that number; empty without one."""
    options = [
        rule.writes[number] if rule and number < len(rule.writes) else None for rule in world.rules
    ]
    names = np.array([option.name if option else "" for option in options], object)
    buckets = np.array([option.bucket if option else "" for option in options], object)
    lifetime = np.array([1_000 * option.ttl_s if option else 0 for option in options], np.int64)
    return names[world.scope], buckets[world.scope], lifetime[world.scope]


def _best(world: _World, arranged: list[_Arranged], price_book: pl.DataFrame) -> pl.DataFrame:
    """The calls, each under its scope's best arrangement; as they are where there is none."""
    calls = world.calls.with_columns(
        scope=pl.Series(world.scope),
        prompt_tokens=pl.Series(world.tokens),
        row=pl.int_range(pl.len()),
    )
    offers = pl.concat(
        _offer(calls, one, price_book).with_columns(choice=pl.lit(number))
        for number, one in enumerate(arranged)
    )
    chosen = (
        offers.group_by("scope", "choice")
        .agg(pl.col("saved").sum())
        .sort("scope", "saved", "choice", descending=[False, True, False])
        .unique("scope", keep="first", maintain_order=True)
    )
    taken = offers.join(chosen, on=["scope", "choice"], how="semi").drop("scope", "choice")
    return (
        calls.join(taken, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("lifetime").fill_null(0),
            *(pl.coalesce(f"after_{name}", name).alias(f"after_{name}") for name in _PROMPT),
        )
        .drop("row")
    )


def _offer(calls: pl.DataFrame, one: _Arranged, price_book: pl.DataFrame) -> pl.DataFrame:
    """What one arrangement comes to for the calls to which it is offered."""
    held = calls.with_columns(
        pl.Series("arrangement", one.name.tolist(), pl.String),
        pl.Series("bucket", one.bucket.tolist(), pl.String),
        could_read=pl.Series(one.reads),
        written=pl.Series(one.writes),
        lifetime=pl.Series(one.lifetime),
    ).filter(pl.col("arrangement") != "")
    free = pl.col("bucket") == ""
    more = pl.min_horizontal(
        (pl.col("could_read") - pl.col("cache_read").fill_null(0)).clip(0), "uncached_input"
    )
    rest = pl.col("prompt_tokens") - pl.col("could_read") - pl.col("written")
    after = held.with_columns(
        after_uncached_input=pl.when(free).then(pl.col("uncached_input") - more).otherwise(rest),
        after_cache_read=pl.when(free)
        .then(pl.col("cache_read").fill_null(0) + more)
        .otherwise("could_read"),
        **{
            f"after_{name}": pl.when(free)
            .then(pl.col(name))
            .otherwise(pl.when(pl.col("bucket") == name).then("written").otherwise(0))
            for name in _WRITTEN
        },
    )
    return after.select(
        "row", "scope", "arrangement", "could_read", "written", "lifetime",
        *(f"after_{name}" for name in _PROMPT),
        cost_after=_repriced(after, price_book),
    ).with_columns(saved=held["cost"] - pl.col("cost_after"))  # fmt: skip


def _with_reasons(world: _World, lengths: dict[str, Whole], best: pl.DataFrame) -> pl.DataFrame:
    """Every token of each prompt under one reason, the first that explains it."""
    was = best["cache_read"].fill_null(0).to_numpy()
    could = best["could_read"].fill_null(0).to_numpy()
    wrote = best.select(pl.sum_horizontal(pl.col(*_WRITTEN).fill_null(0))).to_series().to_numpy()
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


def _with_money(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """What caching saved already, and what another order of the parts would save on top."""
    none = calls.with_columns(
        after_uncached_input="prompt_tokens", **{f"after_{n}": pl.lit(0) for n in _PROMPT[1:]}
    )
    moved = pl.min_horizontal("order", "after_uncached_input")
    reordered = calls.with_columns(
        after_uncached_input=pl.col("after_uncached_input") - moved,
        after_cache_read=pl.col("after_cache_read") + moved,
    )
    return calls.with_columns(
        already_saved=_repriced(none, price_book) - pl.col("cost"),
        reorder_saved=pl.when(pl.col("arrangement") == AUTOMATIC).then(
            pl.col("cost_after") - _repriced(reordered, price_book)
        ),
    )


def _repriced(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.Series:
    """The cost with the buckets called ``after_...`` in place of those that were logged."""
    asked = calls.select(
        *("provider", "model", "started_at", "service_tier", "is_batch"),
        *(
            pl.col(f"after_{name}" if name in _PROMPT else name).cast(pl.Int64).alias(name)
            for name in TOKEN_BUCKETS
        ),
    )
    return price_tokens(asked, price_book)["cost"].cast(MONEY)


def _spread(numbers: Whole) -> Codes:
    """Small numbers as codes that keep hashes apart."""
    return mixed(numbers.astype(np.uint64) + np.uint64(1))


def _sessions(world: _World, chains: Chains) -> Codes:
    """Zero up to the first redacted value of a prompt, then a code of its session.

    A mark stands for any value: the same mark in two prompts is no sign of the same value, but the
    history of one conversation repeats the same messages.
    """
    marks = world.marks.calls["mark_at"].fill_null(np.iinfo(np.int64).max).to_numpy()
    session = world.calls.select(pl.coalesce("session_id", "call_id").hash(11)).to_series()
    after = chains.end > marks[chains.prompt]
    return np.where(after, mixed(session.to_numpy())[chains.prompt], np.uint64(0))
