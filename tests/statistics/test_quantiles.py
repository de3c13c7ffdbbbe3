import numpy as np
import pytest
from scipy.stats import binom

from llmops_pipelines.statistics import quantile_interval


# Ranks of the sign test's interval of the median, W. Conover, Practical Nonparametric Statistics,
# ch. 3.2; below six observations there is none at 95 %.
@pytest.mark.parametrize(
    ("n", "low", "high"), [(5, None, None), (6, 1, 6), (10, 2, 9), (15, 4, 12), (20, 6, 15)]
)
def test_the_interval_of_a_median_is_the_tabled_one(n, low, high):
    found = quantile_interval(range(1, n + 1), 0.5)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(("n", "has_end"), [(367, False), (368, True)])
def test_a_99th_percentile_needs_368_calls_for_an_upper_end(n, has_end):
    assert 1 - 0.99**368 >= 0.975 > 1 - 0.99**367
    found = quantile_interval(range(n), 0.99)
    assert found.high == (n - 1 if has_end else None)
    assert found.low is not None


@pytest.mark.parametrize(
    ("n", "q", "expected"),
    [(100, 0.95, 95), (100, 0.07, 7), (20, 0.99, 20), (1, 0.5, 1), (4, 0.5, 2)],
)
def test_the_estimate_is_the_nearest_rank(n, q, expected):
    found = quantile_interval(range(1, n + 1), q)
    assert found.estimate == expected
    assert found.n == n


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_the_ends_bracket_the_quantile_with_at_least_the_confidence_asked_for(q):
    for n in [*range(1, 120), 1_000, 20_000]:
        found = quantile_interval(range(1, n + 1), q)
        below = 0.0 if found.low is None else binom.cdf(found.low - 1, n, q)
        above = 0.0 if found.high is None else binom.sf(found.high - 1, n, q)
        assert max(below, above) <= 0.025
        # One rank further in, the confidence would be lost: the ends are as close as they can be.
        assert binom.cdf(found.low or 0, n, q) > 0.025
        assert binom.sf((found.high or n + 1) - 2, n, q) > 0.025


def test_values_need_not_be_sorted_and_may_repeat():
    assert quantile_interval([3.0, 1.0, 2.0, 2.0, 2.0, 2.0], 0.5) == (2.0, 1.0, 3.0, 6)


def test_no_observation_has_no_quantile():
    assert quantile_interval([], 0.5) == (None, None, None, 0)


@pytest.mark.parametrize("q", [0, 1, 99])
def test_a_percentile_in_percent_is_refused(q):
    with pytest.raises(ValueError, match=r"such as 0\.99 for the 99th percentile"):
        quantile_interval([1.0], q)


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        quantile_interval([1.0], 0.5, confidence=95)


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="values: 1 of 2"):
        quantile_interval([1.0, float("nan")], 0.5)


def test_skewed_latencies_are_covered_as_often_as_said():
    rng = np.random.default_rng(31)
    truth = float(np.exp(1.2815515655446004))
    found = (quantile_interval(rng.lognormal(size=200), 0.9) for _ in range(1500))
    assert 0.94 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98
