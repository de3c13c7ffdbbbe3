"""Small worlds: calls, their scores, costs, ratings and rejected lines."""

from datetime import datetime

import polars as pl

from llmops_pipelines.health import service_health
from llmops_pipelines.tables import (
    CALL_COSTS,
    FEEDBACK,
    HEURISTIC_SCORES,
    LLM_CALLS,
    MONEY,
    REJECTED_LINES,
)

NINE = datetime.fromisoformat("2026-11-10T09:00:00")
_PROVENANCE = {
    "source_format": "openai",
    "source_file": "a.jsonl",
    "source_line": 1,
    "record_digest": "d",
}


def call(call_id, **more):
    return {
        "call_id": call_id,
        "trace_id": f"trace of {call_id}",
        "started_at": NINE,
        "feature": "chat",
        "model": "m",
        "is_batch": False,
        "is_stream": True,
        "attempt": 1,
        "status": "ok",
        "latency_ms": 1000.0,
        "ttft_ms": 200.0,
        "output_text": 80,
        "reasoning": 0,
        "context_count": 0,
        "redactions": 0,
        **_PROVENANCE,
        **more,
    }


def scores(call_id, **more):
    return {"call_id": call_id, "feature": "chat", "refused": False, "unmatched": [], **more}


def rating(rating_, **more):
    return {"feedback_id": f"f{more}", "given_at": NINE, "rating": rating_, **_PROVENANCE, **more}


def rejected(line, feature="chat", lines=1):
    return {
        "source_file": "a.jsonl",
        "source_line": line,
        "feature": feature,
        "reason": "not JSON",
        "record_digest": "d",
        "size": 9,
        "lines": lines,
    }


def cost(call_id, usd="0.01"):
    return {"call_id": call_id, "cost": usd}


def health(calls=(), heuristics=(), feedback=(), lines=(), costs=()):
    """``service_health`` of these rows."""
    costs_schema = {"call_id": CALL_COSTS.schema["call_id"], "cost": pl.String}
    return service_health(
        pl.DataFrame(list(calls), schema=LLM_CALLS.schema),
        pl.DataFrame(list(heuristics), schema=HEURISTIC_SCORES.schema),
        pl.DataFrame(list(feedback), schema=FEEDBACK.schema),
        pl.DataFrame(list(lines), schema=REJECTED_LINES.schema),
        pl.DataFrame(list(costs), schema=costs_schema).with_columns(pl.col("cost").cast(MONEY)),
    )


def figure(found, metric, feature="chat", model="*"):
    """The one row of a metric as (estimate, low, high, n, missing), or None."""
    rows = found.filter(feature=feature, model=model, metric=metric)
    return rows.select("estimate", "low", "high", "n", "missing").row(0) if rows.height else None
