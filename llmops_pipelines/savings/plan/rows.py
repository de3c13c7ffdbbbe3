"""The rows of ``SAVINGS_PLAN``: per feature, what each step and all of them save per call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from llmops_pipelines.savings.plan.plan import STEPS
from llmops_pipelines.savings.plan.steps import Promise
from llmops_pipelines.savings.routing.routing import ALL, unambiguous
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
    another score. Over all features a loss is the worst feature's: it bounds their average.

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
    promised = {name: _with_whole({step: promises[name, step] for step in STEPS})
                for name in features}  # fmt: skip
    for feature in [*features, None]:
        if feature is None:
            asked, own, promise = calls, _by_traffic(replayed, calls_per_day), _of_all(promised)
            per_day = float(own["weight"].sum()) or None
        else:
            asked, own = calls.filter(feature=feature), replayed.filter(feature=feature)
            promise, per_day = promised[feature], calls_per_day.get(feature)
        for row in _of_feature(own, promise, per_day):
            rows.append(
                {
                    "feature": ALL if feature is None else unambiguous(feature),
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


def _with_whole(steps: Mapping[str, Promise]) -> dict[str, Promise]:
    """``steps``, and all of them as one."""
    taken = [step for step in STEPS if steps[step].is_taken]
    # What a model gains on a score makes no wrong answer of a cache a right one.
    losses = [loss and max(loss, 0.0) for loss in (steps[step].loss_at_most for step in taken)]
    setting = ", then ".join(taken) or "nothing is recommended"
    return {**steps, WHOLE: Promise(setting, bool(taken), _if_known(sum, losses))}


def _of_all(promised: Mapping[str, Mapping[str, Promise]]) -> dict[str, Promise]:
    """What all features together are promised, by step and as one."""
    found = {}
    for step in (*STEPS, WHOLE):
        taken = [own[step] for own in promised.values() if own[step].is_taken]
        found[step] = Promise(
            f"taken for {len(taken)} of {len(promised)} features",
            bool(taken),
            _if_known(max, [promise.loss_at_most for promise in taken]),
        )
    setting = _with_whole(found)[WHOLE].setting
    return {**found, WHOLE: found[WHOLE]._replace(setting=setting)}


def _if_known(of: Callable[[list[float]], float], losses: list[float | None]) -> float | None:
    known = [loss for loss in losses if loss is not None]
    return of(known) if known and len(known) == len(losses) else None


def _of_feature(
    replayed: pl.DataFrame, promised: Mapping[str, Promise], per_day: float | None
) -> Iterator[dict[str, Any]]:
    before = "cost"
    for step in STEPS:
        after = f"after_{step}"
        yield {
            "step": step,
            **promised[step]._asdict(),
            "changed": int(replayed[f"changed_{step}"].sum()),
            "dearer": int(replayed[f"refused_{step}"].sum()),
            **_saved(replayed, pl.col(before) - pl.col(after), per_day),
            "saved_alone": _mean(replayed, pl.col("cost") - pl.col(f"alone_{step}")),
        }
        before = after
    alone = pl.sum_horizontal(pl.col("cost") - pl.col(f"alone_{step}") for step in STEPS)
    yield {
        "step": WHOLE,
        **promised[WHOLE]._asdict(),
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
