from datetime import timedelta

import numpy as np
import polars as pl

from llmops_pipelines.cost.history import histories
from tests.cost.spending import MONDAY, daily, spending, spent


def known(costs, days, scope="total"):
    """Spend by day of one scope, None where it is not known."""
    last = MONDAY + timedelta(days=days - 1)
    (one,) = [history for history in histories(costs, last) if history.scope == scope]
    return [None if np.isnan(value) else value for value in one.spent]


def test_a_day_without_logs_or_without_prices_is_not_a_day_of_nothing():
    assert known(daily([1, "", None, 2]), 4) == [1, None, None, 2]


def test_what_is_known_of_a_day_partly_priced_is_kept_beside():
    rows = [spent(MONDAY, 3), spent(MONDAY, None, model="new")]
    (history,) = [one for one in histories(spending(rows), MONDAY) if one.kind == "total"]
    assert np.isnan(history.spent[0])
    assert history.at_least.tolist() == [3]


def test_a_few_calls_without_a_price_leave_a_day_known():
    assert known(daily([1, 2], unpriced_calls=5), 2) == [1, 2]
    assert known(daily([1, 2], unpriced_calls=6), 2) == [None, None]


def test_a_model_that_never_had_a_price_is_left_out_only_where_it_is_usual():
    priced = daily([1, 2, 3, 4, 5, 6])
    always = daily([None] * 6, model="own")
    usual = pl.concat([priced, always])
    assert known(usual, 6) == [1, 2, 3, 4, 5, 6]
    (whole,) = [one for one in histories(usual, MONDAY + timedelta(days=5)) if one.kind == "total"]
    assert (whole.left_out, whole.unpriced_days) == (600, 0)
    new = pl.concat([priced, daily(["", "", "", None, None, None], model="own")])
    assert known(new, 6) == [1, 2, 3, None, None, None], "a new model may be dear"
    assert known(always, 6) == [None] * 6, "without any price nothing is known"
    lost = daily([1, 2, None, None, None, None])
    assert known(lost, 6) == [1, 2, None, None, None, None], "it had a price, and is missed"


def test_a_day_on_which_only_others_were_called_is_one_of_nothing():
    rows = pl.concat([daily([1, 1, 1]), daily([5, "", 5], feature="search")])
    assert known(rows, 3, "search") == [5, 0, 5]


def test_a_weekday_that_is_always_silent_is_closed():
    week = [1, 1, 1, 1, 1, "", ""]
    assert known(daily(week * 2), 14)[-2:] == [0, 0]
    assert known(daily(week), 7)[-2:] == [None, None], "once is no habit"
    opened = daily([*week, 1, 1, 1, 1, 1, "", 1])
    assert known(opened, 14)[5:7] == [0, None], "a Sunday with calls makes the other a loss"


def test_a_scope_begins_with_its_first_calls():
    rows = pl.concat([daily([1, 1, 1]), daily(["", "", 5], feature="search")])
    assert known(rows, 3, "search") == [5]


def test_a_team_has_the_spend_of_its_features_and_names_do_not_mix():
    rows = pl.concat([daily([1], feature="total"), daily([2], team="total")])
    scopes = {one[:2]: one.spent.tolist() for one in histories(rows, MONDAY)}
    assert scopes == {
        ("feature", "chat"): [2],
        ("feature", "total (feature)"): [1],
        ("team", "care"): [1],
        ("team", "total (team)"): [2],
        ("total", "total"): [3],
    }


def test_no_logs_have_no_history():
    assert histories(daily([]), MONDAY) == []
