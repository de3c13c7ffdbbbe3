"""All savings that are recommended, replayed as one on the calls that compression replays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.orchestration.savings.compression import WINDOW_DAYS, sampled_calls
from llmops_pipelines.orchestration.savings.routing import questions
from llmops_pipelines.orchestration.savings.traffic import sampled_per_day
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.window import inputs_digest, unchanged
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    CALL_COSTS,
    COMPRESSION_SAVINGS,
    LLM_CALLS,
    PRICE_BOOK,
    ROUTING_POLICIES,
    SAMPLED_TRACES,
    SAVINGS_PLAN,
    SEMANTIC_CACHE_SAVINGS,
    TOKEN_BUCKETS,
)

LEAST_CALLS: Final = 10
"""Of a feature's sampled calls this many must have gone through the replay of its cache."""

_METHOD: Final = "3"
"""To be raised when the same inputs come to something else."""

_READ: Final = (
    *(SAMPLED_TRACES, LLM_CALLS, CALL_COSTS, PRICE_BOOK),
    *(SEMANTIC_CACHE_SAVINGS, ROUTING_POLICIES, COMPRESSION_SAVINGS, BATCH_SAVINGS),
)

Steps = Mapping[str, Mapping[str, savings.Chosen]]
"""By step and feature."""


def replayed_plan(lake: Lake, embed: savings.Embed = minilm.embed) -> pl.DataFrame:
    """``SAVINGS_PLAN`` of the last ``WINDOW_DAYS`` sampled days.

    It takes what the stored tables of the single replays recommend; nothing is learned here. The
    same is not replayed again.
    """
    days = lake.days(SAMPLED_TRACES)[-WINDOW_DAYS:]
    digest = inputs_digest(lake, _READ, days, minilm.weights(), _METHOD)
    if (stored := unchanged(lake, SAVINGS_PLAN, digest)) is not None:
        return stored
    sampled = sampled_calls(lake, days)
    if sampled.is_empty():
        return SAVINGS_PLAN.empty()
    steps = _chosen(lake, sampled)
    calls = _gone_through_caches(sampled, steps["cache"])
    changes = savings.Changes(
        cached=_cached(steps["cache"]),
        routed=_routed(lake, days, calls, steps["route"], embed),
        shortened=_shortened(steps["compress"]),
        batched=calls.filter(savings.batchable(), pl.col("feature").is_in(_taken(steps["batch"])))[
            "call_id"
        ],
    )
    planned = calls.select(savings.PLANNED)
    return savings.plan_rows(
        planned,
        savings.replay_plan(planned, changes, lake.read(PRICE_BOOK)),
        {
            (feature, step): chosen.promise
            for step, features in steps.items()
            for feature, chosen in features.items()
        },
        sampled_per_day(lake, days),
        digest,
    )


def _chosen(lake: Lake, calls: pl.DataFrame) -> Steps:
    """What each replay recommends to each feature of ``calls``."""
    features = calls["feature"].unique().sort().to_list()
    caches, policies, settings, batches = (
        lake.read(table)
        for table in (SEMANTIC_CACHE_SAVINGS, ROUTING_POLICIES, COMPRESSION_SAVINGS, BATCH_SAVINGS)
    )
    return {
        "cache": {name: _cache(caches, calls, name) for name in features},
        "route": {
            name: savings.chosen_policy(policies.filter(feature=name), minilm.weights())
            for name in features
        },
        "compress": {
            name: savings.chosen_setting(settings.filter(feature=name)) for name in features
        },
        "batch": {name: savings.chosen_batch(batches.filter(feature=name)) for name in features},
    }


def _cache(caches: pl.DataFrame, calls: pl.DataFrame, feature: str) -> savings.Chosen:
    """The recommended cache, where enough of the sampled calls went through its replay."""
    chosen = savings.chosen_cache(caches.filter(feature=feature))
    if chosen.row is None:
        return chosen
    own = calls.filter(pl.col("started_at") >= chosen.row["first_at"], feature=feature).height
    if own < LEAST_CALLS:
        return savings.not_taken(
            f"recommended, but only {own} sampled call(s) are among the latest requests it was "
            f"replayed on; {LEAST_CALLS} are needed here"
        )
    return chosen


def _gone_through_caches(calls: pl.DataFrame, caches: Mapping[str, savings.Chosen]) -> pl.DataFrame:
    """``calls`` less those older than their cache's replay: nobody knows whether they are hits."""
    since = pl.DataFrame(
        [(name, one.row["first_at"]) for name, one in caches.items() if one.row],
        schema={"feature": pl.String, "first_at": SEMANTIC_CACHE_SAVINGS.schema["first_at"]},
        orient="row",
    )
    known = (pl.col("started_at") >= pl.col("first_at")).fill_null(value=True)
    return calls.join(since, on="feature", how="left", maintain_order="left").filter(known)


def _cached(caches: Mapping[str, savings.Chosen]) -> pl.Series:
    hits = [call for one in caches.values() if one.row for call in one.row["hit_calls"]]
    return pl.Series(hits, dtype=pl.String)


def _shortened(settings: Mapping[str, savings.Chosen]) -> pl.DataFrame:
    left = [call for one in settings.values() if one.row for call in one.row["calls_after"]]
    return pl.DataFrame(
        left, schema={"call_id": pl.String, **dict.fromkeys(TOKEN_BUCKETS, pl.Int64)}
    )


def _routed(
    lake: Lake,
    days: list[date],
    calls: pl.DataFrame,
    policies: Mapping[str, savings.Chosen],
    embed: savings.Embed,
) -> pl.DataFrame:
    """The calls of large models that their feature's policy would send to the small one."""
    found = [pl.DataFrame(schema=dict.fromkeys(("call_id", "provider", "model"), pl.String))]
    for feature, one in policies.items():
        if one.row is None:
            continue
        weak = one.row["model_weak"]
        own = calls.filter(feature=feature, model=one.row["model_strong"])
        if own.height:
            provider = pl.lit(_provider(lake, days, feature, weak), pl.String)
            easy = _easy(lake, own, one.row, embed)
            found.append(easy.select("call_id", provider=provider, model=pl.lit(weak)))
    return pl.concat(found)


def _easy(
    lake: Lake, calls: pl.DataFrame, row: Mapping[str, Any], embed: savings.Embed
) -> pl.DataFrame:
    """Those of ``calls`` whose question the policy does not send to the large model."""
    asked = pl.concat(questions(lake, calls)).drop_nulls("text").sort("call_id")
    if asked.is_empty():
        return asked
    policy = savings.RoutingPolicy.from_json(row["policy"])
    strong = policy.asks_strong(embed(asked["text"].to_list()), asked["text"])
    return asked.filter(pl.Series(~strong))


def _provider(lake: Lake, days: list[date], feature: str, model: str) -> str | None:
    """Who served ``model`` to the feature most often; a policy names no provider."""
    served = (
        lake.scan(LLM_CALLS, days)
        .filter(pl.col("feature") == feature, pl.col("model") == model)
        .group_by("provider")
        .len()
        .sort("len", "provider", descending=[True, False], nulls_last=True)
        .head(1)
        .collect()
    )
    return served["provider"][0] if served.height else None


def _taken(batches: Mapping[str, savings.Chosen]) -> list[str]:
    return [name for name, one in batches.items() if one.row]
