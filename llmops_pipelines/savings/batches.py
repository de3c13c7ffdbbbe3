"""Calls that nobody waits for, at the batch price of the same model."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from llmops_pipelines.pricing import STANDARD, price_tokens, service_of_call
from llmops_pipelines.savings.recommendation import CANNOT_TELL, NOTHING_SAVED, RECOMMENDED
from llmops_pipelines.savings.waiting import DETECTED, INTERACTIVE, MARKED, Waiting
from llmops_pipelines.savings.window_totals import is_proven_saving, saved_figures
from llmops_pipelines.tables import BATCH_SAVINGS, METERED, MONEY

BATCHED: Final = (
    "call_id", "trace_id", "started_at", "feature", "team", "provider", "model", "service_tier",
    "is_batch", "is_stream", "user_hash", "session_id", "ttft_ms", *METERED, "cost",
)  # fmt: skip
"""Columns of calls that are replayed, as in ``LLM_CALLS`` and ``CALL_COSTS``."""

QUALITY_COST: Final = (
    "none in the answers: the same model answers the same prompt; but they come within 24 hours "
    "instead of seconds, and what goes on from them has to wait"
)

SUGGESTED: Final = "suggested"
"""As ``recommended``, of a feature whose owner has not said that nobody waits for its answers."""

_WAITED_FOR: Final = "waited_for"

_DAY_HOURS: Final = 24


def replay_batches(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Each call at the batch price of its model.

    Args:
        calls: ``BATCHED`` columns of successful calls.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``calls`` with ``batch_cost`` and ``saved``, money, null for calls in batches already, where
        a price is unknown, and in another service tier than the standard one: what such a call is
        promised no batch gives; ``continued``: whether its trace, or session, goes on after it
        within 24 hours.
    """
    asked = calls.with_columns(is_batch=pl.lit(value=True), service_tier=pl.lit(None, pl.String))
    replayable = batchable() & pl.col("cost").is_not_null()
    priced = calls.with_columns(batch_cost=price_tokens(asked, price_book)["cost"].cast(MONEY))
    return _with_continued(
        priced.with_columns(pl.when(replayable).then("batch_cost").alias("batch_cost"))
    ).with_columns(saved=pl.col("cost") - pl.col("batch_cost"))


def batchable() -> pl.Expr:
    """Whether a call is in no batch yet, and asked for nothing that no batch gives."""
    return service_of_call() == STANDARD


def batch_rows(
    replayed: pl.DataFrame,
    waiting: dict[str, Waiting],
    days: list[date],
    digest: str,
    traffic_days: float | None,
) -> pl.DataFrame:
    """A row per feature, and the sums of the marked and of the detected ones, apart.

    Recommended, or suggested, are rows whose 95 % interval of the saving lies above 0, or none of
    whose calls costs more in a batch; a sum is held to its own.

    Args:
        replayed: As ``replay_batches`` returns it.
        waiting: Whether somebody waits for its answers, by feature.
        days: Days of the window that have calls, in order; not empty.
        digest: Of all this rests on.
        traffic_days: How many days of traffic these calls are, for a year; None where unknown.
    """
    window = {
        "first_day": days[0],
        "last_day": days[-1],
        "days": len(days),
        "inputs_digest": digest,
    }
    kinds = pl.DataFrame(
        {"feature": list(waiting), "kind": [w.kind for w in waiting.values()]},
        schema={"feature": pl.String, "kind": pl.String},
    )
    calls = replayed.join(kinds, on="feature", maintain_order="left")
    rows = [
        _row(own, str(feature), waiting[str(feature)], traffic_days)
        for (feature,), own in calls.partition_by("feature", as_dict=True).items()
    ]
    rows += [
        _row(own, f"* {kind}", Waiting(kind, f"all {kind} features"), traffic_days)
        for kind in (MARKED, DETECTED)
        if (own := calls.filter(kind=kind)).height
    ]
    empty = dict.fromkeys(BATCH_SAVINGS.schema.names())
    return BATCH_SAVINGS.require(
        pl.DataFrame([empty | row | window for row in rows], schema=BATCH_SAVINGS.schema)
    )


def _row(calls: pl.DataFrame, feature: str, waiting: Waiting, days: float | None) -> dict[str, Any]:
    alone = calls.filter(~pl.col("is_batch"))
    priced = alone.filter(pl.col("cost").is_not_null())
    repriced = priced.filter(pl.col("saved").is_not_null())
    continued = int(alone["continued"].sum())
    # What people wait for is not batched: a saving there would be nobody's.
    figures = saved_figures(repriced.filter(waiting.kind != INTERACTIVE), days)
    state, reason = _state(figures, waiting.kind, alone.height, repriced["saved"])
    return {
        "feature": feature,
        "kind": waiting.kind,
        "evidence": waiting.evidence,
        "state": state,
        "reason": reason,
        "calls": calls.height,
        "already_batch": calls.height - alone.height,
        "repriced": repriced.height,
        "unpriced": alone.height - priced.height,
        "no_batch_price": priced.height - repriced.height,
        "paid": repriced["cost"].sum() if repriced.height else None,
        "at_batch_price": repriced["batch_cost"].sum() if repriced.height else None,
        **figures,
        "continued": continued,
        "continued_share": continued / alone.height if alone.height else None,
        "quality_cost": QUALITY_COST,
    }


def _state(figures: dict[str, Any], kind: str, alone: int, saved: pl.Series) -> tuple[str, str]:
    """State and reason, in a sentence."""
    if kind == INTERACTIVE:
        return _WAITED_FOR, "somebody waits for its answers: nothing is claimed"
    if not alone:
        return NOTHING_SAVED, "all of its calls are in batches already"
    if not saved.count():
        return CANNOT_TELL, "no call outside of batches has both a cost and a batch price"
    if figures["saved"] <= 0:
        return NOTHING_SAVED, "its calls cost no less in batches"
    proven, why = is_proven_saving(figures, saved)
    if not proven:
        return CANNOT_TELL, why
    return (RECOMMENDED if kind == MARKED else SUGGESTED), why


def _with_continued(calls: pl.DataFrame) -> pl.DataFrame:
    """``continued``: a later call of the same trace, or session, began within 24 hours."""
    goes_on = []
    for name in ("trace_id", "session_id"):
        starts = calls.select(name, "started_at").drop_nulls().unique().sort(name, "started_at")
        following = starts.with_columns(pl.col("started_at").shift(-1).over(name).alias("next"))
        found = calls.join(following, on=[name, "started_at"], how="left", maintain_order="left")
        gap = found["next"] - found["started_at"]
        goes_on.append((gap <= timedelta(hours=_DAY_HOURS)).fill_null(value=False))
    return calls.with_columns(continued=goes_on[0] | goes_on[1])
