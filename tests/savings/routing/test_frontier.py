"""Sweeps, their intervals, the gap metrics, and the test that picks a threshold."""

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.savings import CANNOT_TELL, NOTHING_SAVED, RECOMMENDED
from llmops_pipelines.savings.recommendation import recommend
from llmops_pipelines.savings.routing.frontier import FRONTIER, draws, frontier, losses_at_most
from llmops_pipelines.savings.routing.gap import gap_metrics
from llmops_pipelines.savings.routing.sweep import (
    Units,
    oracle_need,
    random_sweep,
    resampling_units,
    sweep,
)
from llmops_pipelines.statistics import mean_interval
from tests.savings.worlds import pairs, world

FOUR = pairs(
    {"text": "a", "score_weak": 0.0, "cost_router": 0.5},
    {"text": "b", "score_weak": 0.0},
    {"text": "c"},
    {"text": "d", "cost_strong": None},
)


def at(points: pl.DataFrame, step: int) -> dict:
    return points.row(step, named=True)


def test_each_step_sends_what_needs_least_to_the_small_model():
    units = resampling_units(FOUR["group"])
    swept = sweep(FOUR, np.array([0.9, 0.1, 0.5, 0.3]), units)
    points = frontier(swept, units, draws(units))
    assert points.schema == FRONTIER
    assert points["strong_share"][0, 25, 50, 75, 100].to_list() == [1, 0.75, 0.5, 0.25, 0]
    assert points["quality"][0, 25, 50, 75, 100].to_list() == [1, 0.75, 0.75, 0.75, 0.5]
    assert points["loss"][100] == 0.5
    # Of a, b and c, whose costs are known: 30 alone; a router asked once, for 0.5.
    assert points["saved"][0, 25, 100].to_list() == pytest.approx([-0.5 / 3, 8.5 / 3, 26.5 / 3])
    assert at(points, 100)["saved_share"] == pytest.approx(26.5 / 30)


def test_equal_needs_are_not_split():
    units = resampling_units(FOUR["group"])
    swept = sweep(FOUR, np.array([0.9, 0.2, 0.2, 0.2]), units)
    shares = swept.strong.sum(axis=0) / 4
    assert set(shares.tolist()) == {1.0, 0.25, 0.0}


def test_unknown_costs_leave_the_saving_unknown():
    free = FOUR.with_columns(cost_weak=pl.lit(None, pl.Float64))
    units = resampling_units(free["group"])
    points = frontier(sweep(free, oracle_need(free), units), units, draws(units))
    assert points["saved"].null_count() == points["saved_share_low"].null_count() == 101
    assert points["loss"].null_count() == 0


def test_routing_at_random_recovers_what_it_spends():
    outcomes, _ = world(200)
    units = resampling_units(outcomes.pairs["group"])
    metrics = gap_metrics(random_sweep(outcomes.pairs, units), draws(units))
    for figure, expected in zip(metrics[1:], (0.5, 0.5, 0.8), strict=True):
        assert [figure.estimate, figure.low, figure.high] == pytest.approx([expected] * 3)


def test_the_oracle_recovers_the_gap_with_the_calls_that_gain():
    # 100 questions: 10 gained by the large model, 5 by the small one.
    rows = pairs(
        *({"text": f"a{n}", "score_weak": 0.0} for n in range(10)),
        *({"text": f"b{n}", "score_strong": 0.0} for n in range(5)),
        *({"text": f"c{n}"} for n in range(85)),
    )
    units = resampling_units(rows["group"])
    metrics = gap_metrics(sweep(rows, oracle_need(rows), units), draws(units))
    # From weak 0.90 to strong 0.95: half of the gap, 0.025, takes 2.5 of 100 calls.
    assert metrics.cpt_50.estimate == pytest.approx(0.025)
    assert metrics.cpt_80.estimate == pytest.approx(0.04)
    # Trapezoids: up to 1.00 over the first 10 %, flat for 85 %, down to 0.95 over the last 5 %.
    area = 0.10 * 0.95 + 0.85 * 1.0 + 0.05 * 0.975
    assert metrics.area.estimate == pytest.approx(area)
    assert metrics.apgr.estimate == pytest.approx((area - 0.9) / 0.05)


