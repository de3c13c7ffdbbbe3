"""How much a feature is used, for what a saving comes to in a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.tables import FEATURE_COSTS


def calls_per_day(lake: Lake, days: Sequence[date]) -> dict[str, float]:
    """Successful calls of each feature on an average day of ``days`` that had any."""
    return dict(
        lake.scan(FEATURE_COSTS, days)
        .group_by("feature", "day")
        .agg(calls=(pl.col("calls") - pl.col("errors")).sum())
        .group_by("feature")
        .agg(pl.col("calls").mean())
        .collect()
        .iter_rows()
    )
