"""Budgets of teams, months and rolling days; those of a day are in test_budgets."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.cost import Budgets, budget_status, unknown_names
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import COST_FORECAST
from tests.cost.spending import daily, spending, spent

FIRST = date(2026, 10, 26)
DAY = date(2026, 11, 10)
MONTH = "total: {monthly_usd: 100}"


def parse(text):
    return parse_document(text, Budgets, file="budgets.yaml")


def status(text, costs, day=DAY, forecast=None):
    rows = budget_status(costs, parse(text), day, forecast).to_dicts()
    return {(row["kind"], row["scope"], row["period"]): row for row in rows}


def foretold(median, low, high, scope="total"):
    row = {"kind": "total", "scope": scope, "target": date(2026, 11, 30), "history_days": 16}
    ends = {"month_expected": median, "month_low_80": low, "month_high_80": high}
    return pl.DataFrame([row | ends], schema=COST_FORECAST.schema)


def test_a_month_holds_its_days_up_to_now_and_none_of_the_month_before():
    month = status(MONTH, daily([5] * 16, FIRST))["total", "total", "month"]
    assert (month["spent"], month["share"], month["period_days"]) == (50, 0.5, 10)
    assert (month["status"], month["hint"]) == ("within", None)


def test_calls_without_a_price_are_told_where_the_rest_is_within():
    month = status(MONTH, daily([5, 5, None], date(2026, 11, 8)))["total", "total", "month"]
    assert (month["spent"], month["status"], month["unpriced_calls"]) == (10, "within", 100)
    assert month["hint"].startswith("at least: 100 successful calls without a price are not in it")


def test_rolling_days_cross_months():
    text = "features: {chat: {rolling: {days: 14, usd: 60}}}"
    rolling = status(text, daily([5] * 16, FIRST))["feature", "chat", "rolling"]
    assert (rolling["spent"], rolling["period_days"], rolling["status"]) == (70, 14, "over")


def test_a_team_has_what_its_features_spent_and_no_other():
    costs = spending(
        [spent(DAY, 3), spent(DAY, 4, feature="search"), spent(DAY, 9, feature="b", team="sales")]
    )
    rows = status("teams: {care: {daily_usd: 5}}", costs)
    team = rows["team", "care", "day"]
    assert (team["spent"], team["status"]) == (7, "over")
    assert ("team", "sales", "day") not in rows, "a team without a budget is asked for none"


def test_several_periods_of_a_scope_are_rows_of_their_own():
    text = "total: {daily_usd: 4, monthly_usd: 100, rolling: {days: 2, usd: 11}}"
    rows = status(text, daily([5] * 16, FIRST))
    assert {key[2]: row["status"] for key, row in rows.items() if key[0] == "total"} == {
        "day": "over",
        "month": "within",
        "rolling": "within",
    }


def test_a_scope_with_other_budgets_is_not_asked_for_one_of_the_day():
    rows = status("features: {chat: {monthly_usd: 9}}", daily([5], DAY))
    assert rows["feature", "chat", "day"]["hint"].startswith("no budget of the day; those of other")
    assert "add total.daily_usd" in rows["total", "total", "day"]["hint"]


@pytest.mark.parametrize(
    ("low", "verdict"), [(99.0, "within"), (100.0, "within"), (100.1, "forecast_over")]
)
def test_a_month_will_be_over_only_where_nine_of_ten_futures_are(low, verdict):
    month = status(MONTH, daily([5] * 16, FIRST), forecast=foretold(120.0, low, 150.0))
    row = month["total", "total", "month"]
    assert row["status"] == verdict
    assert (row["forecast"], row["forecast_high"], row["forecast_days"]) == (120.0, 150.0, 16)


def test_what_is_over_already_is_over_whatever_is_foretold():
    costs = daily([20] * 16, FIRST)
    row = status(MONTH, costs, forecast=foretold(90.0, 80.0, 99.0))["total", "total", "month"]
    assert row["status"] == "over"


def test_a_month_that_cannot_be_priced_is_no_data_and_says_how_many_calls():
    month = status(MONTH, daily([None] * 16, FIRST))["total", "total", "month"]
    assert (month["spent"], month["status"], month["unpriced_calls"]) == (None, "no_data", 1000)
    assert "none of its 1000 successful calls has a price" in month["hint"]


def test_later_days_do_not_count():
    month = status(MONTH, daily([5] * 30, FIRST))["total", "total", "month"]
    assert month["spent"] == 50


def test_an_old_file_says_what_it_said():
    old = parse("features: {chat: {daily_usd: 2}}\ntotal: {daily_usd: 5}")
    assert old.features["chat"].daily_usd == 2
    assert (old.features["chat"].monthly_usd, old.teams) == (None, {})


@given(st.lists(st.decimals(0, 10**6, places=12), min_size=1, max_size=40))
def test_a_month_is_its_days_to_the_last_digit(costs):
    last = FIRST + timedelta(days=len(costs) - 1)
    rows = daily([str(cost) for cost in costs], FIRST)
    month = status(MONTH, rows, last)["total", "total", "month"]
    inside = [
        cost for at, cost in enumerate(costs) if (FIRST + timedelta(days=at)).month == last.month
    ]
    assert month["spent"] == sum(inside, Decimal(0))


def test_names_that_nobody_has_are_told_with_names_like_them():
    budgets = parse(
        "features: {chta: {daily_usd: 1}, chat: {daily_usd: 1}}\n"
        "teams: {chat: {daily_usd: 1}, care: {daily_usd: 1}}\ntotal: {daily_usd: 3}"
    )
    found = unknown_names(budgets, {"chat", "search"}, {"care"})
    assert found.rows() == [("features", "chta", "chat"), ("teams", "chat", "no such name")]
    assert unknown_names(parse(""), set(), set()).is_empty()
