"""One rate or mean from the traces that were looked at, and in words how it was made."""

from __future__ import annotations

from collections import Counter
from math import fsum
from typing import NamedTuple

import polars as pl

from llmops_pipelines.statistics import Interval, design_mean, design_rate

NOTABLE_SHARE = 0.05
"""Share of missing scores above which a figure is shown with what they could make of it."""


class Estimate(NamedTuple):
    """A figure of a group of traces, its counts, and its method in words."""

    interval: Interval
    unscored: int
    not_applicable: int
    population: int
    method: str


def estimate(items: pl.DataFrame, *, answered: int) -> Estimate:
    """The figure of one group of ``sampled_items`` or ``census_items`` under one judge.

    The scored traces of a stratum stand for its unscored ones too; where those are more than 5 %,
    the method says between what it would lie, whatever they are.

    Args:
        items: The group, sorted by trace.
        answered: Answered traces of the day in the group, looked at or not.
    """
    state = items["state"]
    scored, missing = items.filter(state == "scored"), items.filter(state == "unscored")
    population = int(items.select("stratum", "stratum_size").unique()["stratum_size"].sum())
    interval, kind = _interval(scored, missing)
    parts = [
        _design(items, population) + kind,
        _missing(scored, missing),
        _outside(answered - population),
    ]
    return Estimate(
        interval=interval,
        unscored=missing.height,
        not_applicable=items.height - scored.height - missing.height,
        population=population,
        method="; ".join(part for part in parts if part),
    )


def _interval(scored: pl.DataFrame, missing: pl.DataFrame) -> tuple[Interval, str]:
    scores = scored["score"]
    if scores.is_empty():
        return Interval(None, None, None, 0), "nothing scored"
    answering = Counter(scored["stratum"])
    silent = Counter(missing["stratum"])
    probabilities = [
        probability * answering[stratum] / (answering[stratum] + silent[stratum])
        for probability, stratum in scored.select("probability", "stratum").iter_rows()
    ]
    sessions = scored["session_id"]
    if scores.is_in([0.0, 1.0]).all():
        rate = design_rate(scores, probabilities, strata=scored["stratum"], clusters=sessions)
        return rate, "rate with Wilson interval on the effective sample, clustered by session"
    on_scale = bool(scores.is_between(0, 1).all())
    mean = design_mean(
        scores,
        probabilities,
        strata=scored["stratum"],
        clusters=sessions,
        bounds=(0.0, 1.0) if on_scale else None,
    )
    return mean, f"mean with {'score' if on_scale else 't'} interval, clustered by session"


def _design(items: pl.DataFrame, population: int) -> str:
    if items["probability"].min() == 1:
        return f"census of {population:,} traces: "
    return f"stratified sample of {items.height:,} of {population:,} traces, weighted: "


def _missing(scored: pl.DataFrame, missing: pl.DataFrame) -> str:
    if missing.is_empty():
        return ""
    reasons = sorted(Counter(missing["why"]).items(), key=lambda item: (-item[1], item[0]))
    text = f"{missing.height:,} unscored ({', '.join(f'{n:,} {why}' for why, n in reasons)})"
    few = missing.height <= NOTABLE_SHARE * (missing.height + scored.height)
    if few or not scored["score"].is_between(0, 1).all():
        return text
    weights = (1 / scored["probability"]).to_list()
    lost = fsum(1 / missing["probability"])
    passed = fsum(w * score for w, score in zip(weights, scored["score"], strict=True))
    total = fsum(weights) + lost
    low, high = passed / total, (passed + lost) / total
    # Not "fail" and "pass": of some metrics a low score is the good one.
    return f"{text}: {low:.3f} if all of them are 0, {high:.3f} if all are 1"


def _outside(count: int) -> str:
    if count <= 0:
        return ""
    return f"{count:,} more answered traces are outside: no text was kept, or none like them drawn"
