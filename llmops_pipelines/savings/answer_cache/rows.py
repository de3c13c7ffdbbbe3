"""The rows of ``SEMANTIC_CACHE_SAVINGS``: what came of one feature's requests."""

from __future__ import annotations

from typing import Any

import polars as pl

from llmops_pipelines.savings.answer_cache.savings import CachePolicy, CacheReplay
from llmops_pipelines.tables import INSTANT, SEMANTIC_CACHE_SAVINGS


def cache_rows(
    feature: str,
    replay: CacheReplay,
    *,
    only_exact: dict[str, int],
    left_out: dict[str, int],
    policy: CachePolicy,
    digest: str,
) -> pl.DataFrame:
    """One row per rung of a feature's replay.

    Args:
        feature: Whose requests they are.
        replay: What came of them.
        only_exact: Requests compared by equality alone, by reason.
        left_out: Requests no cache may answer, by reason.
        policy: What was asked of the cache.
        digest: Of what the replay rests on.
    """
    counted = {
        name: pl.Series([_listed(counts)], dtype=SEMANTIC_CACHE_SAVINGS.schema[name])
        .new_from_index(0, replay.rungs.height)
        .alias(name)
        for name, counts in (("only_exact", only_exact), ("left_out", left_out))
    }
    rung_is_recommended = pl.col("rung").eq_missing(pl.lit(replay.recommended))
    return SEMANTIC_CACHE_SAVINGS.require(
        replay.rungs.with_columns(
            feature=pl.lit(feature),
            state=pl.lit(replay.state),
            reason=pl.lit(replay.reason),
            is_recommended=rung_is_recommended,
            first_at=pl.lit(replay.first_at, INSTANT),
            hit_calls=pl.when(rung_is_recommended).then(pl.lit(replay.hits["id"].implode())),
            ttl_hours=pl.lit(policy.ttl_hours, pl.Float64),
            inputs_digest=pl.lit(digest),
            **counted,
        )
    )


def _listed(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "requests": counts[reason]} for reason in sorted(counts)]
