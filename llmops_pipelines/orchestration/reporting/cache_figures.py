"""What a cache would save and how far it errs, as people see it in the Dagster UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters.charting.cache_chart import cache_sweep
from llmops_pipelines.adapters.charting.figures import png_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TOLD = (
    "feature", "rung", "state", "reason", "requests", "hits", "hit_rate", "hit_rate_low",
    "hit_rate_high", "saved", "saved_low", "saved_high", "saved_a_year", "saved_a_year_low",
    "saved_a_year_high", "wrong_at_most",
)  # fmt: skip


def of_cache(rungs: pl.DataFrame, hint: str) -> Mapping[str, Any]:
    """The recommended rung of each feature, or why there is none, and the sweep of one of them."""
    if rungs.is_empty():
        return {"caches": hint}
    chosen = rungs.filter("is_recommended")
    rest = rungs.join(chosen, on="feature", how="anti").unique("feature", keep="first")
    told = pl.concat([chosen, rest]).select(_TOLD).sort("feature")
    saved = chosen["saved"].drop_nulls()
    return {
        "caches": dg.MetadataValue.json(
            told.with_columns(pl.col("saved").cast(pl.Float64)).to_dicts()
        ),
        "saved_usd": float(saved.sum()) if saved.len() else "nothing recommended, or no cost known",
        "recommended_without_cost": chosen["saved"].null_count(),
        "chart": dg.MetadataValue.md(png_markdown(sweep_of(rungs))),
    }


def sweep_of(rungs: pl.DataFrame) -> Figure:
    """The sweep of the feature that saves most, else of one with most hits; ``rungs`` not empty."""
    first = rungs.sort("is_recommended", "saved", "hits", descending=True, nulls_last=True)
    drawn = first["feature"][0]
    own = rungs.filter(feature=drawn).sort("threshold", descending=True, nulls_last=False)
    marked = own.filter("is_recommended")["rung"].to_list()
    return cache_sweep(
        own,
        allowed=savings.ALLOWED,
        recommended=marked[0] if marked else None,
        title=f"Cache of answers: {drawn}",
    )
