"""What the root of a trace says once holds for its calls: user, session, feature and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from llmops_pipelines.reference import UNATTRIBUTED

INHERITED: Final = (
    "feature", "team", "environment", "session_id", "prompt_name", "prompt_version",
    "experiment_arm", "project",
)  # fmt: skip
"""What a call takes over from its trace where it says nothing itself, besides the user."""


def inherit(
    records: pl.DataFrame, trace: Sequence[pl.DataFrame], names: Sequence[str]
) -> pl.DataFrame:
    """``records`` with those of ``names`` that they leave open filled from their trace.

    The word of a root (a record without parent) counts before that of other records; among these
    the earliest counts. A feature that is ``unattributed`` is open. Prompts are taken over from
    roots alone: a sibling's prompt is its own.

    Args:
        records: With ``trace_id`` and ``names``.
        trace: Records of the same traces, with ``trace_id``, ``parent_id``, ``started_at`` and
            ``names`` as far as they have them; ``records`` may be one of them.
        names: Columns to fill, text all of them.
    """
    several = (
        pl.concat([frame.select("trace_id") for frame in trace])
        .group_by("trace_id")
        .len()
        .filter(pl.col("len") > 1)
    )
    asked = records.filter(pl.any_horizontal(_open(name) for name in names)).join(
        several, on="trace_id", how="semi"
    )
    if asked.is_empty():
        return records
    heard_of = asked.select("trace_id").unique()
    speakers = _speakers(
        [frame.join(heard_of, on="trace_id", how="semi") for frame in trace], names
    )
    said = speakers.group_by("trace_id", maintain_order=True).agg(
        pl.col(name).filter(_may_speak(name)).first().alias(f"{name}:trace") for name in names
    )
    heard = records.select("trace_id").join(said, on="trace_id", how="left", maintain_order="left")
    return (
        records.hstack(heard.drop("trace_id"))
        .with_columns(
            pl.when(_open(name))
            .then(pl.coalesce(f"{name}:trace", name))
            .otherwise(name)
            .alias(name)
            for name in names
        )
        .select(records.columns)
    )


def said_first(trace: Sequence[pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    """What ``inherit`` would hear of each trace, as a record of its roots and one of all others.

    Args:
        trace: As for ``inherit``.
        names: Columns to tell of.

    Returns:
        ``trace_id``, ``parent_id`` (null for roots), ``started_at`` and ``names``.
    """
    child = pl.col("parent_id").is_not_null()
    return (
        _speakers(trace, names)
        .group_by("trace_id", child.alias("child"), maintain_order=True)
        .agg(
            pl.col("parent_id", "started_at").first(),
            *(pl.col(name).filter(_may_speak(name)).first() for name in names),
        )
        .drop("child")
    )


def _speakers(trace: Sequence[pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    """The records of ``trace`` with ``names``, those first whose word counts first."""
    columns = ["trace_id", "parent_id", "started_at", *names]
    return pl.concat(
        [
            frame.select(
                pl.col(name) if name in frame.columns else pl.lit(None, pl.String).alias(name)
                for name in columns
            )
            for frame in trace
        ]
    ).sort(pl.col("parent_id").is_not_null(), "started_at", *names)


def _open(name: str) -> pl.Expr:
    column = pl.col(name)
    if name == "feature":
        return (column == UNATTRIBUTED).fill_null(value=True)
    return column.is_null()


def _may_speak(name: str) -> pl.Expr:
    own = name in ("prompt_name", "prompt_version")
    return ~_open(name) & (pl.col("parent_id").is_null() if own else pl.lit(value=True))
