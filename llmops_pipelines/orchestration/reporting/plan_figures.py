"""What people see of ``savings_plan`` in the Dagster UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters.charting.figures import png_markdown
from llmops_pipelines.adapters.charting.plan_chart import savings_waterfall

_TOLD = (
    *("feature", "step", "setting", "is_taken", "calls", "unpriced", "changed", "dearer"),
    *("saved_a_year", "saved_a_year_low", "saved_a_year_high", "overlap", "loss_at_most"),
)


def of_plan(rows: pl.DataFrame, hint: str) -> Mapping[str, Any]:
    """Each step of each feature, the saving of all as one, and how much the parts overlap."""
    if rows.is_empty():
        return {"plan": hint}
    told = rows.with_columns(overlap=overlap_a_year())
    whole = told.filter(feature=savings.ALL, step=savings.WHOLE).row(0, named=True)
    unknown = "unknown: no sampled call has a price"
    chart = savings_waterfall(rows.filter(feature=savings.ALL), title="All savings as one")
    return {
        "saved_a_year_usd": unknown if whole["saved_a_year"] is None else whole["saved_a_year"],
        "counted_twice_by_the_sum_of_parts_usd": (
            unknown if whole["overlap"] is None else whole["overlap"]
        ),
        "plan": dg.MetadataValue.json(told.select(_TOLD).to_dicts()),
        "chart": dg.MetadataValue.md(png_markdown(chart)),
    }


def overlap_a_year() -> pl.Expr:
    """What a step saves alone and no longer behind the others, US dollars of a year.

    Below 0 where a step is worth more behind another, as where only the small model has a batch
    price.
    """
    a_year = pl.col("calls_per_day") * savings.DAYS_A_YEAR
    return (pl.col("saved_alone") - pl.col("saved")) * a_year
