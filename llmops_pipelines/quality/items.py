"""Who was looked at: one row per judge and trace, with its outcome and inclusion probability."""

from __future__ import annotations

import polars as pl

ALL = "*"
"""Stands for all prompt versions."""

UNVERSIONED = "unversioned"
"""The prompt version of calls that name none."""

SUPPORT = "support"
"""The metric scored on every answer, not on a sample."""

NOT_APPLICABLE = ("judging_off", "no_contexts", "refusal", "no_claims")
"""Reasons for no support that say there was none to measure; any other is a missing score."""

_COLUMNS = [
    "spec_id", "feature", "prompt_version", "trace_id", "session_id", "stratum", "stratum_size",
    "probability", "state", "why", "score", "snapshot",
]  # fmt: skip


def sampled_items(sampled_traces: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Each sampled trace under each judge that has said anything about its feature that day.

    A trace such a judge never answered for is unscored, and so is every outcome but `scored` and
    `not_applicable`. Of repeated draws the scored ones are averaged: the trace is one observation.
    Draws of several snapshots are not: such a trace has a row for each.
    """
    said = _one_per_snapshot(verdicts.filter(pl.col("metric") != SUPPORT))
    traces = _placed(sampled_traces)
    judged = traces.select("call_id", "feature").join(said, on="call_id")
    asked = judged.select("spec_id", "feature").unique()
    return (
        asked.join(traces, on="feature")
        .join(said, on=["spec_id", "call_id"], how="left")
        .with_columns(
            state=pl.when(pl.col("score").is_not_null())
            .then(pl.lit("scored"))
            .when(pl.col("outcome") == "not_applicable")
            .then(pl.lit("not_applicable"))
            .otherwise(pl.lit("unscored")),
            why=pl.col("outcome")
            .replace("scored", "scored without a number")
            .fill_null("never judged"),
        )
        .select(_COLUMNS)
        .sort("spec_id", "trace_id")
    )


def census_items(
    traces: pl.DataFrame, heuristic_scores: pl.DataFrame, support_spec_id: str
) -> pl.DataFrame:
    """Each answered trace whose text was kept, with the support of its root's final call."""
    support = heuristic_scores.select(
        "unscored_reason", root_call_id="call_id", score=_finite("support")
    )
    return (
        _placed(with_text(traces).with_columns(stratum=pl.lit(None, pl.String)))
        .with_columns(
            stratum=pl.concat_str("feature", pl.lit(" | "), "prompt_version"),
            spec_id=pl.lit(support_spec_id),
            snapshot=pl.lit(None, pl.String),
            probability=pl.lit(1.0),
        )
        .with_columns(stratum_size=pl.len().over("stratum").cast(pl.Int64))
        .join(support, on="root_call_id", how="left")
        .with_columns(
            state=pl.when(pl.col("score").is_not_null())
            .then(pl.lit("scored"))
            .when(pl.col("unscored_reason").is_in(NOT_APPLICABLE))
            .then(pl.lit("not_applicable"))
            .otherwise(pl.lit("unscored")),
            why=pl.col("unscored_reason").fill_null("never scored"),
        )
        .select(_COLUMNS)
        .sort("trace_id")
    )


def answered(traces: pl.DataFrame) -> pl.DataFrame:
    """Traces that ended in an answer, with the prompt version their rates are filed under."""
    return _placed(traces.filter(pl.col("status") == "ok"))


def with_text(traces: pl.DataFrame) -> pl.DataFrame:
    """Answered traces that can be judged at all."""
    return traces.filter((pl.col("status") == "ok") & pl.col("has_text"))


def _placed(traces: pl.DataFrame) -> pl.DataFrame:
    version = pl.col("prompt_version").fill_null(UNVERSIONED).replace(ALL, f"'{ALL}'")
    return traces.with_columns(prompt_version=version)


def _one_per_snapshot(verdicts: pl.DataFrame) -> pl.DataFrame:
    """One row per judge, call and snapshot: the mean of scored draws, else the first's outcome."""
    score = pl.when(pl.col("outcome") == "scored").then(_finite("score"))
    return (
        verdicts.with_columns(score=score)
        .sort("spec_id", "call_id", "repetition")
        .with_columns(snapshot=told_snapshot("model_served", "spec_id", "call_id"))
        .group_by("spec_id", "call_id", "snapshot", maintain_order=True)
        .agg(pl.col("outcome").first(), draws=pl.col("score").drop_nulls())
        .select("spec_id", "call_id", "outcome", "snapshot", score=pl.col("draws").list.mean())
    )


def told_snapshot(column: str, *of: str) -> pl.Expr:
    """The snapshot that answered; where nobody told, the first that any draw of the same tells."""
    return pl.col(column).fill_null(pl.col(column).drop_nulls().first().over(of))


def _finite(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_finite()).then(pl.col(column))
