"""The rows of ``COMPRESSION_SAVINGS``: settings of all techniques, and which are recommended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from llmops_pipelines.savings.compression.choice import choose_setting
from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.routing.replay import MAX_LOSS
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR
from llmops_pipelines.tables import COMPRESSION_SAVINGS, TOKEN_BUCKETS

SUPPORT = "support"


def compression_rows(
    points: pl.DataFrame,
    *,
    feature: str,
    calls_per_day: float | None,
    counted_by: str,
    digest: str,
    left_out: int = 0,
    replayed: pl.DataFrame | None = None,
    scored_by: str = SUPPORT,
    max_loss: float = MAX_LOSS,
) -> pl.DataFrame:
    """``COMPRESSION_SAVINGS`` of one feature: of each technique the settings that change a call.

    A technique that changes none has its mildest setting as its one row.

    Args:
        points: ``COMPRESSION_POINTS``.
        feature: Whose calls they are.
        calls_per_day: Its traffic, for a year's saving; None where unknown.
        counted_by: What counted the tokens.
        digest: Of what was replayed.
        left_out: Sampled calls that were not.
        replayed: `compressed_costs`, where the recommended settings' calls are to be told.
        scored_by: What the scores are.
        max_loss: Part of the mean score that may be lost.
    """
    told = {
        "feature": feature,
        "calls_per_day": calls_per_day,
        "counted_by": counted_by,
        "scored_by": scored_by,
        "inputs_digest": digest,
        "left_out": left_out,
    }
    rows = [told | row for row in _rows(points, calls_per_day, max_loss)]
    return COMPRESSION_SAVINGS.require(
        pl.DataFrame(
            [row | {"calls_after": _calls_after(replayed, row)} for row in rows],
            schema=COMPRESSION_SAVINGS.schema,
        )
    )


def _calls_after(replayed: pl.DataFrame | None, row: dict[str, Any]) -> list[dict[str, Any]] | None:
    """What a recommended setting leaves of the calls that it shortens."""
    if replayed is None or not row["is_recommended"]:
        return None
    own = replayed.filter(
        pl.col("tokens_after") < pl.col("tokens_before"),
        technique=row["technique"],
        step=row["step"],
    )
    # A summary is a call of its own to the same model, so its tokens can stand with the call's.
    with_summary = own.with_columns(
        pl.col("uncached_input") + pl.col("summary_input"),
        pl.col("output_text") + pl.col("summary_output"),
    )
    return with_summary.select("call_id", *TOKEN_BUCKETS).sort("call_id").to_dicts()


def _rows(
    points: pl.DataFrame, calls_per_day: float | None, max_loss: float
) -> Iterator[dict[str, Any]]:
    for _, own in points.sort("technique", "step").group_by("technique", maintain_order=True):
        choice = choose_setting(own, max_loss)
        changing = own.filter(pl.col("shortened") > 0)
        for point in (changing if changing.height else own.head(1)).iter_rows(named=True):
            year = {
                f"saved_a_year{end}": None
                if calls_per_day is None or point[f"saved{end}"] is None
                else point[f"saved{end}"] * calls_per_day * DAYS_A_YEAR
                for end in ("", "_low", "_high")
            }
            recommended = choice.state == RECOMMENDED and choice.step == point["step"]
            yield (
                point
                | year
                | {
                    "state": choice.state,
                    "reason": choice.reason,
                    "is_recommended": recommended,
                }
            )
