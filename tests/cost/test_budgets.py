from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines.cost import Budgets, budget_status, feature_costs
from llmops_pipelines.reference import Features, ReferenceFileError, parse_document
from llmops_pipelines.tables import CALL_COSTS
from tests.cost.factories import costs, failed, priced

DAY = date(2026, 11, 10)
REFERENCE = Path(__file__).parents[2] / "data" / "reference"


def parse(text):
    return parse_document(text, Budgets, file="budgets.yaml")


def status(budgets, *rows):
    spend = feature_costs(costs(*rows) if rows else CALL_COSTS.empty())
    spend = spend.with_columns(day=pl.lit(DAY))
    return {row["scope"]: row for row in budget_status(spend, parse(budgets), DAY).to_dicts()}


CHAT_2 = "features: {chat: {daily_usd: 2}}\ntotal: {daily_usd: 5}"


def test_spend_is_compared_with_its_budget():
    chat = status(CHAT_2, priced("0.5"), priced("1", model="o3"))["chat"]
    assert (chat["budget"], chat["spent"], chat["share"], chat["status"], chat["hint"]) == (
        2,
        Decimal("1.5"),
        0.75,
        "within",
        None,
    )


@pytest.mark.parametrize(("spent", "verdict"), [("2", "within"), ("2.000000000001", "over")])
def test_a_budget_is_over_from_the_first_pico_dollar_past_it(spent, verdict):
    assert status(CHAT_2, priced(spent))["chat"]["status"] == verdict


def test_the_total_holds_every_feature_budgeted_or_not():
    rows = status(CHAT_2, priced("3"), priced("4", feature="search"))
    assert (rows["total"]["spent"], rows["total"]["share"]) == (7, 1.4)
    assert rows["total"]["status"] == "over"


def test_a_feature_without_a_budget_is_no_data_and_says_what_to_add():
    search = status(CHAT_2, priced("4", feature="search"))["search"]
    assert (search["status"], search["share"], search["spent"]) == ("no_data", None, 4)
    assert search["hint"] == (
        "no budget: add features.search.daily_usd to data/reference/budgets.yaml"
    )


def test_no_total_budget_is_no_data_too():
    total = status("", priced("4"))["total"]
    assert total["status"] == "no_data"
    assert "add total.daily_usd to data/reference/budgets.yaml" in total["hint"]


def test_a_budgeted_feature_without_calls_spent_nothing():
    chat = status(CHAT_2, priced("4", feature="search"))["chat"]
    assert (chat["spent"], chat["share"], chat["status"]) == (0, 0.0, "within")


def of_days(budgets, *days):
    """The status as of ``DAY``, of a dollar spent on each of ``days``."""
    spend = feature_costs(costs(priced("1")))
    spend = pl.concat([spend.clear(), *(spend.with_columns(day=pl.lit(day)) for day in days)],
                      how="diagonal")  # fmt: skip
    spend = spend.with_columns(pl.col("day").cast(pl.Date)) if days else with_no_day(spend)
    return budget_status(spend, parse(budgets), DAY).select("scope", "period", "spent", "status")


def with_no_day(spend):
    return spend.with_columns(day=pl.lit(None, pl.Date))


def test_a_day_on_which_nothing_was_logged_is_no_data_and_not_within():
    of_month = f"{CHAT_2}\nteams: {{growth: {{monthly_usd: 9}}}}"
    for logged in ((), (DAY - timedelta(days=1),), (DAY + timedelta(days=1),)):
        rows = of_days(of_month, *logged).sort("scope").rows()
        assert rows[0] == ("chat", "day", None, "no_data")
        assert rows[-1] == ("total", "day", None, "no_data")
        assert rows[1] == ("growth", "month", 0, "within")
    told = budget_status(with_no_day(feature_costs(CALL_COSTS.empty())), parse(CHAT_2), DAY)
    assert set(told["hint"]) == {
        "no call of any feature was logged on the day: what was spent is not known"
    }


def test_nobody_calls_on_a_weekday_that_never_has_calls():
    others = [DAY - timedelta(days=back) for back in range(1, 21) if back % 7]
    assert of_days(CHAT_2, *others).rows() == [
        ("chat", "day", 0, "within"),
        ("total", "day", 0, "within"),
    ]


def test_a_day_that_cannot_be_priced_is_no_data_not_zero():
    rows = status(CHAT_2, priced(None), priced(None))
    for scope in ("chat", "total"):
        assert (rows[scope]["spent"], rows[scope]["share"], rows[scope]["status"]) == (
            None,
            None,
            "no_data",
        )
    assert rows["chat"]["hint"] == (
        "none of its 2 successful calls has a price: add their models to data/reference/prices.yaml"
    )


