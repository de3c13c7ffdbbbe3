"""What unpriced calls could cost, and remedies that work when they are followed."""

from decimal import Decimal

import polars as pl
import pytest
import yaml

from llmops_pipelines import pricing
from llmops_pipelines.cost import told_estimate, told_unpriced, unpriced_spend
from llmops_pipelines.cost.unpriced import OF_FEATURE, OF_PROVIDER, OF_USERS
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from tests.pricing.factories import at as pricing_at
from tests.pricing.factories import call, calls

BOOK = price_book(PriceOverrides())
TOKENS = {"uncached_input": 1_000_000, "output_text": 100_000}


def found(*rows, book=BOOK):
    day = calls(*rows)
    return unpriced_spend(day, price_calls(day, book), book).rows(named=True)


def unknown(**fields):
    return call(**{"model": "acme-7b", "provider": "acme"} | TOKENS | fields)


def usd(price):
    return Decimal(price)


def test_the_range_is_that_of_the_models_which_the_feature_uses():
    used = [call(model="gpt-4.1", **TOKENS), call(model="gpt-4.1-mini", **TOKENS)]
    elsewhere = call(model="gpt-4o", feature="other", **TOKENS)
    (row,) = found(unknown(), unknown(), *used, elsewhere)
    # gpt-4.1-mini: $0.40 and $1.60 a million; gpt-4.1: $2 and $8.
    assert (row["low"], row["high"]) == (usd("1.12"), usd("5.6"))
    assert (row["calls"], row["estimated_calls"]) == (2, 2)
    assert (row["estimated_from"], row["reason"]) == (OF_FEATURE, "unknown_model")


def test_without_one_it_is_that_of_the_same_provider():
    (row,) = found(call(model="gpt-9-nova", provider="openai", **TOKENS))
    assert row["estimated_from"] == OF_PROVIDER
    assert Decimal(0) < row["low"] < usd("0.1") < usd("50") < row["high"]


def test_models_of_the_provider_that_others_use_come_before_its_whole_list():
    other = call(model="gpt-4.1", feature="other", **TOKENS)
    (row,) = found(call(model="gpt-9-nova", provider="openai", **TOKENS), other)
    assert (row["low"], row["high"], row["estimated_from"]) == (usd("2.8"), usd("2.8"), OF_USERS)


def test_nobody_to_compare_with_is_no_estimate_and_not_zero():
    (row,) = found(unknown())
    assert (row["low"], row["high"], row["estimated_calls"]) == (None, None, 0)
    assert (row["estimated_from"], row["calls"]) == (None, 1)


def test_calls_without_tokens_are_counted_apart_and_never_estimated():
    no_tokens = call(usage=False, model="gpt-4.1")
    rows = found(no_tokens, unknown(), call(model="gpt-4.1", **TOKENS))
    assert [(row["reason"], row["calls"], row["low"]) for row in rows] == [
        ("unknown_model", 1, usd("2.8")),
        ("no_usage", 1, None),
    ]
    assert rows[1]["remedy"].startswith("no price helps: no tokens were logged")


def test_a_batch_is_estimated_at_batch_prices():
    row, *_ = found(unknown(is_batch=True), call(model="gpt-4.1", **TOKENS))
    assert (row["service"], row["high"]) == ("batch", usd("1.4"))


def test_what_the_source_says_stands_beside_the_estimate():
    (row,) = found(unknown(cost_reported=Decimal("0.25")), unknown())
    assert row["reported"] == usd("0.25")
    (row,) = found(unknown())
    assert row["reported"] is None


def test_failed_and_priced_calls_are_not_told_of():
    assert found(unknown(status="error"), call(**TOKENS)) == []
    assert found() == []


def test_no_logged_provider_or_model_breaks_nothing():
    rows = found(
        unknown(provider=None),
        unknown(provider=" "),
        unknown(model=None),
        call(model="gpt-4.1", **TOKENS),
    )
    assert sorted(row["reason"] for row in rows) == ["no_model", "unknown_model", "unknown_model"]
    assert {row["low"] for row in rows} == {usd("2.8")}


