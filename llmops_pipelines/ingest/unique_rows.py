"""A day's landed rows to its calls, steps, feedback and rejected lines: each thing once."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.tables import (
    FEEDBACK,
    LLM_CALLS,
    REJECTED_LINES,
    TRACE_STEPS,
    Table,
)

Frame = pl.DataFrame | pl.LazyFrame


def llm_calls(landed: Frame) -> pl.DataFrame:
    """One row per call of the day, as ``LLM_CALLS``.

    Of the rows that share a ``call_id`` one is kept, whatever their order: a successful one before
    a failed one, then the most complete (fewest nulls), the latest ``started_at``, the greatest
    record digest, and the first place it was logged. Calls are told apart within a day: a call
    logged with two times on two days is a row on each.

    Args:
        landed: ``LANDED_CALLS`` rows of one day that the index vouches for (``current_rows``).
    """
    nullable = [column.name for column in LLM_CALLS.columns if column.nullable]
    ranked = _collected(landed).with_columns(
        failed=pl.col("status") != "ok",
        gaps=pl.sum_horizontal(pl.col(name).is_null() for name in nullable),
    )
    return _kept(
        ranked,
        LLM_CALLS,
        ["failed", "gaps", "started_at", "record_digest"],
        [False, False, True, True],
    )


def trace_steps(landed: Frame) -> pl.DataFrame:
    """One row per step of the day, as ``TRACE_STEPS``; of copies the latest is kept."""
    return _kept(_collected(landed), TRACE_STEPS, ["started_at", "record_digest"], [True, True])


def feedback(landed: Frame) -> pl.DataFrame:
    """One row per judgement of the day, as ``FEEDBACK``; of copies the latest is kept."""
    return _kept(_collected(landed), FEEDBACK, ["given_at", "record_digest"], [True, True])


def rejected_lines(landed: Frame) -> pl.DataFrame:
    """The lines of the day that could not be read, as ``REJECTED_LINES``."""
    return _kept(_collected(landed), REJECTED_LINES, ["batch"], [False])


def unaccounted_rows(landed: Frame, calls: pl.DataFrame) -> pl.DataFrame:
    """Calls that landed on the day but are not in ``calls``, or are there without having landed.

    Args:
        landed: As for ``llm_calls``.
        calls: ``LLM_CALLS`` of the same day.

    Returns:
        ``call_id``, ``source_file``, ``source_line`` and ``problem``; empty is what conservation
        demands: landed lines = calls + duplicates.
    """
    place = ["call_id", "source_file", "source_line", "record_digest"]
    rows = _collected(landed).select(place)
    lost = rows.unique("call_id", keep="first", maintain_order=True).join(
        calls, on="call_id", how="anti"
    )
    invented = calls.select(place).join(rows, on=place, how="anti")
    return (
        pl.concat(
            [
                lost.with_columns(problem=pl.lit("landed, but not among the calls")),
                invented.with_columns(problem=pl.lit("a call, but no landed line")),
            ]
        )
        .sort(place)
        .drop("record_digest")
    )


def _kept(
    landed: pl.DataFrame, table: Table, order: list[str], descending: list[bool]
) -> pl.DataFrame:
    place = [name for name in ("source_file", "source_line", "batch") if name not in order]
    best = landed.sort(*order, *place, descending=[*descending, *(False for _ in place)])
    return table.require(best.unique(table.key, keep="first", maintain_order=True))


def _collected(landed: Frame) -> pl.DataFrame:
    return landed.collect() if isinstance(landed, pl.LazyFrame) else landed


def texts_of(call_texts: pl.LazyFrame, calls: pl.LazyFrame) -> pl.LazyFrame:
    """The texts of exactly the lines that ``calls`` kept, one row per call that has any.

    Args:
        call_texts: ``CALL_TEXTS`` of the same day, duplicates and superseded rows included.
        calls: ``LLM_CALLS``, all or some of a day's.
    """
    line = ["call_id", "source_file", "source_line", "record_digest", "content_digest"]
    kept = calls.filter(pl.col("content_digest").is_not_null()).select(line)
    return (
        call_texts.join(kept, on=line, how="semi")
        .sort("call_id", "batch")
        .unique("call_id", keep="last", maintain_order=True)
    )
