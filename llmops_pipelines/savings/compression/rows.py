"""The rows of ``COMPRESSION_SAVINGS``: settings of all techniques, and which are recommended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from llmops_pipelines.savings.compression.choice import choose_setting
from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.routing.replay import MAX_LOSS
from llmops_pipelines.tables import COMPRESSION_SAVINGS, TOKEN_BUCKETS

SUPPORT = "support"


def compression_rows(
    points: pl.DataFrame,
    *,
    feature: str,
    counted_by: str,
    digest: str,
    left_out: int = 0,
    replayed: pl.DataFrame | None = None,
    scored_by: str = SUPPORT,
    max_loss: float = MAX_LOSS,
) -> pl.DataFrame:
    """``COMPRESSION_SAVINGS`` of one feature: of each technique the settings that change a call.

    A technique that changes none has its mildest setting as its one row. What it saves a year is
    null: ``with_traffic`` adds it.

    Args:
        points: ``COMPRESSION_POINTS``.
        feature: Whose calls they are.
        counted_by: What counted the tokens.
        digest: Of what was replayed.
        left_out: Sampled calls that were not.
        replayed: `compressed_costs`, where the recommended settings' calls are to be told.
        scored_by: What the scores are.
        max_loss: Part of the mean score that may be lost.
    """
    told = {
        "feature": feature,
        "counted_by": counted_by,
        "scored_by": scored_by,
        "inputs_digest": digest,
        "left_out": left_out,
    }
    empty = dict.fromkeys(COMPRESSION_SAVINGS.schema.names())
    rows = [empty | told | row for row in _rows(points, max_loss)]
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


def _rows(points: pl.DataFrame, max_loss: float) -> Iterator[dict[str, Any]]:
    for _, own in points.sort("technique", "step").group_by("technique", maintain_order=True):
        choice = choose_setting(own, max_loss)
        changing = own.filter(pl.col("shortened") > 0)
        for point in (changing if changing.height else own.head(1)).iter_rows(named=True):
            recommended = choice.state == RECOMMENDED and choice.step == point["step"]
            yield point | {
                "state": choice.state,
                "reason": choice.reason,
                "is_recommended": recommended,
            }
