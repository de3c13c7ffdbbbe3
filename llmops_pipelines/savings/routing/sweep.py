"""A router's threshold swept from all calls to the large model down to none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from llmops_pipelines.savings.routing.outcomes import Codes, Floats

STEPS = 100
"""Thresholds are laid at every hundredth of the calls."""

LEAST_GROUPS = 10
"""With fewer groups nothing is said of groups not seen: questions are resampled within each."""

MOST_UNITS = 1_000
"""Units of resampling are merged at random down to about this many, which keeps their variance."""

_SEED = 20_240_626


@dataclass(frozen=True)
class Units:
    """What is resampled: each question's unit and the stratum of each unit."""

    unit: Codes
    stratum: Codes
    whole_groups: bool
    """Groups are units: figures speak of sources not seen. Else of more from the same sources."""

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.stratum)


def resampling_units(groups: pl.Series, question: Codes | None = None) -> Units:
    """Whole groups where there are ``LEAST_GROUPS``; else random parts of each group.

    Rows of the same ``question`` (`question_numbers`) are in one unit: asked five times, it is one
    draw.

    Cluster and stratified resampling need every unit's sums at every threshold, so units are few:
    more groups (or questions of a group) than ``MOST_UNITS`` are merged at random, without regard
    to their outcomes, and resampled by the merged unit.
    """
    draw = np.random.default_rng(_SEED)
    code = groups.rank("dense").to_numpy().astype(np.int64) - 1
    count = int(code.max(initial=-1)) + 1
    if count >= LEAST_GROUPS:
        merged = draw.permutation(count) % min(count, MOST_UNITS)
        return Units(merged[code], np.zeros(min(count, MOST_UNITS), dtype=np.int64), True)
    unit = np.zeros(len(code), dtype=np.int64)
    stratum: list[int] = []
    if question is None:
        question = np.arange(len(code))
    # Questions that several groups ask count to the first of them.
    asked_in = np.full(int(question.max(initial=-1)) + 1, len(code), dtype=np.int64)
    np.minimum.at(asked_in, question, code)
    for group in range(count):
        own = np.flatnonzero(asked_in == group)
        if not len(own):
            continue  # all of its questions are those of groups before it
        parts = min(len(own), -(-MOST_UNITS * len(own) // len(asked_in)))
        of_question = np.full(len(asked_in), -1, dtype=np.int64)
        of_question[own] = len(stratum) + draw.permutation(len(own)) % parts
        found = of_question[question]
        unit = np.where(found >= 0, found, unit)
        stratum += [group] * parts
    return Units(unit, np.array(stratum, dtype=np.int64), False)


@dataclass(frozen=True)
class Sweep:
    """Sums per unit of resampling and step; step 0 sends every call to the large model."""

    threshold: Floats
    """A call goes to the large model where its predicted need is at least this."""
    calls: Floats
    """Questions per unit."""
    strong: Floats
    """Calls of the large model per unit and step."""
    quality: Floats
    """Sum of scores per unit and step."""
    span: float
    """Range of all scores and 0: the most that one question can lose."""
    quality_strong: Floats
    """Sum of the large model's scores per unit."""
    cost: Floats
    """Cost per unit and step over the questions whose costs are all known."""
    cost_strong: Floats
    """What the large model costs for the same questions, per unit; no router is asked."""
    priced: Floats
    """Questions per unit whose costs are all known."""


def sweep(pairs: pl.DataFrame, need: Floats, units: Units) -> Sweep:
    """Replay ``pairs`` at the thresholds that leave 0, 1, ... 100 % of them to the small model.

    Equal needs are never split, so steps that share a threshold are the same.

    Args:
        pairs: ``PAIRED``.
        need: How much each question needs the large model; predicted without its outcome.
        units: From `resampling_units`.
    """
    order = np.sort(need)
    places = np.linspace(0, len(order), STEPS + 1).round().astype(int)
    threshold = np.append(order, np.inf)[places]
    threshold[0] = -np.inf
    # The first step at which a question is left to the small model; STEPS + 1 would be never.
    leaves = np.searchsorted(threshold, need, side="right")
    table = _Table(units, leaves)
    weak, strong = (pairs[f"score_{name}"].to_numpy() for name in ("weak", "strong"))
    cheap, dear, router, priced = _costs(pairs)
    return Sweep(
        threshold=threshold,
        calls=table.per_unit(np.ones(len(need))),
        strong=table.at_steps(np.zeros(len(need)), np.ones(len(need))),
        quality=table.at_steps(weak, strong),
        span=max(weak.max(), strong.max(), 0.0) - min(weak.min(), strong.min(), 0.0),
        quality_strong=table.per_unit(strong),
        cost=table.at_steps(cheap + router, dear + router),
        cost_strong=table.per_unit(dear),
        priced=table.per_unit(priced),
    )


def random_sweep(pairs: pl.DataFrame, units: Units) -> Sweep:
    """What routing at random comes to on average: each step leaves its share of every unit.

    Nothing is drawn: these are expectations, so the baseline has no noise of its own.
    """
    everything = sweep(pairs, np.zeros(pairs.height), units)
    share = np.linspace(0, 1, STEPS + 1)

    def mixed(sums: Floats) -> Floats:
        return np.outer(sums[:, 0], 1 - share) + np.outer(sums[:, -1], share)

    return Sweep(
        threshold=np.full(STEPS + 1, np.nan),
        calls=everything.calls,
        strong=mixed(everything.strong),
        quality=mixed(everything.quality),
        span=everything.span,
        quality_strong=everything.quality_strong,
        cost=mixed(everything.cost),
        cost_strong=everything.cost_strong,
        priced=everything.priced,
    )


def oracle_need(pairs: pl.DataFrame) -> Floats:
    """Who knows all outcomes: the large model where it gains most; ties keep the cheaper calls."""
    ranked = pairs.select(
        gain=pl.col("score_strong") - pl.col("score_weak"),
        dearer=(pl.col("cost_strong") - pl.col("cost_weak")).fill_null(0.0),
        row=pl.int_range(pl.len()),
    ).sort("gain", "dearer", "row", descending=[False, True, False])
    need = np.empty(pairs.height)
    need[ranked["row"].to_numpy()] = np.arange(pairs.height)
    return need


def _costs(pairs: pl.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """Costs of weak, strong and router, 0 where one is unknown; and 1 where all are known."""
    known = pl.col("cost_weak").is_not_null() & pl.col("cost_strong").is_not_null()
    costs = pairs.select(
        cheap=pl.when(known).then("cost_weak").otherwise(0.0),
        dear=pl.when(known).then("cost_strong").otherwise(0.0),
        router=pl.when(known).then(pl.col("cost_router").fill_null(0.0)).otherwise(0.0),
        priced=known.cast(pl.Float64),
    )
    return tuple(costs[name].to_numpy() for name in costs.columns)  # type: ignore[return-value]


class _Table:
    """Sums values by unit and by the step at which a question leaves the large model."""

    def __init__(self, units: Units, leaves: Codes) -> None:
        self._units = units
        self._cell = units.unit * (STEPS + 2) + leaves

    def per_unit(self, values: Floats) -> Floats:
        sums = np.bincount(self._units.unit, values, self._units.count)
        return sums.astype(np.float64)

    def at_steps(self, weak: Floats, strong: Floats) -> Floats:
        size = self._units.count * (STEPS + 2)
        change = np.bincount(self._cell, weak - strong, size).reshape(-1, STEPS + 2)
        start = self.per_unit(strong)[:, None]
        sums: Floats = start + np.cumsum(change, axis=1)[:, : STEPS + 1]
        return sums
