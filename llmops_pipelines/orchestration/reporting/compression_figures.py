"""What people see of ``compression_savings``, and whether it may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters.charting.compression_chart import compression_tradeoff
from llmops_pipelines.adapters.charting.figures import png_markdown
from llmops_pipelines.orchestration.savings.compression import MOST_CALLS
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import COMPRESSION_SAVINGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TOLD = (
    *("feature", "technique", "setting", "state", "reason", "calls", "tokens_saved_share"),
    *("loss", "loss_low", "loss_high", "loss_at_most", "used_lost_share"),
    *("saved", "saved_low", "saved_high", "saved_a_year", "saved_a_year_low", "saved_a_year_high"),
)


def of_compression(rows: pl.DataFrame, hint: str) -> Mapping[str, Any]:
    """What is recommended per feature and technique, and the chart of one feature."""
    if rows.is_empty():
        return {"compression": hint}
    # A technique's row is the recommended one, or its first where there is none.
    told = (
        rows.sort(
            "feature", "technique", "is_recommended", "step", descending=[False, False, True, False]
        )
        .unique(["feature", "technique"], keep="first", maintain_order=True)
        .select(_TOLD)
    )
    shown = {"compression": dg.MetadataValue.json(told.to_dicts())}
    figure = tradeoff_of(rows)
    return shown if figure is None else shown | {"chart": dg.MetadataValue.md(png_markdown(figure))}


def tradeoff_of(rows: pl.DataFrame) -> Figure | None:
    """The chart of the feature with the longest prompts; None where no score speaks of any."""
    drawn = rows.drop_nulls("loss").filter(pl.col("shortened") > 0)
    if drawn.is_empty():
        return None
    feature = drawn.sort(pl.col("tokens_before"), "feature", descending=[True, False])["feature"][0]
    return compression_tradeoff(
        rows.filter(feature=feature),
        max_loss=savings.MAX_LOSS,
        title=f"{feature}: tokens saved against support lost",
    )


def compression_is_proven(lake: Lake) -> dg.AssetCheckResult:
    """Features with something to cut of which no setting's loss is proven small."""
    rows = lake.read(COMPRESSION_SAVINGS)
    open_ = (
        rows.filter(state=savings.CANNOT_TELL)
        .sort("feature", "technique", "step")
        .unique(["feature", "technique"], keep="first", maintain_order=True)
        .select("feature", "technique", "calls", "reason")
    )
    return dg.AssetCheckResult(
        passed=open_.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        description=None
        if open_.is_empty()
        else f"cannot tell for {open_.height:,} way(s) to send less what they lose: none of them "
        f"is recommended; a night replays at most {MOST_CALLS} calls of a feature, `llmops "
        "compress FILE` as many as it holds",
        metadata={}
        if open_.is_empty()
        else {
            "faults": dg.MetadataValue.table(
                [
                    dg.TableRecord({name: str(value) for name, value in row.items()})
                    for row in open_.head(20).iter_rows(named=True)
                ]
            )
        },
    )
