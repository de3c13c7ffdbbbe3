"""Replays sampled calls of the last weeks with shorter prompts; what was replayed stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters import compression, minilm
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging.judges.quotes import estimated_tokens
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.savings.traffic import sampled_per_day
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_COSTS,
    COMPRESSION_SAVINGS,
    LLM_CALLS,
    METERED,
    PRICE_BOOK,
    SAMPLED_TRACES,
)

WINDOW_DAYS = 28
MOST_CALLS = 100
"""Calls of a feature that are replayed, drawn by a hash of their ids."""

MOST_TEXTS = 2_000
"""Sentences and contexts of a feature that are compared; each takes about 8 CPU-ms."""

_METHOD = "3"
"""To be raised when the same inputs come to something else."""

NO_TEXTS = "no sampled call of the last 28 days has texts: nothing can be replayed"

_CALL = (
    *("call_id", "day", "feature", "team", "provider", "model", "started_at", "is_batch"),
    "service_tier",
    *("prompt_name", "prompt_version", "prompt_hash", "content_digest", *METERED),
)


def replayed_compression(lake: Lake, embed: savings.Embed = minilm.embed) -> pl.DataFrame:
    """``COMPRESSION_SAVINGS`` from sampled calls of the last ``WINDOW_DAYS`` sampled days.

    A feature whose calls, texts and costs are those that the stored rows rest on is not replayed
    again; what it comes to in a year follows the traffic.
    """
    days = lake.days(SAMPLED_TRACES)[-WINDOW_DAYS:]
    calls = sampled_calls(lake, days)
    if calls.is_empty():
        return COMPRESSION_SAVINGS.empty()
    stored = lake.read(COMPRESSION_SAVINGS)
    traffic = sampled_per_day(lake, days)
    rows = []
    for (feature,), own in calls.group_by("feature", maintain_order=True):
        digest = hashlib.sha256((_METHOD + own.write_ndjson()).encode()).hexdigest()[:16]
        known = stored.filter(feature=feature, inputs_digest=digest)
        if known.is_empty():
            replayed = _replayed(lake, own, embed)
            known = savings.compression_rows(
                savings.compression_points(replayed),
                feature=str(feature),
                counted_by=compression.counted_by(own["model"].unique().to_list()),
                digest=digest,
                left_out=own.height - replayed["call_id"].n_unique(),
                replayed=replayed,
            )
        rows.append(savings.with_traffic(known, traffic.get(str(feature))))
    return COMPRESSION_SAVINGS.require(pl.concat(rows))


def _replayed(lake: Lake, calls: pl.DataFrame, embed: savings.Embed) -> pl.DataFrame:
    """`compressed_costs` of the calls of a feature, with their weights and sessions."""
    texts = pl.concat(_texts(lake, calls))
    reader = compression.Reader()
    told = calls.join(texts, on="call_id", maintain_order="left")
    prompts = savings.affordable(_prompts(told, reader), MOST_TEXTS)
    likeness = savings.likeness_of(prompts, embed)
    compressed = savings.replay_compression(
        prompts,
        savings.standard_techniques(likeness, estimated_tokens),
        reader.support,
        estimated_tokens,
    )
    priced = savings.compressed_costs(compressed, calls, lake.read(PRICE_BOOK))
    return priced.join(calls.select("call_id", "weight", "session"), on="call_id")


def _prompts(calls: pl.DataFrame, reader: compression.Reader) -> Iterator[savings.LoggedPrompt]:
    """The calls taken apart; examples are those that several sessions of one prompt share."""
    rows = calls.with_columns(prompt_tokens=savings.prompt_tokens()).to_dicts()
    messages = [[savings.Sent(m["role"], m["content"]) for m in row["messages"]] for row in rows]
    names = [tuple(row[f"prompt_{name}"] for name in ("name", "version", "hash")) for row in rows]
    sessions = [row["session"] or row["call_id"] for row in rows]
    examples = savings.recurring_exchanges(zip(names, sessions, messages, strict=True))
    for row, sent, name in zip(rows, messages, names, strict=True):
        contexts = [savings.Retrieved(c["content"] or "", c["score"]) for c in row["contexts"]]
        told = [context.content for context in contexts if context.content.strip()]
        counter = counter_of(row["model"]) if row["model"] else None
        yield savings.LoggedPrompt(
            call_id=row["call_id"],
            prompt=savings.prompt_parts(
                sent or [savings.Sent("user", row["question"] or "")],
                contexts,
                examples.get(name, frozenset()),
            ),
            answer=row["answer"] or "",
            prompt_tokens=row["prompt_tokens"],
            used=reader.used(row["answer"] or "", row["question"] or "", told),
            count=counter.count if counter else None,
        )


def _texts(lake: Lake, calls: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The texts of ``calls``, day by day; a forgotten text is missing."""
    for day in calls["day"].unique().sort():
        wanted = calls.lazy().filter(pl.col("day") == day).select("call_id")
        own = lake.scan(LLM_CALLS, [day]).join(wanted, on="call_id", how="semi")
        yield (
            kept_texts(lake, day, own)
            .select("call_id", "messages", "question", "answer", "contexts")
            .unique("call_id")
            .collect()
        )


def sampled_calls(lake: Lake, days: list[date]) -> pl.DataFrame:
    """Sampled calls with texts that succeeded, some per feature, with their weights and costs."""
    sampled = (
        lake.scan(SAMPLED_TRACES, days)
        .filter("has_text")
        .select("call_id", weight=1 / pl.col("probability"), session="session_id")
    )
    costs = lake.scan(CALL_COSTS, days).select("call_id", "cost")
    return (
        lake.scan(LLM_CALLS, days)
        .filter(pl.col("status") == "ok")
        .select(_CALL)
        .join(sampled, on="call_id")
        .join(costs, on="call_id", how="left")
        .collect()
        .with_columns(order=pl.col("call_id").hash(0))
        .sort("feature", "order", "call_id")
        .group_by("feature", maintain_order=True)
        .head(MOST_CALLS)
        .drop("order")
    )
