from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.cost import cost_anomalies
from llmops_pipelines.cost.unusual import judge_last
from tests.cost.spending import MONDAY, daily, spent

WEEK = [10, 11, 9, 10, 10, 2, 2.1]
FIRST = date(2026, 10, 5)


def judged(costs, day=None, scope="total"):
    last = day or costs["day"].max()
    return cost_anomalies(costs, last).filter(scope=scope).row(0, named=True)


def test_a_usual_day_is_usual_on_workdays_and_weekends():
    assert judged(daily(WEEK * 5, FIRST))["status"] == "usual"
    assert judged(daily((WEEK * 5)[:-2], FIRST))["status"] == "usual"


@pytest.mark.parametrize(("today", "direction"), [(30, "higher"), (3, "lower"), (0, "lower")])
def test_a_day_far_off_its_weekday_is_told_with_direction_and_expectation(today, direction):
    found = judged(daily([*WEEK * 5, today], FIRST))
    assert (found["status"], found["direction"]) == ("unusual", direction)
    assert found["expected"] == pytest.approx(10, rel=0.1)
    assert found["usual_low"] < found["expected"] < found["usual_high"]
    assert (found["z"] > 0) == (direction == "higher")
    assert found["history_days"] == 35


def test_a_monday_at_a_sundays_level_is_unusual_though_sundays_are_not():
    assert judged(daily([*WEEK * 5, 2], FIRST))["status"] == "unusual"


def test_the_feature_and_model_that_drove_it_are_named():
    quiet, loud = daily([*WEEK * 5, 10], FIRST), daily([5] * 35 + [60], FIRST, feature="search")
    moved = pl.concat(
        [quiet, loud, daily([20], FIRST + timedelta(days=35), model="giant", feature="search")]
    )
    found = judged(moved)
    assert (found["driver_feature"], found["driver_model"]) == ("search", "large")
    assert found["driver_change"] == pytest.approx(55)
    assert judged(moved, scope="chat")["driver_feature"] is None


def test_of_a_fall_the_driver_is_what_fell():
    gone = pl.concat(
        [daily([*WEEK * 5, 10], FIRST), daily([40] * 35 + [""], FIRST, feature="search")]
    )
    found = judged(gone)
    assert (found["direction"], found["driver_feature"]) == ("lower", "search")
    assert found["driver_change"] == pytest.approx(-40)


def test_what_never_varied_may_change_by_a_few_per_cent_and_not_by_half():
    assert judged(daily([10] * 30 + [11]))["status"] == "usual"
    assert judged(daily([10] * 30 + [15]))["status"] == "unusual"


@pytest.mark.parametrize("days", range(5))
def test_few_days_never_fire(days):
    found = judged(daily([10] * days + [1000]))
    assert found["status"] == "no_data"
    assert found["reason"] == f"{days} working days before it; at least 5"


def test_before_two_weeks_weekends_are_not_held_against_workdays():
    found = judged(daily([10] * 5 + [1]))
    assert (found["status"], found["reason"]) == ("no_data", "0 weekend days before it; at least 5")
    assert judged(daily([*WEEK, 90]))["status"] == "unusual"


def test_a_day_that_cannot_be_priced_is_no_data_and_not_low():
    found = judged(daily([*WEEK * 3, None], FIRST))
    assert (found["status"], found["spent"], found["z"]) == ("no_data", None, None)
    assert "no price" in found["reason"]


def test_models_that_never_have_a_price_hide_no_unusual_day_and_are_counted():
    always = daily([None] * 36, FIRST, model="own")
    found = judged(pl.concat([daily([*WEEK * 5, 90], FIRST), always]))
    assert (found["status"], found["spent"], found["unpriced_calls"]) == ("unusual", 90, 100)


def test_days_that_are_not_known_are_left_out_of_what_is_usual():
    holed = [cost if at % 5 else "" for at, cost in enumerate(WEEK * 5)]
    assert judged(daily([*holed, 10], FIRST))["status"] == "usual"


def test_the_first_day_of_money_after_none_is_unusual_and_none_after_none_is_not():
    assert judged(daily([0] * 20 + [5]))["status"] == "unusual"
    assert judged(daily([0] * 21))["status"] == "usual"


def test_the_week_after_an_outlier_is_usual_again():
    spike = [10] * 8 + [100] + [10] * 7
    for days in range(len(spike) - 6, len(spike) + 1):
        assert judged(daily(spike[:days]))["status"] in ("usual", "no_data")


@pytest.mark.parametrize("weeks", [3, 4])
@pytest.mark.parametrize("times", [5, 0.1])
def test_an_incident_of_three_days_hides_none_of_the_next_weeks(weeks, times):
    random = np.random.default_rng(1)
    told = []
    for _ in range(40):
        series = np.array(WEEK * weeks + WEEK[:1]) * random.lognormal(0, 0.08, 7 * weeks + 1)
        series[-9:-6] *= times
        for factor in (1, 3):
            last = np.append(series[:-1], series[-1] * factor)
            told.append((factor, abs(judge_last(last, np.arange(len(last)) % 7).z) > 3.5))
    assert np.mean([fired for factor, fired in told if factor == 3]) > 0.9
    assert np.mean([fired for factor, fired in told if factor == 1]) < 0.05


def test_a_day_without_any_log_says_so():
    found = judged(daily(WEEK * 3, FIRST), FIRST + timedelta(days=21))
    assert (found["status"], found["reason"]) == (
        "no_data",
        "no call of any feature was logged that day",
    )


def test_a_level_that_rose_two_weeks_ago_is_the_new_usual():
    assert judged(daily([*WEEK * 4, *(2 * x for x in WEEK * 2), 20], FIRST))["status"] == "usual"


def test_no_logs_have_no_rows():
    assert cost_anomalies(daily([]), MONDAY).is_empty()


def test_about_one_usual_day_in_a_hundred_is_called_unusual():
    random = np.random.default_rng(0)
    pattern = np.array([1, 1, 1, 1, 1, 0.3, 0.3])
    series = pattern[np.arange(34) % 7] * random.lognormal(0, 0.2, (100, 34))
    fired = [abs(judge_last(one[:29], np.arange(29) % 7).z) > 3.5 for one in series]
    assert np.mean(fired) < 0.04


def test_days_of_a_customer_who_comes_and_goes_are_seldom_unusual():
    random = np.random.default_rng(3)
    fired = []
    for _ in range(60):
        on = random.random(42) < 0.35
        series = np.where(on, random.lognormal(0, 0.5, 42), random.uniform(0.01, 0.05, 42))
        fired.append(abs(judge_last(series, np.arange(42) % 7).z) > 3.5)
    assert np.mean(fired) < 0.06


def test_a_row_says_what_was_spent_exactly():
    rows = pl.concat(
        [
            daily(WEEK * 3, FIRST),
            pl.DataFrame(
                [spent(FIRST + timedelta(days=21), "0.1", feature="b")], schema=daily([]).schema
            ),
        ]
    )
    assert str(judged(rows, scope="b")["spent"]) == "0.100000000000"
