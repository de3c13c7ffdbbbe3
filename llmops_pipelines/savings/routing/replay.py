"""What a router would save, and lose: paired outcomes replayed under it and under its rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from llmops_pipelines.savings.recommendation import RECOMMENDED, Recommendation, recommend
from llmops_pipelines.savings.routing.complexity import CrossFitted, Vectors, cross_fitted, fit
from llmops_pipelines.savings.routing.extra_cost import cross_fitted_extra_cost, fit_extra_cost
from llmops_pipelines.savings.routing.features import Matrix, simple_features
from llmops_pipelines.savings.routing.frontier import draws, frontier
from llmops_pipelines.savings.routing.gap import GapMetrics, gap_metrics
from llmops_pipelines.savings.routing.outcomes import (
    Floats,
    Outcomes,
    OutcomesError,
    by_source,
    question_numbers,
)
from llmops_pipelines.savings.routing.policy import RoutingPolicy, finite_threshold, training_digest
from llmops_pipelines.savings.routing.rules import rule_table
from llmops_pipelines.savings.routing.sweep import (
    Sweep,
    Units,
    oracle_need,
    random_sweep,
    resampling_units,
    sweep,
)
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR
from llmops_pipelines.statistics import NOTHING, Interval

MAX_LOSS = 0.05
LEAST_QUESTIONS = 30
"""With fewer there is nothing to learn from, and nothing to hold out."""

_PROMISED = (
    "strong_share",
    *("loss", "loss_low", "loss_high", "loss_at_most"),
    *("saved", "saved_low", "saved_high"),
    *("saved_share", "saved_share_low", "saved_share_high"),
)


@dataclass(frozen=True)
class Replayed:
    """One router on the same questions."""

    router: str
    points: pl.DataFrame
    """``FRONTIER``."""
    metrics: GapMetrics
    choice: Recommendation

    @property
    def point(self) -> dict[str, Any]:
        """The recommended row of the frontier; its first (always large) where there is none."""
        return self.points.row(self.choice.step, named=True)


@dataclass(frozen=True)
class RoutingReplay:
    """All routers, what they were measured on, and the policy that may be used."""

    questions: int
    groups: int
    kept_together: str
    """``group`` or ``text``: what is never on both sides of a split; ``text`` also where groups
    share most of their questions."""
    groups_share_questions: bool
    """Groups were given, and most rows hold a question that another group has too."""
    by_group: bool
    """False where there is but one group, or without shared questions too little is left to fit
    to: split by question."""
    whole_groups: bool
    """Intervals speak of sources not seen; else of more questions of the same sources."""
    left_out: dict[str, int]
    unpriced: int
    """Questions without both costs: in the quality, not in the money."""
    quality_weak: float
    quality_strong: float
    calibration_error: float
    max_loss: float
    routers: tuple[Replayed, ...]
    policy: RoutingPolicy | None
    """None unless the classifier's loss is proven small."""
    needs: pl.DataFrame
    """``id`` and ``need``, out of fold."""

    @property
    def own(self) -> Replayed:
        """The router whose threshold is recommended: by value where that is told, else by need."""
        names = [replayed.router for replayed in self.routers]
        return self.of("value" if "value" in names else "classifier")

    def of(self, router: str) -> Replayed:
        """The replay of classifier, value, length, random or oracle."""
        return next(replayed for replayed in self.routers if replayed.router == router)