def test_calls_that_spend_leaves_out_are_counted_beside_it():
    rows = status(CHAT_2, priced("1"), priced(None), priced(None, feature="search"))
    assert rows["chat"]["unpriced_calls"] == 1
    assert (rows["total"]["spent"], rows["total"]["unpriced_calls"]) == (1, 2)


def test_a_day_of_failures_spent_nothing():
    assert status(CHAT_2, failed(), failed())["chat"]["spent"] == 0


def test_a_feature_called_total_does_not_pass_for_the_total():
    rows = status(CHAT_2, priced("1", feature="total"), priced("1"))
    assert (rows["total (feature)"]["spent"], rows["total"]["spent"]) == (1, 2)


def test_budgets_are_exact_amounts():
    assert parse("total: {daily_usd: 0.1}").total.daily_usd == Decimal("0.1")


@pytest.mark.parametrize("text", ["0.125 EUR", "1.25 EUR", "1.2340 EUR", "1500.125 EUR"])
def test_decimals_that_are_no_thousands_are_decimals(text):
    amount = parse(f"total: {{daily: {text}}}").total.daily
    assert f"{amount.number} {amount.currency}" == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("features:\n  chat: {daily_usd: 0}", r":2: features.chat.daily_usd: .*greater than 0"),
        ("features:\n  chat: {daily_usd: -1}", r":2: features.chat.daily_usd: .*greater than 0"),
        ("total: {daily_usd: .nan}", r":1: total.daily_usd: .*finite"),
        ("total: {daily_usd: lots}", r":1: total.daily_usd: .*valid decimal"),
        (
            "total: {day: 4}",
            r":1: total.day: is not known here; accepted: daily_usd, daily, .*did you mean daily",
        ),
        ("total: 4", r":1: total: .*found 4"),
        ("features:\n  total: {daily_usd: 4}", r":1: features: `total` is no feature"),
        ("features: {chat: {}}", r":1: features.chat: .*daily_usd, monthly_usd or rolling"),
        ("teams:\n  total: {daily_usd: 4}", r":1: teams: `total` is no team"),
        ("total: {rolling: {days: 1, usd: 4}}", r":1: total.rolling.days: .*greater than"),
        ("total: {rolling: {days: 43, usd: 4}}", r":1: total.rolling.days: .*less than or equal"),
        ("total: {rolling: {days: 7}}", r":1: total.rolling: give either usd, or amount"),
        ("total: {daily: 4}", r":1: total.daily: is no amount .*such as 1500 EUR.*; found 4"),
        ("total: {monthly: 4 eur}", r":1: total.monthly: is no amount .*; found '4 eur'"),
        ("total: {monthly: '1,500 EUR'}", r":1: total.monthly: is no amount"),
        ("total: {monthly: 1.500 EUR}", r":1: total.monthly: .*write 1500 EUR or 1.5 EUR"),
        ("total: {monthly: 1.234 EUR}", r":1: total.monthly: .*write 1234 EUR or 1.2340 EUR"),
        ("total: {monthly: 1.500.000 EUR}", r":1: total.monthly: .*write 1500000 EUR"),
        ("total: {monthly: 0 EUR}", r":1: total.monthly.*greater than 0"),
        ("total: {daily: 4 EUR, daily_usd: 4}", r":1: total: has daily_usd and daily; drop one"),
        (
            "total: {rolling: {days: 7, usd: 4, amount: 4 EUR}}",
            r":1: total.rolling: give either usd, or amount",
        ),
        ("total: {monthly_usd: 0}", r":1: total.monthly_usd: .*greater than 0"),
        ("feature: {}", r":1: feature: is not known here; accepted: features, teams, total"),
        ("features: {chat: {daily_usd: 1}", r":1: not YAML"),
    ],
)
def test_a_wrong_budget_is_refused_with_line_field_and_remedy(text, complaint):
    with pytest.raises(ReferenceFileError, match=complaint):
        parse(text)


def test_the_shipped_budgets_cover_the_sample_companys_features_and_the_total():
    budgets = parse((REFERENCE / "budgets.yaml").read_text())
    features = parse_document(
        (REFERENCE / "features.yaml").read_text(), Features, file="features.yaml"
    )
    assert set(budgets.features) == set(features.features)
    assert budgets.total is not None
