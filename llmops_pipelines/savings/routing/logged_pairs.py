"""Questions that two models answered, found in the logs by what was sent."""

from __future__ import annotations

import hashlib

import polars as pl

from llmops_pipelines.savings.routing.outcomes import PAIRED

SCOPE = ("feature", "spec_id", "metric", "model_weak", "model_strong")
"""What is compared with each other: one feature, one judge, two models."""

_METHOD = "3"
"""To be raised when the same pairs teach something else."""

LOGGED_PAIRS = pl.Schema(
    dict.fromkeys(SCOPE, pl.String)
    | {"call_id": pl.String, "day": pl.Date}
    | {name: dtype for name, dtype in PAIRED.items() if name != "text"}
)
"""One row is one question of a scope. ``call_id`` and ``day`` say where its text is kept; ``group``
is its session. Several answers of one model to it count as their mean."""


def logged_pairs(calls: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Pair calls of different models that were sent the same messages and scored by one judge.

    Shadow traffic, experiments, fallbacks and releases that run side by side leave such pairs. The
    model whose answers cost more on average is the strong one (the better scored one, where a cost
    is unknown).

    Args:
        calls: ``call_id``, ``day``, ``feature``, ``model``, ``request_digest``, ``session_id`` and
            ``cost`` of successful calls; rows without digest or model pair with nothing.
        scores: ``JUDGE_SCORES`` rows of them.

    Returns:
        ``LOGGED_PAIRS``.
    """
    scored = (
        scores.filter(pl.col("score").is_not_null())
        .group_by("call_id", "spec_id", "metric")
        .agg(pl.col("score").mean())
    )
    answered = (
        calls.drop_nulls(["request_digest", "model"])
        .with_columns(pl.col("cost").cast(pl.Float64))
        .join(scored, on="call_id")
        .sort("day", "call_id")
        .group_by("feature", "spec_id", "metric", "request_digest", "model", maintain_order=True)
        .agg(
            pl.col("call_id", "day", "session_id").first(),
            pl.col("score").mean(),
            cost=pl.when(pl.col("cost").is_not_null().all()).then(pl.col("cost").mean()),
        )
    )
    question = ["feature", "spec_id", "metric", "request_digest"]
    both = answered.join(answered, on=question, suffix="_other").filter(
        pl.col("model") < pl.col("model_other")
    )
    models = [*question[:3], "model", "model_other"]
    dearer = pl.coalesce(
        pl.col("cost").mean() - pl.col("cost_other").mean(),
        pl.col("score").mean() - pl.col("score_other").mean(),
    ).over(models)
    return (
        both.with_columns(first_is_strong=dearer > 0)
        .select(
            "feature",
            "spec_id",
            "metric",
            *(
                pl.when(pl.col("first_is_strong") == (which == "strong"))
                .then(name)
                .otherwise(f"{name}_other")
                .alias(f"{name}_{which}")
                for name in ("model", "score", "cost")
                for which in ("weak", "strong")
            ),
            "call_id",
            "day",
            id="request_digest",
            group="session_id",
            cost_router=pl.lit(None, pl.Float64),
        )
        .select(LOGGED_PAIRS.names())
        .sort(*SCOPE, "id")
    )


def pairs_digest(pairs: pl.DataFrame) -> str:
    """SHA-256 of the pairs of a scope, 16 hex digits: the same pairs teach the same."""
    told = _METHOD + pairs.sort("id").write_ndjson()
    return hashlib.sha256(told.encode()).hexdigest()[:16]
