from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.cost import sum_calls
from llmops_pipelines.pricing import (
    PriceOverrides,
    Rates,
    find_tariff,
    price_calls,
)
from llmops_pipelines.pricing.book.rows import Name, PriceRow
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.pricing.factories import CATALOGUE, at, call, calls

NOW = at("2026-11-10")


def fault(text):
    with pytest.raises(ReferenceFileError) as error:
        parse_document(text, PriceOverrides, file="prices.yaml")
    return str(error.value)


def input_price(book, model="gpt-4.1", provider="openai", moment=NOW, **asked):
    tariff = find_tariff(provider, model, moment, book, **asked)
    return None if tariff is None else tariff.cost({"uncached_input": 1_000_000})


def test_per_cent_are_taken_off_while_the_discount_holds(book_with):
    book = book_with("""
discounts:
  - {provider: openai, percent: 15, valid_from: 2026-11-01, valid_to: 2026-12-01, why: w}
""")
    moments = (at("2026-10-31 23:59:59"), at("2026-11-01"), at("2026-11-30"), at("2026-12-01"))
    prices = [input_price(book, moment=moment) for moment in moments]
    assert prices == [2, Decimal("1.7"), Decimal("1.7"), 2]
    assert input_price(book, "claude-haiku-4-5", "anthropic") == 1


def test_the_source_names_entry_reason_and_commitment(book_with):
    book = book_with(
        "discounts: [{provider: openai, percent: 15.0, why: three years, commitment: C-2231}]"
    )
    assert find_tariff("openai", "o3", NOW, book).source == (
        f"{CATALOGUE}, 15% off (prices.yaml discounts.0: three years, commitment C-2231): openai/o3"
    )


def test_what_names_models_or_teams_is_taken_alone_off_the_list_price(book, book_with):
    less = book_with("""
discounts:
  - {provider: openai, percent: 5, why: all}
  - {provider: openai, model: gpt-4.1*, percent: 10, why: models}
  - {provider: openai, percent: 20, teams: [search, ads], why: teams}
  - {provider: openai, model: gpt-4.1-mini, percent: 30, teams: [search], why: both}
""")
    found = {
        (model, team): 1 - input_price(less, model, team=team) / input_price(book, model)
        for model in ("o3", "gpt-4.1", "gpt-4.1-mini")
        for team in (None, "chat", "search", "ads")
    }
    per_cent = {key: int(part * 100) for key, part in found.items()}
    assert [per_cent["o3", team] for team in (None, "chat", "search", "ads")] == [5, 5, 20, 20]
    assert [per_cent["gpt-4.1", team] for team in (None, "chat", "search")] == [10, 10, 20]
    assert [per_cent["gpt-4.1-mini", team] for team in ("chat", "search", "ads")] == [10, 30, 20]


def test_a_team_pays_the_usual_price_outside_its_dates(book_with):
    book = book_with("""
discounts:
  - {provider: openai, percent: 50, teams: [search], valid_from: 2026-11-05, why: w}
  - {provider: openai, percent: 10, valid_from: 2026-10-01, why: w}
""")
    moments = (at("2026-09-30"), at("2026-10-01"), at("2026-11-05"))
    assert [input_price(book, moment=moment, team="search") for moment in moments] == [
        2,
        Decimal("1.8"),
        1,
    ]


def test_some_service_tiers_only(book_with):
    book = book_with("discounts: [{provider: openai, percent: 50, services: [batch], why: w}]")
    assert (input_price(book), input_price(book, service="batch")) == (2, Decimal("0.5"))