def followed(remedy: str) -> pl.DataFrame:
    """The price book of somebody who copies the entry and fills it in."""
    _, _, entry = remedy.partition("prices.yaml: ")
    filled = yaml.safe_load(entry.replace("PRICE", "2").replace("SOURCE", "our contract"))
    return price_book(PriceOverrides.model_validate({"overrides": filled}))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "acme-7b", "provider": "acme"},
        {"model": 'odd: {name}, "#1"', "provider": "acme"},
        {"model": "acme-7b", "provider": None},
        {"model": "ft:gpt-4.1-mini:acme::x", "provider": "openai"},
        {"model": "gpt-4.1", "provider": "azure", "service_tier": "priority"},
        {"model": "acme-7b", "provider": "acme", "is_batch": True},
        {"model": "text-embedding-3-small", "provider": "openai"},
        {"model": "acme-7b", "provider": "acme", "cache_write_5m": 5, "audio_input": 3},
    ],
    ids=repr,
)
def test_the_entry_prices_the_calls_once_it_is_filled_in(fields):
    day = calls(call(**TOKENS | fields))
    assert price_calls(day, BOOK)["cost"].to_list() == [None]
    (row,) = unpriced_spend(day, price_calls(day, BOOK), BOOK).rows(named=True)
    (cost,) = price_calls(day, followed(row["remedy"]))["cost"]
    assert cost >= usd("2.2")


def test_the_entry_for_a_model_that_is_listed_holds_only_on_the_days_it_is_missing():
    day = calls(call(model="gpt-4.1", provider="azure", service_tier="flex", **TOKENS))
    (row,) = unpriced_spend(day, price_calls(day, BOOK), BOOK).rows(named=True)
    assert row["reason"] == "no_price_at_that_time"
    assert "valid_from: 2026-11-10, valid_to: 2026-11-11" in row["remedy"]
    later = call(model="gpt-4.1", provider="azure", started_at=pricing_at("2026-11-12"), **TOKENS)
    costs = price_calls(calls(later), followed(row["remedy"]))["cost"]
    assert costs.equals(price_calls(calls(later), BOOK)["cost"])
    assert costs.null_count() == 0


def test_a_tier_that_no_price_can_be_given_for_is_said():
    (row,) = found(call(model="gpt-4.1", service_tier="scale", **TOKENS))
    assert 'knows no service tier "scale", only standard, batch, flex' in row["remedy"]


def test_the_estimate_is_labelled_as_models_that_have_a_price_at_all():
    # An embedding model charges for no answers, so it is no measure of calls that have some.
    embedding = call(model="text-embedding-3-small", uncached_input=10)
    embedding["output_text"] = None
    (row,) = found(unknown(), embedding)
    assert (row["low"], row["estimated_calls"]) == (None, 0)
    assert pricing.price_calls(calls(embedding), BOOK)["cost"].null_count() == 0


def test_the_words_say_that_it_is_an_estimate_and_of_how_many_calls():
    day = calls(
        unknown(), unknown(uncached_input=None, output_text=None), call(model="gpt-4.1", **TOKENS)
    )
    rows = unpriced_spend(day, price_calls(day, BOOK), BOOK)
    assert told_unpriced(rows) == (
        "2 call(s) of 1 model(s) have no price (1 no_usage, 1 unknown_model); spend leaves out an "
        "estimated $2.8000, at the prices of other models"
    )
    assert [told_estimate(row) for row in rows.iter_rows(named=True)] == [
        "unknown: nothing to compare with",
        "an estimated $2.8000, at models that the same feature uses",
    ]
    small = {"uncached_input": 100, "output_text": 0}
    day = calls(unknown(**small), call(model="gpt-4.1", **TOKENS))
    (row,) = unpriced_spend(day, price_calls(day, BOOK), BOOK).iter_rows(named=True)
    assert told_estimate(row).startswith("an estimated $0.000200, at ")


def test_searches_without_a_price_have_a_remedy_of_their_own():
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    searched = call(model=model, provider="aws", web_searches=3, **TOKENS)
    (row,) = found(searched)
    assert (row["reason"], row["calls"]) == ("no_search_price", 1)
    entry = yaml.safe_load(row["remedy"].partition(": - ")[2].replace("PRICE", "10"))
    book = price_book(PriceOverrides.model_validate({"searches": [entry]}))
    alone = price_calls(calls(searched | {"web_searches": 0}), book)["cost"].item()
    assert price_calls(calls(searched), book)["cost"].item() - alone == Decimal("0.03")
