"""What the last days' calls could have saved by a provider's own discounts, read from the lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.orchestration.landing.landing import kept_texts
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.window import inputs_digest, outdated, unchanged
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    CALL_COSTS,
    CALL_TEXTS,
    LLM_CALLS,
    PRICE_BOOK,
    PROMPT_CACHE_SAVINGS,
)

WINDOW_DAYS: Final = 7

MOST_CALLS: Final = 200_000
"""Older days are left out of the replay of prompts where the window has more calls than this."""

_AT_ONCE: Final = 10_000
"""Calls whose texts are held at a time."""

_READ: Final = (LLM_CALLS, CALL_COSTS, PRICE_BOOK)

_METHOD: Final = "3"
"""To be raised when the same inputs come to something else."""


def replayed_prompts(lake: Lake) -> pl.DataFrame:
    """``PROMPT_CACHE_SAVINGS`` of the last ``WINDOW_DAYS`` days that have priced calls.

    What was stored stays where nothing that it rests on has changed.
    """
    days = _days(lake)
    digest = inputs_digest(lake, (*_READ, CALL_TEXTS), days, savings.RULES_VERSION, _METHOD)
    if (stored := unchanged(lake, PROMPT_CACHE_SAVINGS, digest)) is not None or not days:
        return PROMPT_CACHE_SAVINGS.empty() if stored is None else stored
    days = _fewer(lake, days)
    replayable, marks, left_out = [], [], []
    for day in days:
        for calls in _calls(lake, [day], savings.REPLAYED).iter_slices(_AT_ONCE):
            kept_calls, missing, prompts = _prompts(lake, day, calls)
            left_out.append(missing)
            if kept_calls.height:
                replayable.append(kept_calls)
                marks.append(savings.prompt_marks(prompts))
    if not left_out:
        return PROMPT_CACHE_SAVINGS.empty()
    missing = pl.concat(left_out)
    traffic_days = _traffic_days(lake, days)
    if not replayable:
        return savings.prompt_cache_rows(None, missing, days, {}, digest, traffic_days)
    replayed = savings.replay_prompt_cache(
        pl.concat(replayable), savings.together(marks), lake.read(PRICE_BOOK)
    )
    return savings.prompt_cache_rows(
        replayed, missing, days, _differing(lake, days, replayed), digest, traffic_days
    )


def replayed_batches(lake: Lake, features: Features) -> pl.DataFrame:
    """``BATCH_SAVINGS`` of the same days; what was stored stays where nothing has changed."""
    days, marked = _days(lake), _marked(features)
    digest = _batch_digest(lake, features)
    if (stored := unchanged(lake, BATCH_SAVINGS, digest)) is not None or not days:
        return BATCH_SAVINGS.empty() if stored is None else stored
    calls = _calls(lake, days, savings.BATCHED)
    replayed = savings.replay_batches(calls, lake.read(PRICE_BOOK))
    return savings.batch_rows(
        replayed, savings.waiting(calls, marked), days, digest, _traffic_days(lake, days)
    )


def batches_outdated(lake: Lake, features: Features) -> bool:
    """Whether what is stored rests on other calls, prices or marks of features.yaml."""
    return outdated(lake, BATCH_SAVINGS, _batch_digest(lake, features))


def _batch_digest(lake: Lake, features: Features) -> str:
    return inputs_digest(lake, _READ, _days(lake), _marked(features), _METHOD)


def _marked(features: Features) -> dict[str, bool | None]:
    return {name: feature.interactive for name, feature in features.features.items()}


def _days(lake: Lake) -> list[date]:
    return sorted(set(lake.days(LLM_CALLS)) & set(lake.days(CALL_COSTS)))[-WINDOW_DAYS:]


def _fewer(lake: Lake, days: list[date]) -> list[date]:
    """The last of ``days`` that have ``MOST_CALLS`` calls at most together; the last one always."""
    counts = dict(lake.scan(LLM_CALLS, days).group_by("day").len().collect().iter_rows())
    kept, total = [days[-1]], counts.get(days[-1], 0)
    for day in reversed(days[:-1]):
        total += counts.get(day, 0)
        if total > MOST_CALLS:
            break
        kept.append(day)
    return kept[::-1]


def _traffic_days(lake: Lake, days: Sequence[date]) -> float:
    """How long the traffic of ``days`` lasted: the last of them may not be over yet."""
    calls = lake.scan(LLM_CALLS, days).filter(status="ok").select("started_at").collect()
    return savings.days_of_traffic(calls["started_at"]) or float(len(days))


def _calls(lake: Lake, days: Sequence[date], columns: Sequence[str]) -> pl.DataFrame:
    """The successful calls with what they cost, in the order of time."""
    costs = lake.scan(CALL_COSTS, days).select("call_id", "day", "cost")
    return (
        lake.scan(LLM_CALLS, days)
        .filter(pl.col("status") == "ok")
        .select(*(name for name in columns if name != "cost"), "day")
        .join(costs, on=["call_id", "day"], how="left")
        .select(columns)
        .sort("started_at", "call_id")
        .collect()
    )


def _prompts(
    lake: Lake, day: date, calls: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Of some calls: those to replay, those left out with the reason, the prompts of the former."""
    texts = _texts(lake, day, calls)
    has_text = pl.col("call_id").is_in(texts["call_id"].implode())
    marked = calls.with_columns(savings.not_replayed(has_text))
    replayable = calls.filter(marked["why"].is_null())
    prompts = replayable.select("call_id", savings.leads_with_system()).join(
        texts, on="call_id", maintain_order="left"
    )
    missing = marked.drop_nulls("why").select(*savings.CACHE_SCOPE, "why")
    return replayable, missing, prompts


def _differing(
    lake: Lake, days: Sequence[date], replayed: pl.DataFrame
) -> dict[int, savings.Divergence]:
    """Where prompts begin to differ; only of a few per scope the texts are read again."""
    shown = savings.examples(replayed)
    if shown.is_empty():
        return {}
    return savings.divergences(shown, pl.concat(_texts(lake, day, shown) for day in days))


def _texts(lake: Lake, day: date, calls: pl.DataFrame) -> pl.DataFrame:
    """``call_id`` and ``messages`` of those calls of the day that have any."""
    wanted = lake.scan(LLM_CALLS, [day]).join(
        calls.lazy().select("call_id"), on="call_id", how="semi"
    )
    return (
        kept_texts(lake, day, wanted)
        .select("call_id", "messages")
        .filter(pl.col("messages").list.len() > 0)
        .unique("call_id")
        .collect()
    )
