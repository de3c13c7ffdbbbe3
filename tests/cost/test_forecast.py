import time
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.cost import cost_forecast, month_end
from llmops_pipelines.cost.season import PATHS, future_paths, seasonal_paths
from tests.cost.spending import MONDAY, daily

WEEK = [10, 10, 10, 10, 10, 2, 2]
ENDS = ["low_95", "low_80", "expected", "high_80", "high_95"]


def total(costs, day, **options):
    return cost_forecast(costs, day, **options).filter(kind="total").sort("target")


def weeks(count, first=date(2026, 10, 5)):
    """Whole weeks from a Monday on, and their last day."""
    return daily(WEEK * count, first), first + timedelta(days=7 * count - 1)


def test_weekdays_come_back_and_the_month_is_what_was_spent_and_what_will_be():
    costs, last = weeks(6)
    forecast = total(costs, last)
    assert forecast["target"].to_list() == [last + timedelta(days=at) for at in range(1, 16)]
    assert forecast["expected"].to_list() == pytest.approx((WEEK * 3)[:15], rel=0.1)
    spent = sum(costs.filter(pl.col("day") >= date(2026, 11, 1))["cost"])
    expected = float(spent) + sum((WEEK * 3)[:15])
    assert forecast["month_expected"][-1] == pytest.approx(expected, rel=0.03)
    assert forecast["method"].unique().to_list() == ["weekday_level"]


def test_intervals_hold_one_another_and_grow():
    forecast = total(*weeks(5))
    for ends in (ENDS, [f"month_{end}" for end in ENDS]):
        for lower, higher in pairwise(ends):
            assert (forecast[lower] <= forecast[higher]).all()
    width = forecast["month_high_80"] - forecast["month_low_80"]
    assert width.is_sorted()


def test_days_of_a_path_err_together():
    random = np.random.default_rng(3)
    level = np.exp(np.cumsum(random.normal(0, 0.1, 42)))
    paths = seasonal_paths(level, np.arange(42) % 7, np.arange(20) % 7)
    apart = np.sqrt((paths.std(axis=0) ** 2).sum())
    assert paths.sum(axis=1).std() > 2 * apart


def test_two_thirds_of_a_month_from_less_than_two_weeks_is_a_mean_and_says_so():
    forecast = total(daily([4, 6, 5, 5]), MONDAY + timedelta(days=3))
    assert forecast["method"].unique().to_list() == ["mean"]
    assert forecast["expected"].to_list() == pytest.approx([5] * forecast.height, rel=0.05)
    assert (forecast["high_95"] - forecast["low_95"]).min() > 4, "far wider than what was seen"


def test_from_the_second_week_on_closed_weekends_are_seen():
    costs = daily([*[10] * 5, 0, 0, *[10] * 3])
    forecast = total(costs, MONDAY + timedelta(days=9))
    assert forecast["method"].unique().to_list() == ["mixed"]
    by_day = dict(forecast.select(pl.col("target").dt.weekday(), "expected").iter_rows())
    assert by_day[6] < 5
    assert by_day[5] > 8
    seven = total(costs.head(7), MONDAY + timedelta(days=6))
    assert seven["method"].unique().to_list() == ["mean"]


def test_intervals_of_ten_days_hold_what_they_promise_and_are_narrower_than_of_a_mean():
    random = np.random.default_rng(4)
    pattern = np.array([1, 1.1, 1, 0.9, 1, 0.3, 0.3])
    within, widths = [], []
    for start in range(100):
        days = (start + np.arange(22)) % 7
        series = pattern[days] * random.lognormal(0, 0.2, 22)
        sums = future_paths(series[:10], days[:10], days[10:]).sum(axis=1)
        low, high = np.quantile(sums, [0.1, 0.9])
        within.append(low <= series[10:].sum() <= high)
        widths.append((high - low) / series[10:].sum())
    assert np.mean(within) >= 0.8
    assert np.median(widths) < 0.93


@pytest.mark.parametrize("size", ["0.00000001", "0.000002"])
def test_a_month_is_never_below_what_is_spent_however_little_that_is(size):
    costs = daily([Decimal(size) * (7 + at % 3) for at in range(20)])
    forecast = total(costs, MONDAY + timedelta(days=19))
    assert forecast["low_80"].min() > 0
    assert forecast["month_low_95"].min() > float(sum(costs["cost"]))


@pytest.mark.parametrize("costs", [[1], [1, 2], [1, 2, None, ""]])
def test_fewer_than_three_known_days_foretell_nothing_and_say_why(costs):
    forecast = total(daily(costs), MONDAY + timedelta(days=len(costs) - 1))
    assert forecast.height > 0
    assert forecast.select(*ENDS, "month_expected").null_count().row(0) == (forecast.height,) * 6
    days = sum(cost not in ("", None) for cost in costs)
    told, _, why = forecast["reason"][0].partition("; on ")
    assert told == f"{days} day(s) of known spend; a forecast takes at least 3"
    assert why.startswith("1 day(s) too many calls have no price: add") == (None in costs)


