"""A lake in which all four single replays recommend something for the feature `chat`."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from llmops_pipelines.adapters import minilm
from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.savings import RoutingPolicy
from llmops_pipelines.savings.routing.complexity import Need
from llmops_pipelines.savings.routing.features import FEATURES
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    CALL_COSTS,
    CALL_TEXTS,
    COMPRESSION_SAVINGS,
    LLM_CALLS,
    PRICE_BOOK,
    ROUTING_POLICIES,
    SAMPLED_TRACES,
    SEMANTIC_CACHE_SAVINGS,
    TOKEN_BUCKETS,
)
from tests.golden.worlds import frame

FIRST = date(2026, 11, 1)
NOON = datetime.fromisoformat("2026-11-01T12:00:00")
LARGE, SMALL = "gpt-4.1", "gpt-4.1-nano"
CALLS = [f"c-{n:02}" for n in range(40)]
"""Of the first half on the first day and the others on the second, each fourth question is hard."""

BUCKETS = dict.fromkeys(TOKEN_BUCKETS, 0) | {"uncached_input": 1000, "output_text": 100}


def embed(texts):
    """Hard questions point one way, easy ones the other."""
    return np.array([[1.0 if "hard" in text else -1.0] for text in texts], dtype=np.float32)


def policy(embedding=None):
    """Sends hard questions to the large model."""
    need = Need(
        vector=np.array([[0.0], [0.0], [50.0]]),
        features=np.zeros((3, len(FEATURES))),
        intercept=np.zeros(3),
    )
    return RoutingPolicy(need, None, 0.25, embedding or minilm.weights())


def write_calls(lake, features=("chat",), *, text=True, session=None):
    """Calls of the large model, in sessions of their own or one; they stand for 1,000 a day."""
    book = price_book(PriceOverrides())
    lake.write(PRICE_BOOK, book)
    for day in range(2):
        at = NOON + timedelta(days=day)
        own = [
            {"call_id": name if feature == "chat" else f"{feature}-{name}", "feature": feature,
             "hard": n % 4 == 0}
            for feature in features
            for n, name in enumerate(CALLS)
            if n // 20 == day
        ]  # fmt: skip
        calls = frame(LLM_CALLS, [
            {"call_id": one["call_id"], "feature": one["feature"], "model": LARGE,
             "provider": "openai", "status": "ok", "is_batch": False, "service_tier": None,
             "session_id": session or one["call_id"], "content_digest": f"d-{one['call_id']}",
             "context_steps": [], "tags": [], "copies": [], "started_at": at, **BUCKETS}
            for one in own
        ])  # fmt: skip
        costs = price_tokens(calls, book).select("call_id", "cost", "started_at")
        for table, rows in (
            (LLM_CALLS, calls),
            (CALL_COSTS, frame(CALL_COSTS, costs.to_dicts())),
            (SAMPLED_TRACES, frame(SAMPLED_TRACES, [
                {"trace_id": one["call_id"], "call_id": one["call_id"],
                 "feature": one["feature"], "session_id": session or one["call_id"],
                 "probability": 0.02, "has_text": text}
                for one in own
            ])),
            (CALL_TEXTS, frame(CALL_TEXTS, [
                {"call_id": one["call_id"], "content_digest": f"d-{one['call_id']}",
                 "question": "a hard one" if one["hard"] else "an easy one", "answer": "a",
                 "messages": [], "contexts": [], "tool_calls": []}
                for one in own
            ])),
        ):  # fmt: skip
            lake.write(table, table.require(rows), day=at.date())


def write_recommendations(lake, **changed):
    """The first ten calls are hits, all prompts can lose 600 tokens, nobody waits.

    Args:
        lake: Where.
        changed: Other values of a row, by ``cache``, ``route``, ``compress`` and ``batch``; of
            several rows, a list of them.
    """
    same = {"feature": "chat", "state": "recommended", "reason": "proven", "is_recommended": True}
    rows = {
        "cache": (SEMANTIC_CACHE_SAVINGS, {
            "rung": "exact", "threshold": None, "hit_rate": 0.25, "wrong_at_most": 0.02,
            "ttl_hours": 24.0, "hit_calls": CALLS[:10], "first_at": NOON, "only_exact": [],
            "left_out": [],
        }),
        "route": (ROUTING_POLICIES, {
            "metric": "tone", "spec_id": "tone", "router": "classifier", "is_own": True,
            "model_weak": SMALL, "model_strong": LARGE,
            "strong_share": 0.25, "saved": 0.001, "loss_at_most": 0.04, "frontier": [],
            "policy": policy().to_json(),
        }),
        "compress": (COMPRESSION_SAVINGS, {
            "technique": "extractive", "step": 6, "setting": 0.4, "saved": 0.001,
            "loss_at_most": 0.03, "scored_by": "support",
            "calls_after": [{"call_id": name, **BUCKETS, "uncached_input": 400} for name in CALLS],
        }),
        "batch": (BATCH_SAVINGS, {
            "kind": "marked", "evidence": "features.yaml: interactive: false",
            "paid": Decimal(1),
        }),
    }  # fmt: skip
    for step, (table, row) in rows.items():
        own = changed.get(step, {})
        each = own if isinstance(own, list) else [own]
        lake.write(table, table.require(frame(table, [same | row | one for one in each])))
