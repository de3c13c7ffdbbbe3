import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from llmops_pipelines.statistics import (
    Interval,
    difference_of_intervals,
    difference_of_means,
    difference_of_rates,
    mean_interval,
    relative_drop,
    wilson,
)


def test_a_difference_of_rates_is_the_published_one():
    # R. Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10: 56/70 - 48/80.
    found = difference_of_rates(56, 70, 48, 80)
    assert found.estimate == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.n == 150


@pytest.mark.parametrize("counts", [(10, 10, 0, 10), (0, 30, 0, 40), (7, 200, 15, 180)])
def test_a_difference_of_rates_agrees_with_statsmodels(counts):
    expected = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    found = difference_of_rates(*counts)
    assert (found.low, found.high) == pytest.approx(expected)


def test_nothing_on_one_side_is_no_difference():
    assert difference_of_rates(0, 0, 5, 10) == (None, None, None, 10)


def test_a_difference_of_means_adds_variances():
    assert difference_of_means(5.0, 0.3, 4.0, 0.4, n=70) == pytest.approx(
        (1.0, 1.0 - 1.959964 * 0.5, 1.0 + 1.959964 * 0.5, 70)
    )


def test_a_negative_standard_error_is_refused():
    with pytest.raises(ValueError, match=r"standard errors are 1\.0 and -1\.0"):
        difference_of_means(1.0, 1.0, 2.0, -1.0)


def test_symmetric_intervals_differ_like_means():
    found = difference_of_intervals(Interval(5, 4.4, 5.6, 40), Interval(4, 3.2, 4.8, 30))
    assert found == pytest.approx((1, 0, 2, 70))


def test_a_missing_end_is_missing_in_the_difference():
    found = difference_of_intervals(Interval(5, None, 6, 3), Interval(4, 3, 5, 9))
    assert found.low is None
    assert found.high == pytest.approx(1 + 2**0.5)


def test_a_relative_drop_with_symmetric_intervals_is_fiellers():
    current, baseline = Interval(8, 7, 9, 10), Interval(10, 9.5, 10.5, 90)
    # Fieller: the ratios r with (8 - 10 r)^2 = 1^2 + (0.5 r)^2.
    least, most = sorted(np.roots([100 - 0.25, -160, 64 - 1]))
    found = relative_drop(current, baseline)
    assert found == pytest.approx((0.2, 1 - most, 1 - least, 100))


def test_a_relative_drop_of_narrow_intervals_is_the_delta_methods():
    current, baseline = Interval(0.80, 0.798, 0.802, 10), Interval(0.90, 0.899, 0.901, 10)
    half = (0.80 / 0.90) * ((0.002 / 0.80) ** 2 + (0.001 / 0.90) ** 2) ** 0.5
    found = relative_drop(current, baseline)
    assert found.high - found.estimate == pytest.approx(half, rel=0.01)
    assert found.estimate - found.low == pytest.approx(half, rel=0.01)


def test_a_gain_is_a_negative_drop():
    found = relative_drop(Interval(0.9, 0.88, 0.92, 50), Interval(0.8, 0.78, 0.82, 50))
    assert found.estimate == pytest.approx(-0.125)
    assert found.high < 0


def test_a_fall_to_zero_is_a_drop_of_all():
    found = relative_drop(Interval(0.0, 0.0, 0.1, 20), Interval(0.9, 0.85, 0.94, 20))
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(1 - 0.1 / (0.85 * 0.95) ** 0.5)


@pytest.mark.parametrize("baseline", [Interval(0, 0, 0.1, 9), Interval(None, None, None, 0)])
def test_without_a_baseline_there_is_no_drop(baseline):
    assert relative_drop(Interval(0.5, 0.4, 0.6, 8), baseline) == (None, None, None, 8 + baseline.n)


def test_without_a_current_figure_there_is_no_drop():
    nothing = Interval(None, None, None, 0)
    assert relative_drop(nothing, Interval(0.5, 0.4, 0.6, 8)).estimate is None
    assert difference_of_intervals(nothing, nothing) == (None, None, None, 0)


def test_a_baseline_that_may_be_zero_leaves_the_gain_unbounded():
    found = relative_drop(Interval(0.5, 0.3, 0.7, 8), Interval(0.2, 0.0, 0.5, 5))
    assert found.low is None
    assert found.estimate == pytest.approx(-1.5)
    # The ratio r with 0.5 - 0.2 r = sqrt(0.2^2 + (0.3 r)^2).
    assert 1 - found.high == pytest.approx(max(np.roots([0.05, 0.2, -0.21])))


def test_an_unbounded_figure_leaves_the_drop_unbounded():
    found = relative_drop(Interval(0.5, None, None, 1), Interval(0.6, 0.5, 0.7, 30))
    assert (found.low, found.high) == (None, None)


def test_differences_cover_as_often_as_they_say():
    rng = np.random.default_rng(41)
    found = (
        difference_of_rates(rng.binomial(50, 0.1), 50, rng.binomial(80, 0.05), 80)
        for _ in range(2000)
    )
    assert 0.93 <= np.mean([one.low <= 0.05 <= one.high for one in found]) <= 0.98


def test_relative_drops_cover_as_often_as_they_say():
    rng = np.random.default_rng(42)

    def draw():
        current = mean_interval(rng.beta(8, 2, size=40), bounds=(0, 1))
        baseline = mean_interval(rng.beta(9, 1, size=100), bounds=(0, 1))
        return relative_drop(current, baseline)

    found = (draw() for _ in range(800))
    assert 0.93 <= np.mean([one.low <= 1 / 9 <= one.high for one in found]) <= 0.98


def test_wilson_intervals_give_newcombes_difference():
    assert difference_of_intervals(wilson(9, 10), wilson(5, 10)) == difference_of_rates(
        9, 10, 5, 10
    )
