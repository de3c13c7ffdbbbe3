"""What could be saved, all recommended steps as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.reporting.night import NightlyData
from llmops_pipelines.reporting.wording import percent, usd, visible


@dataclass(frozen=True)
class Planned:
    """One step that is recommended to a feature, or all of a feature's, or all of all features."""

    feature: str
    setting: str
    saved: str
    between: str
    loss: str
    is_whole: bool


def plan_of(night: NightlyData) -> tuple[Planned, ...]:
    """The steps that are taken, in their order; the sum of all features last."""
    steps = ("cache", "route", "compress", "batch", "plan")
    taken = night.savings_plan.filter(
        "is_taken", (pl.col("feature") != "*") | (pl.col("step") == "plan")
    )
    ordered = taken.sort(
        pl.col("feature") == "*",
        "feature",
        pl.col("step").replace_strict({step: place for place, step in enumerate(steps)}),
    )
    return tuple(_planned(row) for row in ordered.iter_rows(named=True))


def _planned(row: Mapping[str, Any]) -> Planned:
    low, high = (_usd(row[f"saved_a_year{end}"]) for end in ("_low", "_high"))
    known = row["saved_a_year_low"] is not None
    return Planned(
        feature="All features" if row["feature"] == "*" else visible(row["feature"], 80),
        setting=visible(row["setting"], 300),
        saved=_usd(row["saved_a_year"]),
        between=f"{low} to {high}" if known else "",
        loss=percent(row["loss_at_most"]),
        is_whole=row["step"] == "plan",
    )


def _usd(amount: float | None) -> str:
    return usd(None if amount is None else Decimal(amount))
