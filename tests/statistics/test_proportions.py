import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from llmops_pipelines.statistics import wilson


# R. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    found = wilson(successes, n)
    assert found.estimate == successes / n
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.n == n


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 7), (999, 1000), (2, 100_000)])
def test_wilson_agrees_with_statsmodels(successes, n, confidence):
    expected = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    found = wilson(successes, n, confidence)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


def test_no_failure_is_not_certainty_that_there_is_none():
    assert wilson(0, 500).low == 0.0
    assert wilson(0, 500).high > 0.007
    assert wilson(500, 500).high == 1.0
    assert wilson(500, 500).low < 0.993


def test_nothing_observed_has_no_rate():
    assert wilson(0, 0) == (None, None, None, 0)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 5), (float("nan"), 5)])
def test_numbers_that_are_no_rate_are_refused(successes, n):
    with pytest.raises(ValueError, match=r"successes of .* expected 0 <= successes <= n"):
        wilson(successes, n)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_in_percent_is_refused(confidence):
    with pytest.raises(ValueError, match=r"expected between 0 and 1, such as 0\.95"):
        wilson(1, 2, confidence)


def test_columns_get_the_same_bounds_as_numbers():
    frame = pl.DataFrame({"x": [0, 1, 7, 20], "n": [20, 29, 10, 20]})
    low, high = wilson(pl.col("x"), pl.col("n"))
    found = frame.select(low=low, high=high)
    single = [wilson(x, n) for x, n in frame.iter_rows()]
    assert found["low"].to_list() == pytest.approx([one.low for one in single], abs=1e-15)
    assert found["high"].to_list() == pytest.approx([one.high for one in single], abs=1e-15)
    assert (found["low"][0], found["high"][3]) == (0.0, 1.0)


def test_a_column_without_observations_is_null():
    frame = pl.DataFrame(
        {"x": [0, None, 1], "n": [0, 5, None]}, schema={"x": pl.Int64, "n": pl.Int64}
    )
    low, high = wilson(pl.col("x"), pl.col("n"))
    assert frame.select(low=low, high=high).rows() == [(None, None)] * 3


def test_a_constant_total_may_stand_beside_a_column():
    low, _ = wilson(pl.col("x"), 20)
    assert pl.DataFrame({"x": [0]}).select(low)["literal"].to_list() == [0.0]