def replay_routing(
    outcomes: Outcomes, vectors: Vectors, *, embedding: str, max_loss: float = MAX_LOSS
) -> RoutingReplay:
    """Learn a router from paired outcomes, and measure it on questions it has not seen.

    Routers are replayed on the same questions and resamples: the classifier, by predictions from
    folds that hold none of a question's group; the same by value, its need per dollar, where extra
    costs differ enough to be told (`cross_fitted_extra_cost`); the length heuristic (long questions
    go to the large model); routing at random; and the oracle, who knows both outcomes and bounds
    what any router can do. The threshold is chosen by a test that allows for the choice
    (`recommend`), for the router that was named before any score was looked at (``own``).

    Args:
        outcomes: From `paired_outcomes`.
        vectors: A unit vector per question, in the order of ``outcomes.pairs``.
        embedding: What made them, for the policy.
        max_loss: Part of the large model's quality that may be lost.

    Raises:
        OutcomesError: Fewer than ``LEAST_QUESTIONS`` usable rows.
        ValueError: ``max_loss`` is not between 0 and 1, or vectors do not match the questions.
    """
    given_by, outcomes = outcomes.by, by_source(outcomes)
    pairs = outcomes.pairs
    if not 0 < max_loss < 1:
        raise ValueError(f"max_loss is {max_loss}, expected between 0 and 1, such as 0.05")
    if len(vectors) != pairs.height:
        raise ValueError(f"{len(vectors)} vectors for {pairs.height} questions: give one each")
    if pairs.height < LEAST_QUESTIONS:
        raise OutcomesError(
            f"{pairs.height} usable row(s), {sum(outcomes.left_out.values())} left out; at least "
            f"{LEAST_QUESTIONS} questions answered by both models are needed"
        )
    features = simple_features(pairs["text"])
    crossed = cross_fitted(vectors, features, pairs)
    units = resampling_units(pairs["group"], question_numbers(pairs))
    weights = draws(units)
    sweeps = _sweeps(pairs, crossed.need, cross_fitted_extra_cost(features, pairs), units)
    routers = {
        name: _replayed(name, swept, units, weights, max_loss) for name, swept in sweeps.items()
    }
    own = routers.get("value", routers["classifier"])
    return RoutingReplay(
        questions=pairs.height,
        groups=pairs["group"].n_unique(),
        kept_together=outcomes.by,
        groups_share_questions=outcomes.by != given_by,
        by_group=crossed.by_group,
        whole_groups=units.whole_groups,
        left_out=outcomes.left_out,
        unpriced=pairs.filter(
            pl.col("cost_weak").is_null() | pl.col("cost_strong").is_null()
        ).height,
        quality_weak=float(pairs["score_weak"].sum()) / pairs.height,
        quality_strong=float(pairs["score_strong"].sum()) / pairs.height,
        calibration_error=crossed.calibration_error,
        max_loss=max_loss,
        routers=tuple(routers.values()),
        policy=_policy(own, crossed, vectors, features, pairs, embedding, max_loss),
        needs=pairs.select("id").with_columns(need=pl.Series(crossed.need)),
    )


def saved_a_year(point: dict[str, Any], calls_per_day: float | None) -> Interval:
    """US dollars a year at a point of the frontier, were every day to bring as many such calls.

    All None where the traffic or the costs are unknown.
    """
    if calls_per_day is None or point["saved"] is None:
        return NOTHING
    calls = calls_per_day * DAYS_A_YEAR
    saved, low, high = (point[name] for name in ("saved", "saved_low", "saved_high"))
    return Interval(
        saved * calls,
        None if low is None else low * calls,
        None if high is None else high * calls,
        round(calls),
    )


def _sweeps(
    pairs: pl.DataFrame, need: Floats, extra_cost: Floats | None, units: Units
) -> dict[str, Sweep]:
    length = pairs["text"].str.len_chars().cast(pl.Float64).to_numpy()
    # Only the classifier has a router to pay for: its rivals look at nothing that costs.
    free = pairs.with_columns(cost_router=pl.lit(0.0))
    by_value = {} if extra_cost is None else {"value": sweep(pairs, need / extra_cost, units)}
    return {
        "classifier": sweep(pairs, need, units),
        **by_value,
        "length": sweep(free, length, units),
        "random": random_sweep(free, units),
        "oracle": sweep(free, oracle_need(free), units),
    }


def _replayed(
    router: str, swept: Sweep, units: Units, weights: Floats, max_loss: float
) -> Replayed:
    points = frontier(swept, units, weights)
    questions = int(swept.calls.sum())
    return Replayed(
        router, points, gap_metrics(swept, weights), recommend(points, max_loss, questions)
    )


def _policy(
    replayed: Replayed,
    crossed: CrossFitted,
    vectors: Vectors,
    features: Matrix,
    pairs: pl.DataFrame,
    embedding: str,
    max_loss: float,
) -> RoutingPolicy | None:
    if replayed.choice.state != RECOMMENDED:
        return None
    need = fit(vectors, features, pairs, crossed)
    threshold = finite_threshold(replayed.point["threshold"])
    extra_cost = fit_extra_cost(features, pairs) if replayed.router == "value" else None
    policy = RoutingPolicy(
        need=need,
        extra_cost=extra_cost,
        threshold=threshold,
        embedding=embedding,
        training={
            "digest": training_digest(pairs),
            "questions": pairs.height,
            "groups": pairs["group"].n_unique(),
        },
        promise={"max_loss": max_loss} | {name: replayed.point[name] for name in _PROMISED},
    )
    asked = policy.asks_strong(vectors, pairs["text"])
    return replace(policy, rules=rule_table(features, asked, pairs).to_dicts())