def test_without_a_gap_nothing_is_recovered():
    units = resampling_units(FOUR["group"])
    same = FOUR.with_columns(score_weak=pl.col("score_strong"))
    metrics = gap_metrics(sweep(same, oracle_need(same), units), draws(units))
    assert metrics.area.estimate == 1.0
    assert metrics.apgr.estimate is None
    assert metrics.cpt_80.estimate is None


@pytest.mark.parametrize("groups", [40, 3])
def test_the_bound_of_the_loss_is_where_the_paired_test_turns(groups):
    outcomes, vectors = world(400, groups)
    rows = outcomes.pairs
    units = resampling_units(rows["group"])
    assert units.whole_groups is (groups == 40)
    need = vectors[:, 0]
    swept = sweep(rows, need, units)
    bound = losses_at_most(swept, units)[85]
    weak, strong = (rows[f"score_{name}"].to_numpy() for name in ("weak", "strong"))
    kept = np.where(need >= swept.threshold[85], strong, weak) - (1 - bound) * strong
    if groups == 3:  # Within groups: what differs between them is no uncertainty.
        spread = pl.DataFrame({"d": kept, "group": rows["group"]}).select(
            pl.col("d").mean().over("group") - pl.col("d").mean()
        )
        kept -= spread.to_series().to_numpy()
    test = mean_interval(kept, clusters=units.unit.tolist(), confidence=0.9)
    # One question of 400 is counted as lost besides those seen.
    assert test.low == pytest.approx(1 / 400, rel=0.2)


def test_no_loss_seen_is_no_loss_excluded():
    rows = pairs(*({"text": f"{n}", "group": f"{n}"} for n in range(100)))
    units = resampling_units(rows["group"])
    points = frontier(sweep(rows, np.arange(100.0), units), units, draws(units))
    assert at(points, 100)["loss"] == 0
    # The rule of three: 3 of 100.
    assert at(points, 100)["loss_at_most"] == pytest.approx(0.03, rel=0.15)
    assert at(points, 0)["loss_at_most"] == 0


def test_many_units_are_merged_whole():
    outcomes, vectors = world(5_000, 2_500)
    rows = outcomes.pairs
    units = resampling_units(rows["group"])
    assert units.count == 1_000
    per_group = rows.with_columns(unit=units.unit).group_by("group").agg(pl.col("unit").n_unique())
    assert per_group["unit"].max() == 1
    merged = losses_at_most(sweep(rows, vectors[:, 0], units), units)
    unmerged = Units(
        rows["group"].rank("dense").to_numpy().astype(int) - 1, np.zeros(2_500, int), True
    )
    exact = losses_at_most(sweep(rows, vectors[:, 0], unmerged), unmerged)
    assert merged[60:] == pytest.approx(exact[60:], abs=0.002)


def told(*steps: tuple[float | None, float | None], spread: float = 0.1) -> pl.DataFrame:
    """A frontier of bounds of the loss and savings, each within ``spread``."""
    money = pl.Series([saved for _, saved in steps], dtype=pl.Float64)
    return pl.DataFrame(
        {
            "step": range(len(steps)),
            "strong_share": [1 - n / (len(steps) - 1) for n in range(len(steps))],
            "loss": [0.01] * len(steps),
            "loss_at_most": [bound for bound, _ in steps],
            "saved": money,
            "saved_low": money - spread,
            "saved_high": money + spread,
        },
        schema_overrides={"loss_at_most": pl.Float64},
    )


def test_the_first_failure_ends_the_search():
    found = recommend(told((0, 0), (0.02, 1), (0.04, 2), (0.06, 3), (0.01, 4)), 0.05, 100)
    assert (found.state, found.step) == (RECOMMENDED, 2)


