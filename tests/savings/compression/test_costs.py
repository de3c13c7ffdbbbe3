"""What shorter prompts cost, cached ones included."""

from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.savings import COMPRESSED, compressed_costs
from llmops_pipelines.tables import TOKEN_BUCKETS
from tests.pricing import factories

M = 1_000_000


@pytest.fixture(scope="module")
def book():
    return price_book(PriceOverrides())


def priced(book, *, before=2 * M, after=M, prefix=0, summary=(0, 0), **logged):
    """A call of gpt-4.1: $2 a million in, $0.50 from the cache, $8 out."""
    usual = {"uncached_input": before} if "usage" not in logged else {}
    calls = factories.calls(factories.call(call_id="c", **(usual | logged)))
    row = {
        "call_id": "c", "technique": "t", "step": 1, "setting": 1.0, "tokens_before": before,
        "tokens_after": after, "kept_prefix": prefix, "summary_input": summary[0],
        "summary_output": summary[1],
    }  # fmt: skip
    (told,) = compressed_costs(pl.DataFrame([row], schema=COMPRESSED), calls, book).to_dicts()
    return told


def test_a_fresh_token_saves_its_price(book):
    told = priced(book, output_text=M)
    assert (told["cost_before"], told["cost_after"], told["saved"]) == (12, 10, 2)


def test_a_prompt_left_alone_saves_nothing_whatever_its_cache(book):
    told = priced(book, after=2 * M, uncached_input=M, cache_read=M)
    assert told["saved"] == 0
    assert told["cache_read"] == M


def test_cached_tokens_behind_the_change_are_read_afresh(book):
    # Half a million of prefix stays cached ($0.25), half a million is fresh ($1); before, two
    # million were read from the cache ($1): cutting a cached prompt in half costs a quarter more.
    told = priced(book, prefix=M // 2, uncached_input=0, cache_read=2 * M)
    assert (told["uncached_input"], told["cache_read"]) == (M // 2, M // 2)
    assert told["saved"] == Decimal(1) - Decimal("1.25")


def test_a_cached_prefix_in_front_of_the_change_stays_cached(book):
    told = priced(book, prefix=M, uncached_input=M, cache_read=M, after=M + M // 2)
    assert (told["uncached_input"], told["cache_read"]) == (M // 2, M)
    assert told["saved"] == 1


def test_summaries_are_paid_for(book):
    told = priced(book, summary=(M // 4, M // 8))
    assert told["saved"] == Decimal(2) - Decimal("0.5") - Decimal(1)


def test_buckets_add_up_to_what_is_left(book):
    told = priced(
        book, after=M, prefix=M // 4, uncached_input=M // 4, cache_read=M // 2,
        cache_write_5m=M, cache_write_1h=M // 4, output_text=7,
        provider="anthropic", model="claude-sonnet-4-5",
    )  # fmt: skip
    prompt = [told[b] for b in ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")]
    assert sum(prompt) == M
    assert told["output_text"] == 7
    assert told["saved"] == told["cost_before"] - told["cost_after"]
    assert set(TOKEN_BUCKETS) <= set(told)


@pytest.mark.parametrize("unknown", [{"model": "nobody-knows"}, {"usage": False}])
def test_without_price_or_usage_the_saving_is_unknown_not_nothing(book, unknown):
    told = priced(book, **unknown)
    assert told["saved"] is None
    assert told["cost_after"] is None
