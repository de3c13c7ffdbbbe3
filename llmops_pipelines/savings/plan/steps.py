"""What each replay recommends to a feature's plan, or why it recommends nothing, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.savings.compression.choice import BOUND
from llmops_pipelines.savings.recommendation import RECOMMENDED
from llmops_pipelines.savings.routing.policy import PolicyError, RoutingPolicy
from llmops_pipelines.savings.routing.replay import MAX_LOSS
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

    One that another metric, or judge, of the same two models contradicts is passed over.

    Args:
        policies: Of one feature.
        embedding: Model and version that questions can be embedded with.
    """
    own = policies.filter("is_own").sort("saved", descending=True, nulls_last=True)
    recommended = own.filter(state=RECOMMENDED).to_dicts()
    if not recommended:
        return _nothing(own, _NO_PAIRS)
    against = [_contradiction(row, own) for row in recommended]
    if None not in against:
        return not_taken(str(against[0]))
    row = recommended[against.index(None)]
    try:
        made_for = RoutingPolicy.from_json(row["policy"]).embedding
    except PolicyError as error:
        return not_taken(f"its policy cannot be used: {error}")
    if made_for != embedding:
        return not_taken(f"its policy needs vectors of {made_for}")
    return _losing(_policy_in_words(row), row["metric"], row)


def _contradiction(row: Mapping[str, Any], policies: pl.DataFrame) -> str | None:
    """Whose scores surely lose too much where the large model is asked as rarely; None: nobody's.

    The others' frontiers are of policies made for them: another one that asks as rarely would lose
    hardly less.
    """
    for other in policies.filter(
        pl.col("spec_id") != row["spec_id"],
        model_weak=row["model_weak"],
        model_strong=row["model_strong"],
    ).iter_rows(named=True):
        alike = [at for at in other["frontier"] if at["strong_share"] >= row["strong_share"]]
        point = min(alike, key=lambda at: at["strong_share"], default=None)
        if point and point["loss_low"] is not None and point["loss_low"] > MAX_LOSS:
            return (
                f"{_policy_in_words(row)} is recommended by {row['metric']}, but so "
                f"{other['metric']} loses {_percent(point['loss'])} ({_percent(point['loss_low'])} "
                f"to {_percent(point['loss_high'])})"
            )
    return None


def _policy_in_words(row: Mapping[str, Any]) -> str:
    share = _percent(1 - row["strong_share"])
    return f"{share} of the questions to {row['model_weak']} instead of {row['model_strong']}"


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
    """Batches where its owner wants them and ``BATCH_SAVINGS`` of the feature recommends them."""
    row = features.row(0, named=True) if features.height else None
    if row is None:
        return not_taken("no call in the last days")
    if row["kind"] == MARKED:
        if row["state"] != RECOMMENDED:
            return _nothing(features, "")
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
    told = (
        f"{setting}: none of the {score} is lost, at least {_percent(-lost)} is gained"
        if lost < 0
        else f"{setting}: at most {_percent(lost)} of the {score} is lost"
    )
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
