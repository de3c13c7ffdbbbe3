"""Differences of scores of the same items."""

import numpy as np
import pytest

from llmops_pipelines.statistics import normal_critical, paired_difference
from llmops_pipelines.statistics.interval import NOTHING


@pytest.mark.parametrize("n", [5, 20, 400])
def test_without_a_differing_pair_the_interval_is_tangos(n):
    found = paired_difference([1.0] * n, [1.0] * n)
    z2 = normal_critical(0.95) ** 2
    assert found.estimate == 0
    assert (found.low, found.high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)))


@pytest.mark.parametrize(("n", "up", "down"), [(30, 0.1, 0.05), (80, 0.3, 0.1), (100, 0.02, 0.0)])
def test_the_true_difference_is_covered(n, up, down):
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        draw, old = random.random(n), random.integers(0, 2, n).astype(float)
        new = np.where(draw < up + down, (draw < up).astype(float), old)
        old = np.where(draw < up + down, (draw >= up).astype(float), old)
        found = paired_difference(new, old)
        covered += found.low <= up - down <= found.high
    assert covered >= 0.93 * 400


def test_related_items_widen_the_interval_and_weights_move_the_estimate():
    new, old = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    free = paired_difference(new, old)
    related = paired_difference(new, old, clusters=["a", "a", "b", "b", "c", "c"])
    assert free.estimate == related.estimate == pytest.approx(1 / 3)
    assert related.high - related.low > free.high - free.low
    assert paired_difference(new, old, [10, 10, 1, 1, 1, 1]).estimate == pytest.approx(20 / 24)


def test_what_is_no_pair_of_scores_is_refused():
    assert paired_difference([], []) == NOTHING
    single = paired_difference([1.0], [0.0])
    assert (single.estimate, single.low, single.high) == (1.0, None, None)
    with pytest.raises(ValueError, match="1 new scores for 2 old ones"):
        paired_difference([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="expected 0 to 1"):
        paired_difference([5.0], [1.0])
