"""What a feature's spend comes to per call, session, user and accepted answer."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.statistics import mean_intervals
from llmops_pipelines.tables import MONEY, UNIT_COSTS

ALL: Final = "*"
"""The row of all features together."""

ACCEPTED: Final = 4.0
"""Stars from which an answer counts as accepted."""

UNIT_COLUMNS: Final = ["call_id", "session_id", "user_hash"]
"""The columns of ``LLM_CALLS`` that ``unit_costs`` needs."""

UNIT_COST_COLUMNS: Final = ["call_id", "trace_id", "feature", "status", "attempt", "cost"]
"""The columns of ``CALL_COSTS`` that it needs."""

_WASTED: Final = (pl.col("status") == "error") | (pl.col("attempt") > 1)


def unit_costs(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, rated_answers: pl.DataFrame
) -> pl.DataFrame:
    """The day's spend per feature, divided by what it bought.

    A session or user of two features counts in both, and once in the row of all. What an accepted
    answer cost is an estimate where not every answer was rated: the share that raters accept stands
    for all answers, and its interval, clustered by session, is carried over. Raters choose
    themselves, which no interval tells.

    Args:
        llm_calls: ``UNIT_COLUMNS`` of ``LLM_CALLS`` of one day.
        call_costs: ``UNIT_COST_COLUMNS`` of ``CALL_COSTS`` of the day.
        rated_answers: One answer a user saw per row: ``feature``, ``session_id`` and ``rating``,
            how it was rated, null where nobody did.

    Returns:
        ``UNIT_COSTS``.
    """
    calls = call_costs.join(llm_calls.select(UNIT_COLUMNS), on="call_id", how="left")
    sums = _per_feature(calls).agg(
        calls=pl.len().cast(pl.Int64),
        ok_calls=(pl.col("status") == "ok").sum().cast(pl.Int64),
        unpriced_calls=((pl.col("status") == "ok") & pl.col("cost").is_null()).sum().cast(pl.Int64),
        traces=pl.col("trace_id").n_unique().cast(pl.Int64),
        sessions=pl.col("session_id").drop_nulls().n_unique().cast(pl.Int64),
        users=pl.col("user_hash").drop_nulls().n_unique().cast(pl.Int64),
        cost=_spent(),
        session_cost=_spent(pl.col("session_id").is_not_null()),
        user_cost=_spent(pl.col("user_hash").is_not_null()),
        failed_cost=_spent(pl.col("status") == "error"),
        repeated_cost=_spent(pl.col("attempt") > 1),
        wasted_cost=_spent(_WASTED),
    )
    judged = _per_feature(rated_answers).agg(
        answers=pl.len().cast(pl.Int64),
        rated_answers=pl.col("rating").count().cast(pl.Int64),
        accepted_answers=(pl.col("rating") >= ACCEPTED).sum().cast(pl.Int64),
    )
    counts = ("answers", "rated_answers", "accepted_answers")
    return UNIT_COSTS.require(
        sums.join(judged, on="feature", how="left")
        .with_columns(pl.col(counts).fill_null(0))
        .join(_acceptance(rated_answers), on="feature", how="left")
        .with_columns(
            cost_per_call=_over("cost", "calls"),
            cost_per_ok_call=_over("cost", "ok_calls"),
            cost_per_trace=_over("cost", "traces"),
            cost_per_session=_over("session_cost", "sessions"),
            cost_per_user=_over("user_cost", "users"),
            cost_per_answer=_over("cost", "answers"),
        )
        .with_columns(
            cost_per_accepted=_over("cost_per_answer", "accepted_share"),
            cost_per_accepted_low=_over("cost_per_answer", "accepted_share_high"),
            cost_per_accepted_high=_over("cost_per_answer", "accepted_share_low"),
            why_not=_why_not(),
        )
        .with_columns(pl.col("^cost_per_.*$").cast(MONEY))
    )


def _per_feature(rows: pl.DataFrame) -> pl.dataframe.group_by.GroupBy:
    return _with_all(rows).group_by("feature")


def _with_all(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows``, and all of them once more for the row of all features."""
    # A feature that is itself called `*` must not pass for all of them.
    own = pl.when(pl.col("feature") == ALL).then(pl.lit(f"{ALL} (feature)")).otherwise("feature")
    return pl.concat([rows.with_columns(feature=own), rows.with_columns(feature=pl.lit(ALL))])


def _spent(where: pl.Expr | None = None) -> pl.Expr:
    """Sum of the known costs ``where`` that holds; null where no call of the feature has one.

    It is null, too, where no call of the part has one and some succeeded: a conversation of calls
    without a price is not free.
    """
    known = pl.col("cost").is_not_null()
    part = pl.col("cost") if where is None else pl.col("cost").filter(where)
    missing = (pl.col("status") == "ok") & ~known
    if where is not None:
        missing = missing & where
    is_known = part.is_not_null().any() | ~missing.any()
    return pl.when(known.any() & is_known).then(part.sum()).cast(MONEY)


def _acceptance(rated_answers: pl.DataFrame) -> pl.DataFrame:
    rated = _with_all(rated_answers.filter(pl.col("rating").is_not_null())).with_columns(
        accepted=(pl.col("rating") >= ACCEPTED).cast(pl.Float64)
    )
    found = mean_intervals(rated, ["feature"], "accepted", cluster="session_id", bounds=(0.0, 1.0))
    return found.select(
        "feature",
        accepted_share="estimate",
        accepted_share_low="low",
        accepted_share_high="high",
    )


def _over(part: str, whole: str) -> pl.Expr:
    """Null where there is nothing to divide by."""
    quotient = pl.col(part).cast(pl.Float64) / pl.col(whole).cast(pl.Float64)
    return pl.when(pl.col(whole) > 0).then(quotient)


def _why_not() -> pl.Expr:
    return (
        pl.when(pl.col("cost").is_null())
        .then(pl.lit("no_cost"))
        .when(pl.col("answers") == 0)
        .then(pl.lit("no_answers"))
        .when(pl.col("rated_answers") == 0)
        .then(pl.lit("no_feedback"))
        .when(pl.col("accepted_answers") == 0)
        .then(pl.lit("none_accepted"))
    )
