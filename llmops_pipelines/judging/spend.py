"""What evaluation costs, by judge; and what was paid for although it had an answer already."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.judging.execution import canaries
from llmops_pipelines.judging.ledger import BUCKETS, FINAL, LEDGER_KEY
from llmops_pipelines.tables import EVALUATION_COSTS, MONEY

_QUESTION = (*LEDGER_KEY, "step")
_ANSWERED = pl.col("outcome") == "ok"
_MAYBE_BILLED = pl.col("cost").is_null() & ~pl.col("outcome").str.starts_with("http_")


def paid_twice(judge_calls: pl.LazyFrame) -> pl.LazyFrame:
    """The attempts that were answered although the same question had an answer before.

    Of the answers to one question of one judge about one content the first counts as its charge.
    The others come from two processes that judged the same content at once, from a crash between
    answer and ledger, or from a run that broke off between two questions of one metric. Canaries
    are asked again on purpose.
    """
    return (
        judge_calls.filter(_ANSWERED & ~pl.col("step").str.starts_with(canaries.STEP))
        .sort(*_QUESTION, "asked_at", "attempt_id")
        .filter(~pl.struct(_QUESTION).is_first_distinct())
    )


def evaluation_costs(
    judge_calls: pl.LazyFrame, verdicts: pl.LazyFrame, specs: pl.DataFrame
) -> pl.DataFrame:
    """``EVALUATION_COSTS`` of one day.

    Args:
        judge_calls: ``JUDGE_CALLS`` of the day.
        verdicts: ``JUDGE_SCORES`` and ``RAGAS_SCORES`` of the day.
        specs: ``JUDGE_SPECS``, each id once.
    """
    spent = (
        judge_calls.group_by("spec_id")
        .agg(
            calls=pl.len().cast(pl.Int64),
            faults=(~_ANSWERED).sum().cast(pl.Int64),
            truncated=(pl.col("outcome") == "truncated").sum().cast(pl.Int64),
            **{name: _known_sum(name) for name in (*BUCKETS, "cost")},
            unpriced_calls=_MAYBE_BILLED.sum().cast(pl.Int64),
        )
        .with_columns(
            # That refusals cost nothing says nothing of what the others did.
            cost=pl.when((pl.col("cost") != 0) | (pl.col("unpriced_calls") == 0)).then("cost")
        )
    )
    again = (
        paid_twice(judge_calls)
        .group_by("spec_id")
        .agg(paid_twice=pl.len().cast(pl.Int64), paid_twice_cost=_known_sum("cost"))
    )
    used = (
        verdicts.filter(pl.col("outcome").is_in(FINAL))
        .group_by("spec_id")
        .agg(verdicts=pl.col("call_id").n_unique().cast(pl.Int64))
    )
    endpoints = specs.lazy().filter(pl.col("kind") != "embedded")
    counts = ("verdicts", "calls", "faults", "truncated", "unpriced_calls", "paid_twice")
    unasked = pl.col("calls").is_null()
    return EVALUATION_COSTS.require(
        endpoints.select("spec_id", "metric", "kind", "model")
        .join(spent, on="spec_id", how="left")
        .join(again, on="spec_id", how="left")
        .join(used, on="spec_id", how="left")
        .filter(~unasked | pl.col("verdicts").is_not_null())
        .with_columns(
            # Nothing was asked, so it is known what it cost.
            cost=pl.when(unasked).then(pl.lit(0).cast(MONEY)).otherwise(pl.col("cost"))
        )
        .with_columns(pl.col(counts).fill_null(0))
        .collect()
    )


def _known_sum(name: str) -> pl.Expr:
    """The sum of what is known; null where nothing is."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum())
