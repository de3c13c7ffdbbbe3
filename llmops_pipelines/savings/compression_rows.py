"""The rows of ``COMPRESSION_SAVINGS``: settings of all techniques, and which are recommended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from llmops_pipelines.savings.compression_choice import choose_setting
from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.replay import MAX_LOSS
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR
from llmops_pipelines.tables import COMPRESSION_SAVINGS

SUPPORT = "support"


def compression_rows(
    points: pl.DataFrame,
    *,
    feature: str,
    calls_per_day: float | None,
    counted_by: str,
    digest: str,
    left_out: int = 0,
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
    return COMPRESSION_SAVINGS.require(pl.DataFrame(rows, schema=COMPRESSION_SAVINGS.schema))


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
