"""Searches of the web, which providers count beside the tokens and bill by the search."""

from decimal import Decimal

import pytest

from llmops_pipelines.pricing import PriceOverrides, Rates, find_tariff, price_calls
from llmops_pipelines.pricing.charging.groups import price_groups
from llmops_pipelines.pricing.charging.keys import number_rows
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.pricing.factories import CATALOGUE, at, call, calls

SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-5", "uncached_input": 1_000}
ON_AWS = {"provider": "aws", "model": "anthropic.claude-sonnet-4-5-20250929-v1:0"}
PRICED = """
searches:
  - {provider: aws, usd_per_thousand: 12, valid_from: 2026-06-01, why: annex 3}
"""


def priced(book, *rows):
    return price_calls(calls(*rows), book)


def test_searches_cost_what_the_catalogue_says(book):
    alone, searched = priced(
        book, call(call_id="a", **SONNET), call(call_id="b", **SONNET, web_searches=3)
    )["cost"]
    assert searched - alone == Decimal("0.03")


def test_every_tier_pays_searches_in_full(book):
    for tier in ({"is_batch": True}, {"is_batch": True, "started_at": at("2026-01-10")}):
        alone, searched = priced(
            book,
            call(call_id="a", **SONNET, **tier),
            call(call_id="b", **SONNET, **tier, web_searches=3),
        )["cost"]
        assert searched - alone == Decimal("0.03"), tier


def test_searches_without_a_price_are_null_not_free(book):
    (row,) = priced(book, call(**SONNET | ON_AWS, web_searches=1)).rows(named=True)
    assert (row["cost"], row["unpriced_reason"]) == (None, "no_search_price")
    none, uncounted = priced(
        book,
        call(call_id="a", **SONNET | ON_AWS, web_searches=0),
        call(call_id="b", **SONNET | ON_AWS),
    )["cost"]
    assert none == uncounted > 0


def test_the_fee_of_a_call_pays_for_its_searches(book):
    sonar = {"provider": "perplexity", "model": "sonar", "uncached_input": 100, "output_text": 10}
    one, other = priced(
        book, call(call_id="a", **sonar), call(call_id="b", **sonar, web_searches=4)
    )["cost"]
    assert one == other
    tariff = find_tariff("perplexity", "sonar", at("2026-11-10"), book)
    assert tariff.cost({"uncached_input": 100, "output_text": 10, "web_searches": 4}) == one


def test_a_price_of_ones_own_holds_from_its_day_on(book_with):
    more = book_with(PRICED)
    early, late = (
        call(call_id=day, started_at=at(day), **SONNET | ON_AWS, web_searches=2)
        for day in ("2026-05-31", "2026-06-01")
    )
    assert priced(more, early)["cost"].item() is None
    (row,) = priced(more, late).rows(named=True)
    assert row["output_cost"] == Decimal("0.024")
    assert row["price_source"].startswith(
        f"{CATALOGUE}, searches at 12 USD per 1,000 (prices.yaml searches.0: annex 3): aws/"
    )


def test_what_the_catalogue_lists_stays(book, book_with):
    more = book_with("searches: [{provider: anthropic, usd_per_thousand: 99, why: w}]")
    searched = call(**SONNET, web_searches=1)
    assert priced(more, searched)["cost"].equals(priced(book, searched)["cost"])


def test_two_prices_of_the_same_searches_are_refused():
    twice = PRICED + "  - {provider: aws, model: '*claude*', usd_per_thousand: 10, why: w}\n"
    both = r"searches\.0 and searches\.1 both price searches"
    with pytest.raises(ReferenceFileError, match=both):
        parse_document(twice, PriceOverrides, file="prices.yaml")


def test_groups_of_calls_come_to_the_sum_of_theirs(book):
    sonar = {"provider": "perplexity", "model": "sonar", "uncached_input": 100, "output_text": 10}
    day = calls(
        *(call(**SONNET, web_searches=count) for count in (0, 1, 2, None)),
        call(**SONNET | ON_AWS, web_searches=1),
        call(**sonar, web_searches=2),
    )
    rates = Rates(book)
    keys = number_rows(day, ["feature", *rates.decisive(day)])
    sums = price_groups(day, keys, keys.by(["feature"]).codes, rates)
    assert sums["cost"].item() == price_calls(day, book)["cost"].sum()
    assert sums["unpriced_calls"].item() == 1
