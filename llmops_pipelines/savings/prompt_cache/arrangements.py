"""What a cache would read and write of each call, and the arrangement that pays best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.savings.prompt_cache.marks import Whole
from llmops_pipelines.savings.prompt_cache.replay import Occurrences
from llmops_pipelines.savings.prompt_cache.replayable import PROMPT_BUCKETS, WRITTEN_BUCKETS
from llmops_pipelines.savings.prompt_cache.world import CacheWorld, sessions, spread
from llmops_pipelines.tables import METERED, MONEY

AUTOMATIC: Final = "automatic"

_BREAKPOINTS: Final = ("after the system text", "after the system text and at the end")


@dataclass(frozen=True)
class Arranged:
    """What an arrangement reads and writes of each call, and for how long it keeps a prefix."""

    name: NDArray[np.object_]
    """Empty for calls whose provider does not offer it."""
    reads: Whole
    writes: Whole
    bucket: NDArray[np.object_]
    """Where writing is charged; empty where it costs nothing."""
    lifetime: Whole


def automatic(world: CacheWorld, alive: Whole) -> Arranged:
    """A cache that needs nothing: whole blocks of tokens, from the minimum on."""
    block = world.of_rule("increment", 1)
    whole = world.as_tokens(alive) // block * block
    names = [AUTOMATIC if rule and rule.is_automatic else "" for rule in world.rules]
    return Arranged(
        np.array(names, object)[world.scope],
        np.where(whole >= world.of_rule("minimum"), whole, 0),
        np.zeros(len(whole), np.int64),
        np.full(len(whole), "", object),
        1_000 * world.of_rule("ttl_s"),
    )


def with_breakpoints(world: CacheWorld) -> Iterator[Arranged]:
    """Every place and lifetime that may be asked for."""
    most = max((len(rule.writes) for rule in world.rules if rule), default=0)
    if not most:
        return
    ends, opening = world.marks.ends, world.marks.calls["system_bytes"].to_numpy()
    whose = ends.prompt
    found = Occurrences(ends, world.moments, spread(world.scope)[whose] + sessions(world, ends))
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
            yield Arranged(told, reads, writes, buckets, lifetime)


def _option(
    world: CacheWorld, number: int
) -> tuple[NDArray[np.object_], NDArray[np.object_], Whole]:
    """Name, bucket and lifetime (ms) of each call's option of that number; empty without one."""
    options = [
        rule.writes[number] if rule and number < len(rule.writes) else None for rule in world.rules
    ]
    names = np.array([option.name if option else "" for option in options], object)
    buckets = np.array([option.bucket if option else "" for option in options], object)
    lifetime = np.array([1_000 * option.ttl_s if option else 0 for option in options], np.int64)
    return names[world.scope], buckets[world.scope], lifetime[world.scope]


def best_arrangement(
    world: CacheWorld, arranged: Iterable[Arranged], price_book: pl.DataFrame
) -> pl.DataFrame:
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
        .agg(pl.when(pl.col("saved").count() > 0).then(pl.col("saved").sum()))
        .sort("scope", "saved", "choice", descending=[False, True, False], nulls_last=True)
        .unique("scope", keep="first", maintain_order=True)
    )
    taken = offers.join(chosen, on=["scope", "choice"], how="semi").drop("scope", "choice")
    return (
        calls.join(taken, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("lifetime").fill_null(0),
            *(pl.coalesce(f"after_{name}", name).alias(f"after_{name}") for name in PROMPT_BUCKETS),
        )
        .drop("row")
    )


def _offer(calls: pl.DataFrame, one: Arranged, price_book: pl.DataFrame) -> pl.DataFrame:
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
            for name in WRITTEN_BUCKETS
        },
    )
    return after.select(
        "row", "scope", "arrangement", "could_read", "written", "lifetime",
        *(f"after_{name}" for name in PROMPT_BUCKETS),
        cost_after=repriced(after, price_book),
    ).with_columns(saved=held["cost"] - pl.col("cost_after"))  # fmt: skip


def repriced(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.Series:
    """The cost with the buckets called ``after_...`` in place of those that were logged."""
    asked = calls.select(
        *("team", "provider", "model", "started_at", "service_tier", "is_batch"),
        *(
            pl.col(f"after_{name}" if name in PROMPT_BUCKETS else name).cast(pl.Int64).alias(name)
            for name in METERED
        ),
    )
    return price_tokens(asked, price_book)["cost"].cast(MONEY)
