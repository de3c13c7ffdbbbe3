"""How much a feature is used, for what a saving comes to in a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.savings import is_routers_own
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, SAMPLED_TRACES


def routable_per_day(
    lake: Lake, days: Sequence[date], feature: str, models: Sequence[str]
) -> float | None:
    """Requests of ``feature`` that a router between ``models`` would decide on, on an average day.

    Successful calls of these models with messages, the router's own apart. A question that several
    of them were sent, as shadow traffic is, is asked as often as the model that got it most often.
    The average is over the days from the feature's first call of ``days`` on; None without any.
    """
    calls = lake.scan(LLM_CALLS, days).filter(status="ok", feature=feature)
    used = calls.select(_days_in_use(days)).collect().item()
    asked = (
        calls.filter(pl.col("model").is_in(models), ~is_routers_own())
        .drop_nulls("request_digest")
        .group_by("day", "request_digest", "model")
        .len()
        .group_by("day", "request_digest")
        .agg(pl.col("len").max())
        .select(pl.col("len").sum())
        .collect()
        .item()
    )
    return asked / used if used else None


def sampled_per_day(lake: Lake, days: Sequence[date]) -> dict[str, float]:
    """Successful calls with texts and costs that a feature's sample stands for, an average day.

    The average is over the days from its first of them on, those without a call included: what
    runs on Mondays does not run every day, and what is new was not there before.
    Fewer than all calls: a trace is drawn whole, and only the call that answers it is looked at.
    """
    well = lake.scan(LLM_CALLS, days).filter(status="ok")
    priced = lake.scan(CALL_COSTS, days).drop_nulls("cost")
    drawn = (
        lake.scan(SAMPLED_TRACES, days)
        .filter("has_text")
        .join(well, on="call_id", how="semi")
        .join(priced, on="call_id", how="semi")
        .select("feature", "day", "call_id", weight=1 / pl.col("probability"))
        .sort("feature", "day", "call_id")
        .collect()
    )
    average = pl.col("weight").sum() / _days_in_use(days)
    return dict(drawn.group_by("feature", maintain_order=True).agg(average).iter_rows())


def _days_in_use(days: Sequence[date]) -> pl.Expr:
    """From the first ``day`` that a call has to the last of ``days``, both included."""
    return (pl.lit(max(days)) - pl.col("day").min()).dt.total_days() + 1
