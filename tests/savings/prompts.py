"""Calls with prompts, as the replay of caches takes them."""

from datetime import datetime, timedelta

import polars as pl

from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.savings import prompt_marks, replay_prompt_cache
from llmops_pipelines.tables import CACHE_REASONS, METERED

BOOK = price_book(PriceOverrides())
START = datetime.fromisoformat("2026-11-20T09:00:00")
REASONS = [name for name, _ in CACHE_REASONS]

GUIDE = "\n".join(
    f"Rule {n}: do what the guide says under {7 * n}, whoever asks." for n in range(140)
)
"""About 7,700 bytes; calls below count 2,000 tokens for it and what is asked."""

TEXT = {
    "feature",
    "team",
    "prompt_version",
    "project",
    "provider",
    "model",
    "service_tier",
    "session_id",
}


def asked(number, system=GUIDE, *, after=60.0, question=None, **fields):
    """One call: the ``number``-th, sent ``after`` seconds after the one before."""
    buckets = dict.fromkeys(METERED, 0) | {"uncached_input": 2_000, "output_text": 10}
    question = f"question {number}" if question is None else question
    return {
        "call_id": f"c{number:04}",
        "started_at": START + timedelta(seconds=after * number),
        "feature": "chat",
        "team": None,
        "prompt_version": "1",
        "project": None,
        "provider": "openai",
        "model": "gpt-4o",
        "service_tier": None,
        "is_batch": False,
        "session_id": f"s{number}",
        "ttft_ms": 300.0,
        "latency_ms": 900.0,
        **buckets,
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": question},
        ],
        **fields,
    }


def frame(*rows):
    calls = pl.DataFrame(rows, schema_overrides=dict.fromkeys(TEXT, pl.String)).sort("started_at")
    return calls.with_columns(cost=price_tokens(calls, BOOK)["cost"])


def replay(*rows):
    """The calls as replayed, in the order of time."""
    calls = frame(*rows)
    marks = prompt_marks(calls.select("call_id", "messages", system_first=pl.lit(value=True)))
    return replay_prompt_cache(calls.drop("messages"), marks, BOOK)


def tokens(replayed):
    """Tokens by reason, those with any."""
    return {name: total for name in REASONS if (total := replayed[name].sum())}
