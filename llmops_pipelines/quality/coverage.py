"""Which judge has looked at which day, and how much of it: the grid after a backfill."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.tables import JUDGE_COVERAGE

FINAL = ("scored", "refused", "unreadable", "undecided", "not_applicable")
"""Outcomes that are paid for and not tried again."""


def judge_coverage(
    sampled: pl.DataFrame,
    verdicts: pl.DataFrame,
    rescores: pl.DataFrame,
    judge_specs: pl.DataFrame,
) -> pl.DataFrame:
    """How far every judge that asks an endpoint has come with every sampled day.

    A judge is expected to look at the sampled calls with text of the features that it ever looked
    at, and at what a rescoring asked it about; what policy forbids is not expected. A day on which
    that is nothing has no row: there is nothing to look at. Of further draws only what a rescoring
    asked for is expected.

    Args:
        sampled: ``day``, ``call_id``, ``feature`` and ``has_text`` of ``SAMPLED_TRACES``.
        verdicts: ``day``, ``call_id``, ``spec_id``, ``repetition`` and ``outcome`` of
            ``JUDGE_SCORES`` and ``RAGAS_SCORES``.
        rescores: ``JUDGE_RESCORES`` with ``day``.
        judge_specs: ``JUDGE_SPECS``, each id once.

    Returns:
        ``JUDGE_COVERAGE``.
    """
    judges = judge_specs.filter(pl.col("kind") != "embedded").select("spec_id", "metric", "model")
    keys = ["day", "spec_id", "repetition"]
    said = (
        verdicts.join(judges, on="spec_id", how="semi")
        .unique(["day", "call_id", "spec_id", "repetition"])
        .join(sampled.select("day", "call_id", "feature"), on=["day", "call_id"])
    )
    first = pl.lit(0, pl.Int32)
    looked_at = said.select("spec_id", "feature", repetition=first).unique()
    expected = (
        sampled.filter("has_text")
        .join(looked_at, on="feature")
        .group_by(keys)
        .agg(of_sample=pl.len().cast(pl.Int64))
    )
    outcomes = said.group_by(keys).agg(
        judged=_count(pl.col("outcome").is_in(FINAL)),
        scored=_count(pl.col("outcome") == "scored"),
        failed=_count(pl.col("outcome") == "failed"),
        over_budget=_count(pl.col("outcome") == "over_budget"),
        waiting=_count(pl.col("outcome") == "pending"),
        forbidden=_count(pl.col("outcome") == "over_policy"),
    )
    asked = rescores.join(judges, on="spec_id", how="semi").select(
        *keys,
        asked=pl.col("items") - pl.col("over_policy"),
        asked_failed="failed",
        asked_over_budget="over_budget",
        asked_waiting="pending",
    )
    grid = (
        expected.join(outcomes, on=keys, how="full", coalesce=True)
        .join(asked, on=keys, how="full", coalesce=True)
        .with_columns(pl.all().exclude(keys).fill_null(0))
        .with_columns(
            expected=pl.max_horizontal(pl.col("of_sample") - pl.col("forbidden"), "asked", "judged")
        )
        .filter(pl.col("expected") > 0)
    )
    # What a rescoring left stands until it was judged after all.
    left = pl.col("expected") - pl.col("judged")
    failed = pl.min_horizontal(pl.max_horizontal("failed", "asked_failed"), left)
    over = pl.min_horizontal(pl.max_horizontal("over_budget", "asked_over_budget"), left - failed)
    waiting = pl.min_horizontal(pl.max_horizontal("waiting", "asked_waiting"), left - failed - over)
    counted = grid.with_columns(failed=failed, over_budget=over, pending=waiting).with_columns(
        missing=left - pl.col("failed") - pl.col("over_budget") - pl.col("pending")
    )
    return JUDGE_COVERAGE.require(counted.join(judges, on="spec_id").with_columns(state=_state()))


def _count(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _state() -> pl.Expr:
    return (
        pl.when(pl.col("judged") == pl.col("expected"))
        .then(pl.lit("done"))
        .when(pl.col("judged") > 0)
        .then(pl.lit("partial"))
        .when(pl.col("pending") > 0)
        .then(pl.lit("pending"))
        .when(pl.col("failed") + pl.col("over_budget") > 0)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("missing"))
    )