def test_hours_and_prompt_bands_stay(book, book_with):
    lower = book_with("""
discounts:
  - {provider: deepseek, percent: 10, why: w}
  - {provider: anthropic, percent: 10, why: w}
""")
    day, night = at("2026-11-10 12:00"), at("2026-11-10 20:00")
    chat = [input_price(book, "deepseek-chat", "deepseek", each) for each in (day, night)]
    less = [input_price(lower, "deepseek-chat", "deepseek", each) for each in (day, night)]
    assert chat[0] != chat[1]
    assert less == [price * 9 / 10 for price in chat]
    bands = find_tariff("anthropic", "claude-sonnet-4-5", NOW, lower).bands
    assert [prices["uncached_input"] // 10**10 for _, prices in bands] == [270, 540]


def test_a_resellers_discount_is_its_own_and_so_is_its_makers(book, book_with):
    azures = book_with("discounts: [{provider: azure_openai, model: gpt-4*, percent: 10, why: w}]")
    assert (input_price(azures), input_price(azures, provider="azure")) == (2, Decimal("1.8"))
    assert input_price(azures, "o3", "azure") == input_price(book, "o3")
    makers = book_with("discounts: [{provider: openai, percent: 10, why: w}]")
    assert (input_price(makers), input_price(makers, provider="azure")) == (Decimal("1.8"), 2)
    assert input_price(makers, provider="azure", service="batch") == 1
    assert input_price(makers, provider="azure", service="priority") is None


def test_a_discount_is_taken_off_ones_own_price_list(book_with):
    book = book_with("""
overrides:
  - {provider: own, model: llama, prices: {uncached_input: 10}, why: lease}
discounts:
  - {provider: own, model: llama, percent: 25, why: w}
""")
    assert input_price(book, "llama", "own") == Decimal("7.5")


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4.1-2025-04-14"])
def test_calls_are_charged_by_their_team(book_with, model):
    book = book_with("discounts: [{provider: openai, percent: 50, teams: [search], why: w}]")
    logged = calls(
        *(call(model=model, team=team, uncached_input=1_000_000) for team in ("search", None, "a"))
    )
    assert sorted(price_calls(logged, book)["cost"]) == [1, 2, 2]
    by_team = sum_calls(logged, ["team"], Rates(book))
    assert sorted(by_team.select("team", "cost").rows(), key=str) == [
        ("a", 2),
        ("search", 1),
        (None, 2),
    ]
    assert sum_calls(logged, ["model"], Rates(book))["cost"].to_list() == [5]
    teamless = sum_calls(logged.drop("team"), ["model"], Rates(book))
    assert teamless["cost"].to_list() == [6]


def test_without_prices_of_teams_nobody_looks_at_them(book):
    assert "team" not in Rates(book).requested


@given(
    st.decimals(min_value=0, max_value=10**6, places=12),
    st.decimals(min_value="0.0001", max_value=1000, places=12),
    st.decimals(min_value=0, max_value=1, places=12),
)
def test_a_price_is_off_by_half_of_the_twelfth_decimal_at_most(listed, rate, discount):
    row = PriceRow(
        Name("p", "m"), "output_text", 0, listed, NOW, None, "s",
        usd_rate=rate, discount=discount,
    )  # fmt: skip
    exact = Fraction(listed) * Fraction(rate) * (1 - Fraction(discount))
    assert abs(Fraction(row.price) - exact) <= Fraction(1, 2 * 10**12)
    assert row.price.as_tuple().exponent == -12


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ("{provider: openai, percent: 120, why: w}", "less than or equal to 100"),
        ("{provider: openai, percent: 0, why: w}", "greater than 0"),
        ("{provider: openai, percent: 5}", "prices.yaml:1: discounts.0.why: is missing"),
        ("{provider: openai, percent: 5, teams: [], why: w}", "at least 1 item"),
        ("{provider: openai, percent: 5, teams: ['*'], why: w}", "name teams as in features.yaml"),
        ("{provider: openai, percent: 5, teams: [a, a], why: w}", "teams: one is named twice"),
        ("{provider: openai, percent: 5, services: [slow], why: w}", "'standard', 'batch'"),
        ("{provider: openai, minus: 5, why: w}", "accepted: provider, model, valid_from"),
        (
            "{provider: openai, model: gpt9*, percent: 5, why: w}",
            "discounts.0: no model of openai is called gpt9*; accepted: *, or a pattern of names",
        ),
        (
            "{provider: openai, model: gpt-4o-2024-08-06, percent: 5, why: w}",
            "the price book calls it gpt-4o",
        ),
        ("{provider: nobody, percent: 5, why: w}", "this provider has no prices"),
    ],
)
def test_a_wrong_discount_is_refused_with_field_and_remedy(entries, complaint):
    message = fault(f"discounts: [{entries}]")
    assert message.startswith("prices.yaml:1: discounts")
    assert complaint in message


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("", "", True),
        ("model: gpt-4.1*", "model: gpt-*", True),
        ("model: gpt-4.1*", "model: gpt-5*", False),
        ("model: gpt-4.1*", "", False),
        ("teams: [a, b]", "teams: [b]", True),
        ("teams: [a]", "teams: [b]", False),
        ("teams: [a]", "", False),
        ("services: [batch]", "services: [standard]", False),
        ("services: [batch]", "", True),
        ("valid_to: 2026-11-01", "valid_from: 2026-11-01", False),
        ("valid_to: 2026-11-02", "valid_from: 2026-11-01", True),
    ],
)
def test_two_discounts_of_which_neither_is_more_particular_are_refused(one, other, clash):
    text = "discounts: [" + ", ".join(
        f"{{provider: openai, percent: 5, why: w{', ' if more else ''}{more}}}"
        for more in (one, other)
    )
    if not clash:
        assert len(parse_document(text + "]", PriceOverrides, file="f").discounts) == 2
        return
    message = fault(text + "]")
    assert "discounts.0 and discounts.1 both take per cent off openai/" in message
    assert "let their patterns, teams or services differ" in message
