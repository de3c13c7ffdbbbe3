import numpy as np
import pytest

from llmops_pipelines.statistics import design_mean, design_rate, mean_interval, wilson


def stratified(sizes, draws, rates, rng):
    """A draw from strata of ``sizes`` whose rates are ``rates``."""
    strata = np.repeat(np.arange(len(sizes)), draws)
    probabilities = np.repeat(np.array(draws) / np.array(sizes), draws)
    outcomes = rng.random(len(strata)) < np.repeat(rates, draws)
    return design_rate(outcomes.astype(float), probabilities, strata=strata.tolist())


def test_a_stratified_mean_is_the_textbook_one():
    # Strata of 9 and 3 traces; W. Cochran, Sampling Techniques (3rd ed. 1977), ch. 5, without fpc:
    # mean .75 * 2 + .25 * 6; variance .75^2 * 1 / 3 + .25^2 * 8 / 2 = .4375; t(3) = 3.182446.
    found = design_mean(
        [1, 2, 3, 4, 8], [3 / 9] * 3 + [2 / 3] * 2, strata=["a", "a", "a", "b", "b"]
    )
    assert found.estimate == pytest.approx(3.0)
    assert found.high - 3.0 == pytest.approx(3.182446 * 0.4375**0.5, abs=1e-5)
    assert found.n == 5


def test_one_stratum_drawn_evenly_is_the_plain_mean():
    values = [0.2, 0.9, 0.4, 0.8]
    assert design_mean(values, [0.1] * 4, bounds=(0, 1)) == pytest.approx(
        mean_interval(values, bounds=(0, 1))
    )


def test_one_stratum_drawn_evenly_is_the_plain_rate():
    found = design_rate([1.0] * 56 + [0.0] * 14, [0.5] * 70)
    assert found == pytest.approx(wilson(56, 70))


def test_a_census_is_still_a_sample_of_the_service():
    outcomes = [1.0] * 9 + [0.0]
    assert design_rate(outcomes, [1.0] * 10) == design_rate(outcomes, [0.01] * 10)


def test_an_oversampled_stratum_does_not_pull_the_rate():
    # All 10 of 10 rare traces fail, none of 10 drawn from 990 common ones.
    outcomes, probabilities = [0.0] * 10 + [1.0] * 10, [1.0] * 10 + [10 / 990] * 10
    found = design_rate(outcomes, probabilities, strata=["rare"] * 10 + ["common"] * 10)
    assert found.estimate == pytest.approx(0.99)


def test_a_heavy_stratum_without_failure_is_no_certainty():
    outcomes, probabilities = [1.0] * 5 + [0.0, 1.0] * 5, [5 / 1000] * 5 + [1.0] * 10
    found = design_rate(outcomes, probabilities, strata=["heavy"] * 5 + ["light"] * 10)
    # Not surer than the five draws that stand for 99 % of the traces.
    assert found.low < wilson(5, 5).low + 0.02


def test_none_of_n_has_an_interval_with_a_width():
    found = design_rate([0.0] * 40, [0.2] * 40, strata=["a"] * 20 + ["b"] * 20)
    assert (found.estimate, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(wilson(0, 40).high, abs=0.001)


def test_none_of_n_in_few_sessions_counts_sessions():
    sessions = ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    found = design_rate([0.0] * 30, [1.0] * 30, clusters=sessions)
    assert found.high > wilson(0, 3).high > 0.5
    assert found.n == 30


def test_a_single_session_is_worth_one_draw():
    found = design_rate([1.0, 0.0, 1.0, 0.0], [1.0] * 4, clusters=["s"] * 4)
    assert (found.low, found.high) == pytest.approx((wilson(0.5, 1).low, wilson(0.5, 1).high))


def test_a_single_trace_has_wilsons_interval():
    assert design_rate([1.0], [0.3]) == pytest.approx(wilson(1, 1))


def test_strata_of_one_trace_are_taken_together():
    values, probabilities = [1.0, 2.0, 4.0], [0.5, 0.5, 0.5]
    alone = design_mean(values, probabilities, strata=["a", "b", "c"])
    assert alone == pytest.approx(design_mean(values, probabilities))


def test_one_stratum_of_one_trace_is_measured_from_the_overall_mean():
    found = design_mean([1.0, 3.0, 8.0], [0.5] * 3, strata=["a", "a", "b"])
    # mean 4; within a: 2 * (1 + 1) / 9; b alone: (8 - 4)^2 / 9; t(1) = 12.7062.
    assert found.high - 4 == pytest.approx(12.7062 * (4 / 9 + 16 / 9) ** 0.5, abs=1e-3)


def test_a_session_across_strata_is_one_cluster():
    values = [0.0, 0.1, 0.9, 1.0] * 2
    strata, sessions = ["a"] * 4 + ["b"] * 4, ["s", "t", "u", "v"] * 2
    apart = design_mean(values, [0.5] * 8, strata=strata)
    together = design_mean(values, [0.5] * 8, strata=strata, clusters=sessions)
    assert together.high - together.low > apart.high - apart.low


def test_strata_that_differ_only_between_each_other_are_no_certainty():
    values, strata = [0.9] * 4 + [0.3] * 4, ["a"] * 4 + ["b"] * 4
    found = design_mean(values, [0.5] * 8, strata=strata, bounds=(0, 1))
    assert found.high - found.low > 0.4


@pytest.mark.parametrize("estimate", [design_mean, design_rate])
def test_no_observation_has_no_estimate(estimate):
    assert estimate([], []) == (None, None, None, 0)


@pytest.mark.parametrize("probability", [0.0, 1.5, -0.1])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(ValueError, match=r"probabilities run from .* expected above 0, at most 1"):
        design_rate([1.0, 0.0], [0.5, probability])


def test_a_probability_is_due_for_each_value():
    with pytest.raises(ValueError, match="1 probabilities for 2 values"):
        design_rate([1.0, 0.0], [0.5])


def test_a_score_is_no_outcome():
    with pytest.raises(ValueError, match=r"1 of 2 are neither 0 nor 1; use design_mean"):
        design_rate([1.0, 0.5], [0.5, 0.5])


@pytest.mark.parametrize(
    ("sizes", "draws", "rates"),
    [((500, 500), (30, 30), (0.05, 0.3)), ((300, 300, 300), (20, 20, 20), (0.9, 0.95, 0.7))],
)
def test_stratified_rates_cover_as_often_as_they_say(sizes, draws, rates):
    rng = np.random.default_rng(21)
    truth = np.average(rates, weights=sizes)
    found = (stratified(sizes, draws, rates, rng) for _ in range(1200))
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98


def test_rates_of_related_traces_cover_as_often_as_they_say():
    rng = np.random.default_rng(22)
    sessions = np.repeat(np.arange(40), 3).tolist()

    def draw():
        chance = np.repeat(rng.beta(0.35, 3.15, size=40), 3)  # mean 0.1, correlation 0.22
        outcomes = (rng.random(120) < chance).astype(float)
        return design_rate(outcomes, np.ones(120), clusters=sessions)

    found = (draw() for _ in range(1200))
    assert 0.93 <= np.mean([one.low <= 0.1 <= one.high for one in found]) <= 0.98
