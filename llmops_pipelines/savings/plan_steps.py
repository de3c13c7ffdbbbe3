"""What each replay recommends to a feature's plan, or why it recommends nothing, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.savings.compression_choice import BOUND
from llmops_pipelines.savings.policy import PolicyError, RoutingPolicy
from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.waiting import DETECTED, MARKED


class Promise(NamedTuple):
    """What one step does for a feature: its setting in words, whether it is taken, its loss."""

    setting: str
    is_taken: bool
    loss_at_most: float | None = None


class Chosen(NamedTuple):
    """What a step promises, and the row that recommends it; none where the step is not taken."""

    promise: Promise
    row: Mapping[str, Any] | None = None


def not_taken(why: str) -> Chosen:
    """A step that is left out."""
    return Chosen(Promise(why, is_taken=False))


_NO_PAIRS: Final = "no question was answered by two models and scored by one judge"


def chosen_cache(rungs: pl.DataFrame) -> Chosen:
    """The recommended rung of ``SEMANTIC_CACHE_SAVINGS`` of one feature."""
    row = _recommended(rungs)
    if row is None:
        return _nothing(rungs, "no request of it was replayed")
    alike = "equal questions" if row["threshold"] is None else f"questions alike by {row['rung']}"
    kept = "for ever" if row["ttl_hours"] is None else f"for {row['ttl_hours']:g} h"
    hits, wrong = row["hit_rate"], row["wrong_at_most"]
    setting = (
        f"answers to {alike} kept {kept}: {_percent(hits)} of requests are hits, at most "
        f"{_percent(wrong)} of these are given a wrong answer"
    )
    # A wrong hit is a wrong answer; of all answers it is one as often as there are hits.
    return Chosen(Promise(setting, is_taken=True, loss_at_most=hits * wrong), row)


def chosen_policy(policies: pl.DataFrame, embedding: str) -> Chosen:
    """The recommended policy that saves most of ``ROUTING_POLICIES`` of one feature.

    Args:
        policies: Of one feature.
        embedding: Model and version that questions can be embedded with.
    """
    own = policies.filter("is_own").sort("saved", descending=True, nulls_last=True)
    row = _recommended(own.with_columns(is_recommended=pl.col("state") == RECOMMENDED))
    if row is None:
        return _nothing(own, _NO_PAIRS)
    try:
        made_for = RoutingPolicy.from_json(row["policy"]).embedding
    except PolicyError as error:
        return not_taken(f"its policy cannot be used: {error}")
    if made_for != embedding:
        return not_taken(f"its policy needs vectors of {made_for}")
    setting = (
        f"{_percent(1 - row['strong_share'])} of the questions go to {row['model_weak']} instead "
        f"of {row['model_strong']}"
    )
    return _losing(setting, row["metric"], row)


def chosen_setting(settings: pl.DataFrame) -> Chosen:
    """The recommended setting that saves most of ``COMPRESSION_SAVINGS`` of one feature."""
    own = settings.filter(pl.col("state") != BOUND).sort(
        "saved", "technique", "step", descending=[True, False, False], nulls_last=True
    )
    row = _recommended(own)
    if row is None:
        states = own.select("state", "technique").unique().sort("state", "technique")
        told = states.group_by("state", maintain_order=True).agg(pl.col("technique").str.join(", "))
        why = [f"{_spoken(state)}: {techniques}" for state, techniques in told.iter_rows()]
        return not_taken("; ".join(why) or "no call of it was replayed")
    return _losing(f"{row['technique']} down to {row['setting']:g}", row["scored_by"], row)


def chosen_batch(features: pl.DataFrame) -> Chosen:
    """Batches where ``BATCH_SAVINGS`` of one feature says that its owner wants them."""
    row = features.row(0, named=True) if features.height else None
    if row is None:
        return not_taken("no call in the last days")
    if row["kind"] == MARKED:
        promise = Promise(f"answers within 24 hours ({row['evidence']})", True, loss_at_most=0.0)
        return Chosen(promise, row)
    why = "detected: its owner has to say" if row["kind"] == DETECTED else "somebody waits for it"
    return not_taken(why)


def _recommended(rows: pl.DataFrame) -> Mapping[str, Any] | None:
    """The first of the recommended rows."""
    chosen = rows.filter("is_recommended")
    return chosen.row(0, named=True) if chosen.height else None


def _losing(setting: str, score: str, row: Mapping[str, Any]) -> Chosen:
    """A step that is taken and loses some of a mean score."""
    lost = row["loss_at_most"]
    told = f"{setting}: at most {_percent(lost)} of the {score} is lost"
    return Chosen(Promise(told, is_taken=True, loss_at_most=lost), row)


def _nothing(rows: pl.DataFrame, otherwise: str) -> Chosen:
    if rows.is_empty():
        return not_taken(otherwise)
    state, reason = rows.select("state", "reason").row(0)
    return not_taken(f"{_spoken(state)}: {reason}")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _spoken(state: str) -> str:
    return state.replace("_", " ")
