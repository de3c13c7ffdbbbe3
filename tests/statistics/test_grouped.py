import numpy as np
import polars as pl
import pytest

from llmops_pipelines.statistics import (
    mean_interval,
    mean_intervals,
    quantile_interval,
    quantile_intervals,
)


def scores(*rows):
    return pl.DataFrame(
        rows,
        schema={"feature": pl.String, "session": pl.String, "score": pl.Float64},
        orient="row",
    )


def means(frame):
    return mean_intervals(frame, ["feature"], "score", cluster="session", bounds=(0, 1))


def many(seed=1):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "feature": rng.choice(["a", "b", "c"], 300),
            "session": [f"s{i}" if i % 4 else None for i in rng.integers(0, 60, 300)],
            "score": rng.beta(4, 2, 300),
        }
    )


def test_every_group_gets_its_own_clustered_mean():
    frame = many()
    for feature, *found in means(frame).iter_rows():
        own = frame.filter(feature=feature)
        expected = mean_interval(own["score"], clusters=own["session"], bounds=(0, 1))
        assert found == pytest.approx(list(expected))


def test_every_group_gets_its_own_percentiles():
    frame = many()
    found = quantile_intervals(frame, ["feature"], "score", [0.99, 0.5])
    assert found["quantile"].to_list() == [0.5, 0.99] * 3
    for feature, quantile, *ends in found.iter_rows():
        own = frame.filter(feature=feature)["score"]
        assert ends == list(quantile_interval(own, quantile))


def test_a_group_of_one_session_has_no_interval():
    frame = scores(("a", "s", 0.5), ("a", "s", 0.7), ("b", None, 0.5), ("b", None, 0.7))
    first, second = means(frame).rows()
    assert first == ("a", pytest.approx(0.6), None, None, 2)
    assert None not in second


def test_sessions_of_the_same_name_in_two_groups_are_two():
    frame = scores(("a", "s", 0.2), ("a", "t", 0.4), ("b", "s", 0.2), ("b", "t", 0.4))
    first, second = means(frame).rows()
    assert first[1:] == second[1:]


def test_values_that_are_missing_or_off_the_scale_are_left_out():
    frame = scores(("a", "s", 0.2), ("a", "t", None), ("a", "u", 7.0), ("a", "v", float("nan")))
    assert means(frame)["n"].to_list() == [1]
    ranked = quantile_intervals(frame, ["feature"], "score", [0.5])
    assert ranked.rows() == [("a", 0.5, 0.2, None, None, 2)]


def test_the_order_of_rows_changes_no_bit():
    frame = many()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=9)
    assert means(frame).equals(means(shuffled))


def test_no_rows_give_no_groups():
    empty = many().clear()
    assert means(empty).schema == means(many()).schema
    assert means(empty).is_empty()
    assert quantile_intervals(empty, ["feature"], "score", [0.5]).is_empty()
