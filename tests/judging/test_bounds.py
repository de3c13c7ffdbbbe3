"""Bounds: below, held, or not to be told."""

from __future__ import annotations

from random import Random

import pytest

from llmops_pipelines.judging.bounds import Bound, judged, score_interval


def held(bound: float, scores: list[float], unscored: int = 0, side: str = "under") -> str:
    return judged(Bound("m", bound, side), score_interval(scores), unscored).held


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
    judgement = judged(Bound("m", 0.5), score_interval([0.7]), 3)
    assert (judgement.held, judgement.low) == ("cannot_tell", None)
    assert judgement.why == "1 scored, 3 without a score: too few to tell"


def test_means_keep_to_their_scale_and_the_sentence_names_what_misses():
    interval = score_interval([0.25, 0.5, 0.75, 1.0] * 50)
    assert interval.estimate == pytest.approx(0.625)
    assert 0 < interval.low < interval.estimate < interval.high < 1
    judgement = judged(Bound("m", 0.5), interval, 1)
    assert judgement.held == "holds"
    assert "mean 0.625 over 200 scored, 1 without a score counted as anything" in judgement.why
    assert str(judgement.bound) == "--fail-under m=0.5"


@pytest.mark.parametrize("values", [(1.0, 0.0), (0.9, 0.2)])
def test_lines_that_repeat_a_content_weigh_as_often_and_tell_no_more(values):
    """A file that was written twice is no surer: 30 contents, of which 21 pass, some copied often.

    The interval has the rate that the contents were drawn with inside in 95 % of the draws; where
    every line counts as a draw of its own, in 4 of 10.
    """
    random = Random(1)
    truth = 0.7 * values[0] + 0.3 * values[1]
    inside = naive = 0
    for _ in range(200):
        drawn = [values[random.random() > 0.7] for _ in range(30)]
        lines = [
            (score, str(n)) for n, score in enumerate(drawn) for _ in range(random.choice([1, 20]))
        ]
        scores, contents = [score for score, _ in lines], [content for _, content in lines]
        found, alone = score_interval(scores, contents), score_interval(scores)
        assert (found.estimate, found.n) == (pytest.approx(alone.estimate), alone.n)
        inside += found.low <= truth <= found.high
        naive += alone.low <= truth <= alone.high
    assert inside >= 180
    assert naive <= 110
    once = score_interval(drawn, [str(n) for n in range(30)])
    assert once == score_interval(drawn)
