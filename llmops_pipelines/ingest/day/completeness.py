"""Which of several records of one call says most."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.tables import LLM_CALLS

PLACE: Final = ("source_file", "source_line", "source_record", "batch")
"""Where a row was logged: it decides where nothing else does."""


def fullest_first(calls: pl.DataFrame) -> pl.DataFrame:
    """``calls`` (``LANDED_CALLS`` columns) in the order of what they are worth, whatever theirs is.

    One that knows its outcome comes before what was only asked, a successful one before a failed
    one, one with texts before one without, then the most complete (fewest nulls), the latest
    ``started_at``, the greatest record digest, and the first place it was logged.
    """
    nullable = [column.name for column in LLM_CALLS.columns if column.nullable]
    nullable.remove("tokens_doubted")  # whose presence is no merit
    gaps = pl.sum_horizontal(pl.col(name).is_null() for name in nullable if name in calls.columns)
    return calls.sort(
        "only_asked",
        pl.col("status") != "ok",
        pl.col("content_digest").is_null(),
        gaps,
        "started_at",
        "record_digest",
        *PLACE,
        descending=[False, False, False, False, True, True, *(False for _ in PLACE)],
    )
