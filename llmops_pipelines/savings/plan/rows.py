"""The rows of ``SAVINGS_PLAN``: per feature, what each step and all of them save per call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from llmops_pipelines.savings.plan.plan import STEPS
from llmops_pipelines.savings.plan.steps import Promise
from llmops_pipelines.savings.routing.routing import ALL
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR
from llmops_pipelines.statistics import design_mean
from llmops_pipelines.tables import SAVINGS_PLAN

WHOLE: Final = "plan"


def plan_rows(
    calls: pl.DataFrame,
    replayed: pl.DataFrame,
    promises: Mapping[tuple[str, str], Promise],
    calls_per_day: Mapping[str, float],
    digest: str,
) -> pl.DataFrame:
    """A row per feature and step, and one per feature for all steps; the same for all features.

    A mean per call, weighted by the inverse of the inclusion probability, with features as strata
    and sessions as clusters (`design_mean`). Over all features each of them counts by its traffic,
    however many of its calls were sampled, so that years add up. The losses of steps are added up:
    a bound that holds however they overlap. What a step gains is taken off nothing: it may be of
    another score.

    Args:
        calls: `PLANNED`.
        replayed: As `replay_plan` returns it.
        promises: By feature and step; all steps of all features are there.
        calls_per_day: Calls of known cost of each feature that its sample stands for, on an
            average day.
        digest: Of all this rests on.
    """
    rows = []
    features = sorted(calls["feature"].unique())
    for feature in [*features, ALL]:
        if feature == ALL:
            asked, own = calls, _by_traffic(replayed, calls_per_day)
            per_day = float(own["weight"].sum()) or None
        else:
            asked, own = calls.filter(feature=feature), replayed.filter(feature=feature)
            per_day = calls_per_day.get(feature)
        steps = {
            step: promises[feature, step] if feature != ALL else _of_all(step, features, promises)
            for step in STEPS
        }
        for row in _of_feature(own, steps, per_day):
            rows.append(
                {
                    "feature": feature,
                    "calls": own.height,
                    "unpriced": asked["cost"].null_count(),
                    "calls_per_day": per_day,
                    "inputs_digest": digest,
                    **row,
                }
            )
    empty = dict.fromkeys(SAVINGS_PLAN.schema.names())
    return SAVINGS_PLAN.require(
        pl.DataFrame([empty | row for row in rows], schema=SAVINGS_PLAN.schema)
    )


def _by_traffic(replayed: pl.DataFrame, calls_per_day: Mapping[str, float]) -> pl.DataFrame:
    """The calls of features whose traffic is known; their weights come to it."""
    traffic = pl.col("feature").replace_strict(
        dict(calls_per_day), default=None, return_dtype=pl.Float64
    )
    share = pl.col("weight") / pl.col("weight").sum().over("feature")
    return replayed.with_columns(weight=share * traffic).filter(pl.col("weight") > 0)


def _of_all(step: str, features: list[str], promises: Mapping[tuple[str, str], Promise]) -> Promise:
    taken = [name for name in features if promises[name, step].is_taken]
    losses = [promises[name, step].loss_at_most for name in taken]
    known = [loss for loss in losses if loss is not None]
    return Promise(
        f"taken for {len(taken)} of {len(features)} features",
        bool(taken),
        # The worst of the features bounds their average.
        max(known) if taken and len(known) == len(losses) else None,
    )


def _of_feature(
    replayed: pl.DataFrame, steps: Mapping[str, Promise], per_day: float | None
) -> Iterator[dict[str, Any]]:
    before = "cost"
    for step, promise in steps.items():
        after = f"after_{step}"
        yield {
            "step": step,
            **promise._asdict(),
            "changed": int(replayed[f"changed_{step}"].sum()),
            "dearer": int(replayed[f"refused_{step}"].sum()),
            **_saved(replayed, pl.col(before) - pl.col(after), per_day),
            "saved_alone": _mean(replayed, pl.col("cost") - pl.col(f"alone_{step}")),
        }
        before = after
    taken = [step for step, promise in steps.items() if promise.is_taken]
    losses = [steps[step].loss_at_most for step in taken]
    known = [loss for loss in losses if loss is not None]
    alone = pl.sum_horizontal(pl.col("cost") - pl.col(f"alone_{step}") for step in STEPS)
    yield {
        "step": WHOLE,
        "setting": ", then ".join(taken) or "nothing is recommended",
        "is_taken": bool(taken),
        # What a model gains on a score makes no wrong answer of a cache a right one.
        "loss_at_most": sum(max(loss, 0.0) for loss in known)
        if taken and len(known) == len(losses)
        else None,
        "changed": replayed.filter(pl.any_horizontal(f"changed_{step}" for step in STEPS)).height,
        "dearer": replayed.filter(pl.any_horizontal(f"refused_{step}" for step in STEPS)).height,
        **_saved(replayed, pl.col("cost") - pl.col(before), per_day),
        "saved_alone": _mean(replayed, alone),
    }


def _saved(replayed: pl.DataFrame, saved: pl.Expr, per_day: float | None) -> dict[str, Any]:
    """The saving per call with its interval, and of a year."""
    if replayed.is_empty():
        return {}
    weight = replayed["weight"]
    found = design_mean(
        replayed.select(saved.cast(pl.Float64)).to_series(),
        # Only their ratios matter; none may exceed 1.
        weight.min() / weight,
        strata=replayed["feature"],
        clusters=replayed["session"],
    )
    figures = {"": found.estimate, "_low": found.low, "_high": found.high}
    a_year = None if per_day is None else per_day * DAYS_A_YEAR
    return {
        "paid_per_call": _mean(replayed, pl.col("cost")),
        **{f"saved{end}": value for end, value in figures.items()},
        **{
            f"saved_a_year{end}": None if value is None or a_year is None else value * a_year
            for end, value in figures.items()
        },
    }


def _mean(replayed: pl.DataFrame, figure: pl.Expr) -> float | None:
    """The weighted mean; null of nothing."""
    weight = pl.col("weight")
    found: float | None = (
        replayed.select((figure.cast(pl.Float64) * weight).sum() / weight.sum()).item()
        if replayed.height
        else None
    )
    return found
