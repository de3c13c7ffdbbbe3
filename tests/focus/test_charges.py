"""Calls as FOCUS charges: exact products, exact sums, and nothing that breaks a rule."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.focus import charges, violations, written
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from tests.pricing.factories import call, calls

DAY = date(2026, 11, 10)
OWN = {
    "provider": "acme",
    "model": "fine",
    "prices": {"uncached_input": "0.0000003", "output_text": "0.0000007"},
    "why": "finer than a pico-dollar a token, so that calls are rounded",
}
FEE = {
    "provider": "acme",
    "model": "embed",
    "prices": {"uncached_input": "0.02", "request": "1.5"},
    "why": "a fee a call",
}
CHEAPER = {
    "provider": "openai",
    "model": "gpt-4.1-2025-04-14",
    "prices": {"uncached_input": "1.5", "output_text": "8"},
    "why": "negotiated",
}


def book_of(*overrides):
    return price_book(PriceOverrides.model_validate({"overrides": list(overrides)}))


@pytest.fixture(scope="module")
def book():
    return book_of(OWN, FEE, CHEAPER)


@pytest.fixture(scope="module")
def older_book():
    return book_of(OWN, FEE)


@pytest.fixture(scope="module")
def catalogue():
    return price_book(PriceOverrides())


def exported(rows, book, catalogue, *, booked=None):
    logged = calls(*rows)
    costs = price_calls(logged, booked if booked is not None else book)
    return charges(logged, costs, book, catalogue, DAY, "acct-1"), costs["cost"].sum() or 0


def test_a_meter_has_its_quantity_price_and_product(book, catalogue):
    used = {"uncached_input": 600, "cache_read": 400, "output_text": 100}
    rows, _ = exported([call(**used), call(**used)], book, catalogue)
    meters = rows.sort("SkuMeter").select(
        "SkuMeter", "ConsumedQuantity", "PricingQuantity", "ContractedUnitPrice", "BilledCost"
    )
    assert meters.rows() == [
        ("Cached Input Tokens", 800, Decimal("0.0008"), Decimal("0.5"), Decimal("0.0004")),
        ("Input Tokens", 1200, Decimal("0.0012"), Decimal(2), Decimal("0.0024")),
        ("Output Tokens", 200, Decimal("0.0002"), Decimal(8), Decimal("0.0016")),
    ]
    first = rows.row(0, named=True)
    assert first["ServiceCategory"] == "AI and Machine Learning"
    assert first["Tags"] == '{"feature":"chat","team":"platform","environment":null}'
    assert str(first["BillingPeriodStart"]) == "2026-11-01 00:00:00"
    assert str(first["BillingPeriodEnd"]) == "2026-12-01 00:00:00"
    assert first["x_Feature"] == "chat"


def test_a_negotiated_price_stands_beside_the_list_price(book, catalogue):
    row = call(model="gpt-4.1-2025-04-14", uncached_input=1_000_000, output_text=0)
    rows, _ = exported([row], book, catalogue)
    assert rows.select("BilledCost", "ContractedCost", "ListCost").row(0) == (
        Decimal("1.5"),
        Decimal("1.5"),
        Decimal(2),
    )


def test_rounding_is_one_adjustment_and_the_products_stay_exact(book, catalogue):
    fine = {"provider": "acme", "model": "fine", "uncached_input": 5, "output_text": 0}
    rows, spent = exported([call(**fine)] * 1 + [call(**fine)], book, catalogue)
    assert rows["ChargeCategory"].sort().to_list() == ["Adjustment", "Usage"]
    assert rows.filter(ChargeCategory="Usage")["BilledCost"].to_list() == [Decimal("3e-12")]
    assert rows["BilledCost"].sum() == spent == Decimal("4e-12")


def test_what_was_booked_at_other_prices_stands_as_booked(book, catalogue):
    dearer = {**CHEAPER, "prices": {"uncached_input": "9", "output_text": "9"}}
    row = call(model="gpt-4.1-2025-04-14", uncached_input=1_000, output_text=1_000)
    rows, spent = exported([row], book, catalogue, booked=book_of(dearer))
    assert rows.select("SkuMeter", "ConsumedQuantity", "PricingUnit", "BilledCost").rows() == [
        ("Tokens As Booked", 2_000, "Units", Decimal("0.018"))
    ]
    assert rows["BilledCost"].sum() == spent
    assert violations(written(rows)) == []


def test_fees_are_requests(book, catalogue):
    row = call(provider="acme", model="embed", uncached_input=100)
    rows, spent = exported([row], book, catalogue)
    fee = rows.filter(SkuMeter="Requests").row(0, named=True)
    assert (fee["ConsumedUnit"], fee["PricingUnit"]) == ("Requests", "1000 Requests")
    assert fee["BilledCost"] == Decimal("0.0015")
    assert rows["BilledCost"].sum() == spent


def test_calls_without_a_price_are_not_free_but_left_out(book, catalogue):
    rows, _ = exported([call(model="unheard-of", uncached_input=5, output_text=5)], book, catalogue)
    assert rows.is_empty()
    assert violations(written(rows)) == []


_CALL = st.fixed_dictionaries(
    {
        "uncached_input": st.integers(0, 300_000),
        "cache_read": st.integers(0, 300_000),
        "output_text": st.integers(0, 30_000),
        "team": st.sampled_from([None, "a", 'quote " and , comma']),
        "attempt": st.integers(1, 2),
        "is_batch": st.booleans(),
        "which": st.sampled_from(
            [
                ("openai", "gpt-4.1-2025-04-14"),
                ("anthropic", "claude-sonnet-4-5"),
                ("acme", "fine"),
                ("acme", "embed"),
                ("acme", "unheard-of"),
            ]
        ),
    }
)


@given(st.lists(_CALL, min_size=1, max_size=6), st.booleans())
@settings(max_examples=15, deadline=None)
def test_any_calls_add_up_exactly_and_break_no_rule(book, older_book, catalogue, drawn, repriced):
    rows = []
    for fields in drawn:
        provider, model = fields.pop("which")
        rows.append(call(provider=provider, model=model, **fields))
    booked = book if repriced else older_book
    found, spent = exported(rows, book, catalogue, booked=booked)
    assert (found["BilledCost"].sum() or 0) == spent
    assert violations(written(found)) == []


def test_rows_do_not_depend_on_the_order_of_calls(book, catalogue):
    rows = [call(uncached_input=n, output_text=n, team=f"t-{n % 3}") for n in range(20)]
    logged = calls(*rows)
    costs = price_calls(logged, book)
    shuffled = costs.sample(fraction=1, shuffle=True, seed=1)
    one, two = (charges(logged, each, book, catalogue, DAY, "a") for each in (costs, shuffled))
    assert one.equals(two)
    assert isinstance(one.schema["BilledCost"], pl.Decimal)


def test_searches_are_a_meter_quoted_by_the_thousand(book, catalogue):
    searched = call(
        provider="anthropic", model="claude-sonnet-4-5", uncached_input=1_000, web_searches=3
    )
    rows, cost = exported([searched], book, catalogue)
    assert rows["BilledCost"].sum() == cost == Decimal("0.033")
    (row,) = rows.filter(pl.col("SkuMeter") == "Web Searches").rows(named=True)
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == (3, "Searches")
    assert (row["PricingUnit"], row["ContractedUnitPrice"]) == ("1000 Searches", 10)
    assert not violations(written(rows))
