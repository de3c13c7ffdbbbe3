from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from llmops_pipelines.pricing import find_tariff, price_calls, price_usage
from llmops_pipelines.tables import TOKEN_BUCKETS
from tests.pricing.factories import CATALOGUE, at, call, calls

NOON = at("2026-11-10 12:00")


def test_a_usage_costs_what_the_same_call_costs(book):
    tokens = {"uncached_input": 901, "cache_read": 307, "output_text": 55, "reasoning": 7}
    for provider, model in (("openai", "o3"), ("anthropic", "claude-sonnet-4-5"), (None, "gpt-4")):
        priced = price_calls(calls(call(provider=provider, model=model, **tokens)), book)
        assert price_usage(provider, model, NOON, tokens, book) == priced["cost"][0] > 0


def test_a_usage_without_a_known_price_is_null(book):
    assert price_usage("openai", "acme-judge", NOON, {"uncached_input": 1}, book) is None
    assert price_usage("openai", "whisper-1", NOON, {"uncached_input": 1}, book) is None
    assert price_usage("openai", "text-embedding-3-small", NOON, {"output_text": 1}, book) is None


def test_a_zoned_moment_is_taken_at_its_utc_hour(book):
    tokens = {"output_text": 1_000_000}
    tokyo = datetime(2026, 11, 10, 9, 15, tzinfo=timezone(timedelta(hours=9)))
    assert price_usage("deepseek", "deepseek-chat", tokyo, tokens, book) == Decimal("0.55")
    utc = datetime(2026, 11, 10, 0, 45, tzinfo=UTC)
    assert price_usage("deepseek", "deepseek-chat", utc, tokens, book) == Decimal("1.1")


def test_a_batch_verdict_is_half_price(book):
    tokens = {"uncached_input": 1_000_000}
    assert price_usage("openai", "gpt-4.1", NOON, tokens, book, service="batch") == 1


def test_one_tariff_prices_many_usages(book):
    tariff = find_tariff("openai", "gpt-4.1", NOON, book)
    assert tariff.source == f"{CATALOGUE}: openai/gpt-4.1"
    assert [tariff.cost({"output_text": n}) for n in (0, 1, 1_000_000)] == [
        0,
        Decimal("0.000008"),
        8,
    ]


def test_the_length_of_the_prompt_picks_the_band(book):
    tariff = find_tariff("anthropic", "claude-sonnet-4-5", NOON, book)
    assert tariff.cost({"uncached_input": 200_000}) == Decimal("0.6")
    assert tariff.cost({"uncached_input": 200_000, "cache_read": 1}) == Decimal("1.2000006")


def test_huge_usage_stays_exact(book):
    tariff = find_tariff("openai", "gpt-4.1", NOON, book)
    assert tariff.cost({"output_text": 10**25 + 1}) == Decimal(8) * (10**25 + 1) / 10**6


@pytest.mark.parametrize("tokens", [{"output_text": -1}, {"tokens": 5}])
def test_a_usage_that_cannot_be_is_refused_with_the_known_buckets(book, tokens):
    tariff = find_tariff("openai", "gpt-4.1", NOON, book)
    with pytest.raises(ValueError, match="expected counts of at least 0 in the buckets") as error:
        tariff.cost(tokens)
    assert TOKEN_BUCKETS[0] in str(error.value)