def test_what_is_not_known_of_a_month_is_foretold_and_not_nothing():
    costs, last = weeks(5)
    whole = total(costs, last)["month_expected"][-1]
    lost = last - timedelta(days=4)
    holed = total(costs.filter(pl.col("day") != lost), last)
    assert holed["unknown_days"].unique().to_list() == [1]
    assert holed["month_expected"][-1] == pytest.approx(whole, rel=0.03)
    partly = costs.with_columns(
        unpriced_calls=pl.when(pl.col("day") == lost).then(100).otherwise("unpriced_calls"),
        cost=pl.when(pl.col("day") == lost).then(500).otherwise("cost").cast(pl.Decimal(38, 12)),
    )
    assert total(partly, last)["month_low_95"][-1] > 500, "at least what is known of it"


def test_models_that_never_have_a_price_leave_the_rest_foretold_and_are_counted():
    costs, last = weeks(5)
    always = pl.concat([costs, daily([None] * 35, costs["day"].min(), model="own")])
    with_them = total(always, last)
    assert with_them.drop("unpriced_calls").equals(total(costs, last).drop("unpriced_calls"))
    assert with_them["unpriced_calls"].unique().to_list() == [3500]
    alone = cost_forecast(always.with_columns(feature=pl.col("model")), last).filter(scope="own")
    assert alone["expected"].null_count() == alone.height > 0
    assert "have no price" in alone["reason"][0]


def test_a_day_that_has_not_ended_counts_as_what_it_will_be():
    costs, last = weeks(5)
    begun = costs.with_columns(
        cost=pl.when(pl.col("day") == last - timedelta(days=2))
        .then(0.1)
        .otherwise("cost")
        .cast(pl.Decimal(38, 12))
    ).filter(pl.col("day") <= last - timedelta(days=2))
    day = last - timedelta(days=2)
    running, ended = (total(begun, day, is_over=over) for over in (False, True))
    assert running["known_until"].unique().to_list() == [day - timedelta(days=1)]
    assert running["target"].min() == day + timedelta(days=1)
    assert running["month_expected"][-1] > ended["month_expected"][-1] + 5


def test_at_a_months_end_the_next_weeks_month_begins_anew():
    costs = daily(WEEK * 5, date(2026, 10, 27))
    forecast = total(costs, date(2026, 11, 30))
    assert forecast["target"].to_list() == [date(2026, 12, at) for at in range(1, 8)]
    assert forecast["month_expected"][0] == pytest.approx(forecast["expected"][0])


def test_months_end_where_the_calendar_says():
    assert month_end(date(2028, 2, 3)) == date(2028, 2, 29)


def test_nothing_spent_is_foretold_as_nothing_and_no_logs_as_no_rows():
    assert total(daily([0] * 20), MONDAY + timedelta(days=19))["high_95"].max() == 0
    assert cost_forecast(daily([]), MONDAY).is_empty()


def test_the_same_days_give_the_same_bytes():
    costs, last = weeks(4)
    shuffled = costs.sample(fraction=1, shuffle=True, seed=1)
    assert cost_forecast(costs, last).equals(cost_forecast(shuffled, last))


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_the_unit_of_spend_does_not_matter(size):
    random = np.random.default_rng(0)
    series, days = random.lognormal(0, 0.3, 30), np.arange(30) % 7
    here = future_paths(series, days, np.arange(9) % 7)
    there = future_paths(series * size, days, np.arange(9) % 7)
    assert there == pytest.approx(here * size, rel=1e-6)


def test_a_runaway_series_stays_finite():
    paths = seasonal_paths(np.exp(np.arange(14.0)), np.arange(14) % 7, np.arange(30) % 7)
    assert paths.shape == (PATHS, 30)
    assert np.isfinite(paths).all()
    assert (paths >= 0).all()


def test_intervals_hold_what_they_promise_on_a_service_with_weekdays():
    """The benchmark looks at ten worlds; this guards the arithmetic of one."""
    random = np.random.default_rng(2)
    pattern = np.array([1, 1.1, 1, 0.9, 1, 0.3, 0.3])
    within, widths = [], []
    for _ in range(100):
        series = pattern[np.arange(52) % 7] * random.lognormal(0, 0.2, 52)
        sums = future_paths(series[:40], np.arange(40) % 7, np.arange(40, 52) % 7).sum(axis=1)
        low, high = np.quantile(sums, [0.1, 0.9])
        within.append(low <= series[40:].sum() <= high)
        widths.append((high - low) / series[40:].sum())
    assert np.mean(within) >= 0.75
    assert np.median(widths) < 0.3


def test_fifty_scopes_take_less_than_half_a_second():
    costs = pl.concat(
        daily(WEEK * 6, feature=f"feature {n}", team=f"team {n % 9}") for n in range(40)
    )
    last = MONDAY + timedelta(days=41)
    spent = []
    for _ in range(3):
        started = time.process_time()
        cost_forecast(costs, last)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.5
