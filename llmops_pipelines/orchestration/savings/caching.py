"""Replays the last days' requests through caches, with vectors that earlier nights left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from typing import NamedTuple

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.text_vectors import Embed, TextVectors
from llmops_pipelines.orchestration.storage.window import inputs_digest, outdated, unchanged
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_COSTS,
    JUDGE_SCORES,
    LLM_CALLS,
    RAGAS_SCORES,
    SEMANTIC_CACHE_SAVINGS,
)

WINDOW_DAYS = 14
POLICY = savings.CachePolicy(most_requests=2_000)
"""A busy feature's latest requests stand for it: each distinct question has to be embedded."""

WORTH_USD_A_YEAR = 12.0
"""A feature whose whole bill is less can save less than embedding its questions is worth."""

_METHOD = "3"
"""To be raised when the same inputs come to something else."""

NO_REQUESTS = "no calls in the last 14 landed days"
_READ = (LLM_CALLS, CALL_COSTS, JUDGE_SCORES, RAGAS_SCORES)


class Replayed(NamedTuple):
    """One feature's requests, replayed."""

    feature: str
    replay: savings.CacheReplay
    policy: savings.CachePolicy
    only_exact: dict[str, int]
    left_out: dict[str, int]


def cache_savings(lake: Lake, features: Features, embed: Embed = minilm.embed) -> pl.DataFrame:
    """``SEMANTIC_CACHE_SAVINGS`` of the last ``WINDOW_DAYS`` days with calls.

    The same days are not replayed again.
    """
    days, never = lake.days(LLM_CALLS)[-WINDOW_DAYS:], _never(features)
    digest = _digest(lake, features)
    if (stored := unchanged(lake, SEMANTIC_CACHE_SAVINGS, digest)) is not None:
        return stored
    vectors = TextVectors(lake, embed, embedding=minilm.weights())
    rows = [
        savings.cache_rows(
            one.feature,
            one.replay,
            only_exact=one.only_exact,
            left_out=one.left_out,
            policy=one.policy,
            digest=digest,
        )
        for one in replays(lake, days, never, vectors)
    ]
    vectors.save()
    return SEMANTIC_CACHE_SAVINGS.require(pl.concat([SEMANTIC_CACHE_SAVINGS.empty(), *rows]))


def cache_outdated(lake: Lake, features: Features) -> bool:
    """Whether what is stored rests on other calls, texts or marks of features.yaml."""
    return outdated(lake, SEMANTIC_CACHE_SAVINGS, _digest(lake, features))


def _digest(lake: Lake, features: Features) -> str:
    days = lake.days(LLM_CALLS)[-WINDOW_DAYS:]
    asked = (sorted(_never(features)), POLICY, minilm.weights(), _METHOD)
    return inputs_digest(lake, _READ, days, *asked)


def _never(features: Features) -> frozenset[str]:
    return frozenset(name for name, one in features.features.items() if not one.cacheable)


def replays(
    lake: Lake, days: list[date], never: frozenset[str], vectors: TextVectors
) -> Iterator[Replayed]:
    """The requests of ``days`` through the caches of each feature, with every hit by its call.

    Where not even all of a feature's requests, were they hits without a wrong answer, would prove
    a cache right, or its whole bill is small, only equal questions are looked at and nothing is
    embedded.

    Args:
        lake: Where calls, texts, costs and verdicts are.
        days: With calls, oldest first.
        never: Features whose answers must not be given again.
        vectors: What texts are embedded with.
    """
    requests, left_out = _requests(lake, days, never)
    scores = _scores(lake, days)
    for feature in sorted({*requests["feature"], *left_out["feature"]}):
        own = requests.filter(feature=feature)
        replay, policy = _replayed(own, vectors, scores)
        reasons = left_out.filter(feature=feature).select("reason", "requests")
        exact = own.tail(policy.most_requests).drop_nulls("only_exact").group_by("only_exact").len()
        yield Replayed(feature, replay, policy, dict(exact.iter_rows()), dict(reasons.iter_rows()))


def _replayed(
    own: pl.DataFrame, vectors: TextVectors, scores: pl.DataFrame
) -> tuple[savings.CacheReplay, savings.CachePolicy]:
    policy, spared = POLICY, _not_worth_embedding(own)
    if spared:
        policy = replace(policy, thresholds=())
    answers = own.select(savings.normalised(pl.col("answer"))).to_series()
    ids = own["id"].to_list()[::-1]
    # The first call that holds a text owns its vector.
    owners = dict(zip([*answers[::-1], *own["key"][::-1]], [*ids, *ids], strict=True))
    replay = savings.replay_cache(own, partial(vectors.embed, owners=owners), policy, scores)
    return replace(replay, reason=f"{replay.reason}{spared}"), policy


def _not_worth_embedding(own: pl.DataFrame) -> str:
    """Why questions are not embedded, to follow a reason; empty where they are."""
    if own.height < savings.least_hits(POLICY.allowed):
        return f"; {own.height:,} requests prove nothing about similar questions"
    if own["cost"].null_count():
        return ""
    days = savings.days_of_traffic(own["at"]) or 1.0
    yearly = float(own["cost"].sum()) * savings.DAYS_A_YEAR / days
    if yearly >= WORTH_USD_A_YEAR:
        return ""
    return f"; similar questions are not looked at: all of it costs ${yearly:.2f} a year"


def _requests(
    lake: Lake, days: list[date], never: frozenset[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a cache may answer, and how many requests it may not, by feature and reason.

    Days are read from the last one back, for each feature until it has as many as are replayed.
    """
    kept, out = [pl.DataFrame(schema=savings.CACHEABLE)], []
    for asked in _asked(lake, days[::-1], kept):
        own, others = savings.cacheable(asked, never)
        kept.append(own)
        out.append(others)
    counts = (
        pl.concat(out).group_by("feature", "reason").agg(pl.col("requests").sum())
        if out
        else pl.DataFrame(schema={"feature": pl.String, "reason": pl.String, "requests": pl.Int64})
    )
    return pl.concat(kept).sort("at", "id"), counts


def _asked(lake: Lake, days: list[date], kept: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for day in days:
        full = (
            pl.concat(part.select("feature") for part in kept)
            .group_by("feature")
            .len()
            .filter(pl.col("len") >= POLICY.most_requests)["feature"]
            .to_list()
        )
        calls = lake.scan(LLM_CALLS, [day]).filter(~pl.col("feature").is_in(full))
        yield savings.logged_requests(
            calls.collect(),
            kept_texts(lake, day, calls).unique("call_id").collect(),
            lake.read(CALL_COSTS, [day]),
        )


def _scores(lake: Lake, days: list[date]) -> pl.DataFrame:
    """``id``, ``spec_id`` and mean ``score`` of judged calls."""
    return pl.concat(
        lake.scan(table, days)
        .filter(pl.col("score").is_not_null())
        .group_by("spec_id", id="call_id")
        .agg(pl.col("score").mean())
        .collect()
        for table in (JUDGE_SCORES, RAGAS_SCORES)
    )
