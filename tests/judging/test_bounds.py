"""Bounds: below, held, or not to be told."""

from __future__ import annotations

import pytest

from llmops_pipelines.judging.bounds import Bound, judged, score_interval


def held(bound: float, scores: list[float], unscored: int = 0, side: str = "under") -> str:
    return judged(Bound("m", bound, side), scores, unscored).held


@pytest.mark.parametrize(
    ("bound", "good", "bad", "unscored", "expected"),
    [
        (0.9, 1000, 0, 0, "holds"),
        (0.9, 500, 500, 0, "broken"),
        (0.9, 905, 95, 0, "cannot_tell"),
        (0.9, 10, 0, 0, "cannot_tell"),
        (0.9, 0, 0, 50, "cannot_tell"),
        # Without a score it may have been anything: what misses is never dropped.
        (0.9, 1000, 0, 50, "holds"),
        (0.9, 1000, 0, 200, "cannot_tell"),
        (0.9, 100, 900, 200, "broken"),
        (0.9, 80, 60, 900, "cannot_tell"),
        (0.0, 0, 1000, 0, "holds"),
    ],
)
def test_rates_are_held_against_the_interval(bound, good, bad, unscored, expected):
    assert held(bound, [1.0] * good + [0.0] * bad, unscored) == expected


def test_the_other_side_is_the_mirror_image():
    assert held(0.1, [0.0] * 1000, side="over") == "holds"
    assert held(0.1, [1.0] * 500 + [0.0] * 500, side="over") == "broken"
    assert held(0.1, [0.0] * 1000, 200, side="over") == "cannot_tell"


def test_one_score_of_many_values_tells_nothing_and_says_so():
    judgement = judged(Bound("m", 0.5), [0.7], 3)
    assert (judgement.held, judgement.low) == ("cannot_tell", None)
    assert judgement.why == "1 scored, 3 without a score: too few to tell"


def test_means_keep_to_their_scale_and_the_sentence_names_what_misses():
    interval = score_interval([0.25, 0.5, 0.75, 1.0] * 50)
    assert interval.estimate == pytest.approx(0.625)
    assert 0 < interval.low < interval.estimate < interval.high < 1
    judgement = judged(Bound("m", 0.5), [0.25, 0.5, 0.75, 1.0] * 50, 1)
    assert judgement.held == "holds"
    assert "mean 0.625 over 200 scored, 1 without a score counted as anything" in judgement.why
    assert str(judgement.bound) == "--fail-under m=0.5"
