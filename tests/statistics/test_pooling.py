import numpy as np
import pytest

from llmops_pipelines.statistics import Interval, mean_interval, pool_means, pool_rates, wilson

NOTHING = Interval(None, None, None, 0)


@pytest.mark.parametrize("counts", [[(5, 100), (6, 100)], [(0, 50), (0, 80)], [(30, 30), (40, 40)]])
def test_days_that_agree_pool_to_the_rate_of_all_their_calls(counts):
    together = wilson(sum(x for x, _ in counts), sum(n for _, n in counts))
    assert pool_rates([wilson(x, n) for x, n in counts]) == pytest.approx(together)


def test_one_day_pools_to_itself():
    assert pool_rates([wilson(3, 40)]) == pytest.approx(wilson(3, 40))
    day = mean_interval([0.5, 0.7, 0.9, 0.8], bounds=(0, 1))
    assert pool_means([day]) == pytest.approx(day)


def test_days_that_contradict_each_other_widen_the_pool():
    calm = pool_rates([wilson(10, 100), wilson(10, 100)])
    torn = pool_rates([wilson(1, 100), wilson(19, 100)])
    assert torn.estimate == pytest.approx(calm.estimate, abs=0.01)
    assert torn.high - torn.low > 2 * (calm.high - calm.low)
    far = pool_means([Interval(0.2, 0.19, 0.21, 50), Interval(0.8, 0.79, 0.81, 50)])
    assert far.high - far.low > 0.5


def test_means_count_by_their_observations():
    found = pool_means([Interval(0.5, 0.4, 0.6, 30), Interval(0.5, 0.4, 0.6, 30)])
    assert found == pytest.approx((0.5, 0.5 - 0.1 / 2**0.5, 0.5 + 0.1 / 2**0.5, 60))
    assert pool_means([Interval(1, 0, 2, 30), Interval(2, 1, 3, 10)]).estimate == 1.25


@pytest.mark.parametrize("pool", [pool_rates, pool_means])
def test_days_without_an_interval_are_left_out(pool):
    day = wilson(3, 40)
    assert pool([NOTHING, day, Interval(0.4, None, None, 1)]) == pytest.approx(day)
    assert pool([NOTHING]) == NOTHING
    assert pool([]) == NOTHING


def test_a_day_of_no_width_counts_by_its_observations():
    assert pool_rates([Interval(0.5, 0.5, 0.5, 20)]) == pytest.approx(wilson(10, 20))
    assert pool_means([Interval(2.0, 2.0, 2.0, 5), Interval(2.0, 2.0, 2.0, 5)]) == (2, 2, 2, 10)


def test_pooled_weeks_cover_as_often_as_they_say():
    rng = np.random.default_rng(51)
    found = (
        pool_rates([wilson(rng.binomial(40, 0.08), 40) for _ in range(7)]) for _ in range(1500)
    )
    assert 0.93 <= np.mean([one.low <= 0.08 <= one.high for one in found]) <= 0.98
