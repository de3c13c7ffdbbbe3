"""What the lake holds of all judges on all days: how far they came, and by how much they differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from llmops_pipelines import quality
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    JUDGE_RESCORES,
    JUDGE_SCORES,
    JUDGE_SPECS,
    QUALITY,
    RAGAS_SCORES,
    SAMPLED_TRACES,
)

_RECENT_DAYS = 42


def coverage_of(lake: Lake) -> pl.DataFrame:
    """``JUDGE_COVERAGE`` of all days."""
    return quality.judge_coverage(
        lake.scan(SAMPLED_TRACES).select("day", "call_id", "feature", "has_text").collect(),
        _verdicts(lake, None, "day", "call_id", "spec_id", "repetition", "outcome"),
        lake.read(JUDGE_RESCORES),
        _specs(lake),
    )


def history_of(lake: Lake) -> pl.DataFrame:
    """``QUALITY`` of the last six weeks that have any, with ``day``."""
    return lake.read(QUALITY, lake.days(QUALITY)[-_RECENT_DAYS:])


def bridges_of(lake: Lake, days: Sequence[date] | None = None) -> pl.DataFrame:
    """``JUDGE_BRIDGES`` of ``days``, by default of all."""
    return quality.judge_bridges(
        lake.scan(SAMPLED_TRACES, days)
        .select("day", "call_id", "feature", "session_id", "probability")
        .collect(),
        _verdicts(
            lake,
            days,
            "day",
            "call_id",
            "spec_id",
            "outcome",
            "score",
            "model_served",
            "scored_at",
        ),
        _specs(lake),
    )


def _verdicts(lake: Lake, days: Sequence[date] | None, *columns: str) -> pl.DataFrame:
    return pl.concat(
        [lake.scan(table, days).select(columns) for table in (JUDGE_SCORES, RAGAS_SCORES)]
    ).collect()


def _specs(lake: Lake) -> pl.DataFrame:
    return lake.read(JUDGE_SPECS).unique("spec_id").sort("spec_id")
