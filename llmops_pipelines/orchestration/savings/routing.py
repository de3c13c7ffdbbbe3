"""Learns routing policies from the pairs that the last weeks' logs hold; what was learned stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.savings.traffic import routable_per_day
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_COSTS,
    JUDGE_SCORES,
    LLM_CALLS,
    RAGAS_SCORES,
    ROUTING_POLICIES,
)

Embed = Callable[[list[str]], savings.Vectors]
"""Texts to unit vectors, one row a text."""

WINDOW_DAYS = 28
NO_PAIRS = (
    "no question of the last 28 judged days was answered by two models and scored by one judge: "
    "send a share of a feature's traffic to both, or replay a file by `llmops routing`"
)


def learned_policies(lake: Lake, embed: Embed = minilm.embed) -> pl.DataFrame:
    """``ROUTING_POLICIES`` from the last ``WINDOW_DAYS`` judged days.

    Pairs that the stored rows were learned from are not learned from again; what they come to in a
    year follows the traffic. No text is read where no two models answered the same.
    """
    days = sorted({*lake.days(JUDGE_SCORES), *lake.days(RAGAS_SCORES)})[-WINDOW_DAYS:]
    scores = pl.concat(lake.read(table, days) for table in (JUDGE_SCORES, RAGAS_SCORES))
    pairs = savings.logged_pairs(_calls(lake, days, scores), scores) if scores.height else None
    if pairs is None or pairs.is_empty():
        return ROUTING_POLICIES.empty()
    stored = lake.read(ROUTING_POLICIES)
    rows = []
    for (*scope,), own in pairs.partition_by(savings.SCOPE, as_dict=True).items():
        digest = savings.pairs_digest(own)
        known = stored.filter(pairs_digest=digest)
        named = dict(zip(savings.SCOPE, map(str, scope), strict=True))
        both = (named["model_weak"], named["model_strong"])
        per_day = routable_per_day(lake, days, named["feature"], both)
        if known.is_empty():
            known = _learned(lake, named, digest, own, embed)
        rows.append(savings.with_traffic(known, per_day))
    return ROUTING_POLICIES.require(pl.concat(rows))


def _learned(
    lake: Lake,
    scope: dict[str, str],
    digest: str,
    pairs: pl.DataFrame,
    embed: Embed,
) -> pl.DataFrame:
    texts = pl.concat(questions(lake, pairs))
    outcomes = savings.paired_outcomes(pairs.join(texts, on="call_id", how="left"))
    if outcomes.pairs.height < savings.LEAST_QUESTIONS:
        return savings.too_few(scope, digest, outcomes.pairs.height)
    vectors = embed(outcomes.pairs["text"].to_list())
    replay = savings.replay_routing(outcomes, vectors, embedding=minilm.weights())
    return savings.policy_rows(scope, digest, replay)


def questions(lake: Lake, asked: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """``call_id`` and ``text`` of calls, day by day; a forgotten text is missing."""
    for day in asked["day"].unique().sort():
        wanted = asked.lazy().filter(pl.col("day") == day).select("call_id")
        calls = lake.scan(LLM_CALLS, [day]).join(wanted, on="call_id", how="semi")
        yield (
            kept_texts(lake, day, calls)
            .select("call_id", text="question")
            .unique("call_id")
            .collect()
        )


def _calls(lake: Lake, days: list[date], scores: pl.DataFrame) -> pl.DataFrame:
    """The scored calls that succeeded, with what they cost."""
    wanted = scores.lazy().filter(pl.col("score").is_not_null()).select("call_id").unique()
    costs = lake.scan(CALL_COSTS, days).select("call_id", "cost")
    return (
        lake.scan(LLM_CALLS, days)
        .filter(pl.col("status") == "ok")
        .select("call_id", "day", "feature", "model", "request_digest", "session_id")
        .join(wanted, on="call_id", how="semi")
        .join(costs, on="call_id", how="left")
        .collect()
    )
