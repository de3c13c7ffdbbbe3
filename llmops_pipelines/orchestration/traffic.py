"""How much a feature is used, for what a saving comes to in a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.tables import FEATURE_COSTS, LLM_CALLS, SAMPLED_TRACES


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


def sampled_per_day(lake: Lake, days: Sequence[date]) -> dict[str, float]:
    """Successful calls with texts that each feature's sample stands for, on an average such day.

    Fewer than all calls: a trace is drawn whole, and only the call that answers it is looked at.
    """
    well = lake.scan(LLM_CALLS, days).filter(pl.col("status") == "ok").select("call_id")
    drawn = (
        lake.scan(SAMPLED_TRACES, days)
        .filter("has_text")
        .join(well, on="call_id", how="semi")
        .select("feature", "day", "call_id", weight=1 / pl.col("probability"))
        .sort("feature", "day", "call_id")
        .collect()
    )
    daily = drawn.group_by("feature", "day", maintain_order=True).agg(pl.col("weight").sum())
    return dict(daily.group_by("feature", maintain_order=True).agg(pl.col("weight").mean()).rows())
