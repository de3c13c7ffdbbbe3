import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from llmops_pipelines.statistics import mean_interval


def covered(interval, truth):
    return interval.low <= truth <= interval.high


def test_independent_values_get_students_interval():
    values = [9.1, 8.4, 10.2, 7.7, 9.9]
    expected = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    found = mean_interval(values)
    assert found.estimate == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.n == 5


def test_clusters_and_weights_agree_with_statsmodels():
    rng = np.random.default_rng(3)
    values, weights = rng.normal(size=60), rng.uniform(0.5, 4, size=60)
    clusters = rng.integers(0, 14, size=60)
    fit = sm.WLS(values, np.ones(60), weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    found = mean_interval(values, weights, clusters.tolist())
    assert found.estimate == pytest.approx(fit.params[0])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_calls_of_one_session_count_less_than_as_many_sessions():
    values = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    apart = mean_interval(values)
    together = mean_interval(values, clusters=["a"] * 3 + ["b"] * 3 + ["c"] * 3)
    assert together.estimate == apart.estimate
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_a_call_without_session_is_a_cluster_by_itself():
    values = [1.0, 2.0, 4.0, 8.0]
    assert mean_interval(values, clusters=[None] * 4) == mean_interval(values)


def test_one_observation_has_a_mean_and_no_interval():
    assert mean_interval([4.0]) == (4.0, None, None, 1)


def test_one_session_has_a_mean_and_no_interval():
    assert mean_interval([4.0, 2.0], clusters=["s", "s"], bounds=(1, 5)) == (3.0, None, None, 2)


def test_no_observation_has_no_mean():
    assert mean_interval([]) == (None, None, None, 0)


def test_equal_scores_on_a_scale_are_not_certainty():
    found = mean_interval([5.0, 5.0, 5.0], bounds=(1, 5))
    assert found.estimate == found.high == 5.0
    # Wilson's lower end for 3 of 3 is 0.4385; the scale is 4 wide.
    assert found.low == pytest.approx(1 + 4 * 0.43850, abs=1e-4)


def test_equal_scores_inside_the_scale_are_not_certainty_either():
    found = mean_interval([0.7] * 6, bounds=(0, 1))
    assert 0.2 < found.low < 0.4
    assert 0.8 < found.high < 1.0


def test_an_interval_on_a_scale_never_leaves_it():
    found = mean_interval([1.0] * 30 + [0.1], bounds=(0, 1))
    assert 0 < found.low < found.estimate < found.high < 1


def test_the_order_of_rows_does_not_matter():
    values = [0.1, 0.2, 0.3, 0.7, 0.11, 0.13]
    assert mean_interval(values) == mean_interval(values[::-1])


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_a_missing_value_is_refused_not_averaged(missing):
    with pytest.raises(ValueError, match=r"values: 1 of 3 .*count them and leave them out"):
        mean_interval([1.0, missing, 2.0])


def test_a_value_off_the_scale_is_refused():
    with pytest.raises(ValueError, match=r"values run from 1\.0 to 7\.0, expected 1 to 5"):
        mean_interval([1.0, 7.0], bounds=(1, 5))


def test_bounds_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="expected the smaller first"):
        mean_interval([1.0, 2.0], bounds=(5, 1))


def test_a_weight_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"a weight is 0\.0, expected above 0"):
        mean_interval([1.0, 2.0], [1.0, 0.0])


def test_labels_and_weights_must_match_the_values():
    with pytest.raises(ValueError, match="1 labels for 2 values"):
        mean_interval([1.0, 2.0], clusters=["a"])
    with pytest.raises(ValueError, match="1 weights for 2 values"):
        mean_interval([1.0, 2.0], [1.0])


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        mean_interval([1.0, 2.0], confidence=95)


def test_clustered_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(11)
    sessions = np.repeat(np.arange(30), 3).tolist()

    def draw():
        values = np.repeat(rng.normal(size=30), 3) + rng.normal(size=90)
        return mean_interval(values, clusters=sessions)

    assert 0.93 <= np.mean([covered(draw(), 0.0) for _ in range(1000)]) <= 0.98


def test_skewed_scores_on_a_scale_are_covered_as_often_as_said():
    rng = np.random.default_rng(12)

    def draw():
        scores = np.where(rng.random(60) < 0.2, rng.random(60), 1.0)
        return mean_interval(scores, bounds=(0, 1))

    assert 0.93 <= np.mean([covered(draw(), 0.9) for _ in range(1000)]) <= 0.98