def test_the_best_saving_of_the_proven_steps_counts_not_the_last():
    assert recommend(told((0, 0), (0.02, 2), (0.04, 1)), 0.05, 100).step == 1
    assert recommend(told((0, None), (0.02, None), (0.04, None)), 0.05, 100).step == 2


def test_a_loss_that_cannot_be_proven_small_recommends_nothing():
    found = recommend(told((0, 0), (0.09, 1)), 0.05, 100)
    assert (found.state, found.step) == (CANNOT_TELL, 0)
    # The bound is 0.08 away, it may be 0.04: four times the questions.
    assert "100 questions bound the loss at 9 %, more than 5 %; about 400 might do" in found.reason
    assert recommend(told((None, 0), (None, 1)), 0.05, 100).state == CANNOT_TELL


def test_a_small_model_that_is_not_cheaper_saves_nothing():
    assert recommend(told((0, 0), (0.01, -1)), 0.05, 100).state == NOTHING_SAVED


def test_a_saving_that_may_be_none_is_not_recommended_and_told_with_its_interval():
    found = recommend(told((0, 0), (0.02, 0.1), (0.04, 0.3), spread=0.6), 0.05, 100)
    assert (found.state, found.step) == (CANNOT_TELL, 0)
    # The lower end is 0.6 away, it may be 0.3: four times the questions.
    assert found.reason == (
        "not proven to save anything: $0.300000 a call at best, with 95 % confidence -$0.300000 a "
        "call to $0.900000 a call, by 100 questions; about 400 might do"
    )


def test_what_surely_saves_less_is_recommended_before_what_may_save_nothing():
    frame = told((0, 0), (0.02, 1), (0.04, 2))
    doubtful = pl.when(step=2).then(-0.5).otherwise("saved_low")
    assert recommend(frame.with_columns(saved_low=doubtful), 0.05, 100).step == 1
    unknown = pl.when(step=2).then(None).otherwise("saved_low")
    assert recommend(frame.with_columns(saved_low=unknown), 0.05, 100).step == 1


def test_a_saving_without_an_interval_is_not_recommended():
    frame = told((0, 0), (0.02, 1)).with_columns(saved_low=None, saved_high=None)
    found = recommend(frame.cast({"saved_low": pl.Float64, "saved_high": pl.Float64}), 0.05, 100)
    assert (found.state, found.step) == (CANNOT_TELL, 0)
    assert found.reason == (
        "not proven to save anything: $1.000000 a call at best, by 100 questions of one session or "
        "source: no interval can be given"
    )


def test_choosing_the_threshold_keeps_the_promise():
    # A population where leaving more than about a third of the calls loses over 5 %.
    draw = np.random.default_rng(5)

    def questions(count):
        need = draw.random(count)
        strong = draw.random(count) < 0.8
        weak = strong & (draw.random(count) >= need**1.5)
        return need, weak, strong

    def frame(weak, strong):
        return pl.DataFrame(
            {"group": [f"{n}" for n in range(len(weak))], "score_weak": weak.astype(float),
             "score_strong": strong.astype(float), "cost_weak": 0.0, "cost_strong": 1.0,
             "cost_router": 0.0}
        )  # fmt: skip

    broken = 0
    for _ in range(200):
        need, weak, strong = questions(250)
        rows = frame(weak, strong)
        units = resampling_units(rows["group"])
        swept = sweep(rows, need, units)
        points = pl.DataFrame(
            {
                "step": np.arange(101),
                "strong_share": swept.strong.sum(axis=0) / 250,
                "loss": np.zeros(101),
                "loss_at_most": losses_at_most(swept, units),
                "saved": np.arange(101.0),
                "saved_low": np.arange(101.0),
                "saved_high": np.arange(101.0),
            }
        )
        threshold = swept.threshold[recommend(points, 0.05, 250).step]
        # The true loss of leaving all needs below t: the integral of need^1.5 up to t.
        broken += min(threshold, 1.0) ** 2.5 / 2.5 > 0.05 if threshold > 0 else 0
    # 5 % of 200 is 10; chance exceeds 18 once in 200 such runs. The seed is fixed.
    assert 0 < broken <= 18
