from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.pricing import price_calls
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS
from tests.pricing.factories import CATALOGUE, at, call, calls, parquet_bytes


def cost(book, **fields):
    return price_calls(calls(call(**fields)), book)["cost"][0]


def reason(book, **fields):
    return price_calls(calls(call(**fields)), book)["unpriced_reason"][0]


def test_tokens_cost_their_list_price(book):
    # gpt-4.1: $2 in, $8 out per million.
    assert cost(book, uncached_input=1_000, output_text=100) == Decimal("0.0028")


def test_a_price_names_where_it_came_from(book):
    priced = price_calls(calls(call(model="gpt-4.1-2025-04-14", uncached_input=1)), book)
    assert priced["price_source"][0] == f"{CATALOGUE}: openai/gpt-4.1"


def test_a_call_that_names_no_provider_is_of_the_one_whose_price_it_is_charged(book):
    claude = {"provider": None, "model": "claude-sonnet-4-5"}
    logged = calls(
        call(**claude, uncached_input=1, output_text=1),
        call(**claude, status="error", uncached_input=None, output_text=None),
        call(provider=None, model="acme-7b", uncached_input=1),
        call(provider="azure", model="gpt-4.1", uncached_input=1),
    )
    priced = price_calls(logged, book)
    assert priced["provider"].to_list() == ["anthropic", "anthropic", None, "azure"]
    assert priced["cost"].is_null().to_list() == [False, True, True, False]


def test_cached_tokens_are_charged_once_at_the_cache_price(book):
    # 900 cached at $0.50 and 100 fresh at $2, not 1,000 fresh plus 900 cached.
    assert cost(book, uncached_input=100, cache_read=900) == Decimal("0.00065")


def test_cache_writes_cost_by_how_long_they_are_kept(book):
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5", "uncached_input": 0}
    assert cost(book, **claude, cache_write_5m=1_000_000) / 2 == Decimal("3.75")  # over 200k: x 2
    assert cost(book, **claude, cache_write_5m=100_000) == Decimal("0.375")
    assert cost(book, **claude, cache_write_1h=100_000) == Decimal("0.6")


def test_reasoning_is_charged_as_output(book):
    o3 = {"model": "o3", "uncached_input": 0}
    assert cost(book, **o3, reasoning=700, output_text=300) == cost(book, **o3, output_text=1_000)


def test_audio_has_its_own_price(book):
    gemini = {"provider": "google", "model": "gemini-2.5-flash"}
    assert cost(book, **gemini, audio_input=1_000_000) == Decimal("1")
    assert cost(book, **gemini, uncached_input=1_000_000) == Decimal("0.3")


def test_a_model_that_does_not_price_audio_charges_it_as_text(book):
    assert cost(book, audio_input=1_000) == cost(book, uncached_input=1_000)


def test_a_price_changes_at_midnight_utc(book):
    before = at("2025-06-09 23:59:59.999999")
    after = at("2025-06-10")
    assert cost(book, model="o3", started_at=before, uncached_input=1_000_000) == Decimal(10)
    assert cost(book, model="o3", started_at=after, uncached_input=1_000_000) == Decimal(2)


def test_the_long_prompt_price_starts_past_the_threshold_and_takes_all_tokens(book):
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5", "output_text": 1_000}
    assert cost(book, **claude, uncached_input=200_000) == Decimal("0.615")
    assert cost(book, **claude, uncached_input=200_001) == Decimal("1.222506")


def test_cached_parts_count_towards_the_length_of_a_prompt(book):
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5", "uncached_input": 1_000}
    short = cost(book, **claude, cache_read=199_000)
    long = cost(book, **claude, cache_read=199_001)
    assert short == Decimal("0.0627")
    assert long == Decimal("0.1254006")


def test_a_fee_per_request_is_added(book):
    sonar = {"provider": "perplexity", "model": "sonar"}
    assert cost(book, **sonar) == Decimal("0.012")
    assert cost(book, **sonar, uncached_input=1_000) == Decimal("0.013")


def test_off_peak_hours_have_their_own_price(book):
    chat = {"provider": "deepseek", "model": "deepseek-chat", "output_text": 1_000_000}
    day = at("2026-11-10")
    assert cost(book, **chat, started_at=day.replace(hour=0, minute=29)) == Decimal("0.55")
    assert cost(book, **chat, started_at=day.replace(hour=0, minute=30)) == Decimal("1.1")
    assert cost(book, **chat, started_at=day.replace(hour=16, minute=29, second=59)) == Decimal(
        "1.1"
    )
    assert cost(book, **chat, started_at=day.replace(hour=16, minute=30)) == Decimal("0.55")


def test_batch_calls_pay_the_batch_price(book):
    assert cost(book, is_batch=True, uncached_input=1_000, output_text=100) == Decimal("0.0014")


def test_a_batch_reported_as_service_tier_is_a_batch(book):
    assert cost(book, service_tier="batch", uncached_input=1_000) == Decimal("0.001")


def test_openai_does_not_halve_the_cache_price_of_a_batch(book):
    assert cost(book, is_batch=True, cache_read=1_000) == cost(book, cache_read=1_000)


def test_anthropic_halves_the_cache_price_of_a_batch(book):
    old = {"provider": "anthropic", "model": "claude-3-5-sonnet-20241022"}
    assert cost(book, **old, is_batch=True, cache_read=1_000) * 2 == cost(
        book, **old, cache_read=1_000
    )


def test_a_batch_before_the_catalogue_knew_batch_prices_is_half_price_and_says_so(book):
    old = call(is_batch=True, started_at=at("2025-05-01"), uncached_input=1_000)
    priced = price_calls(calls(old), book)
    assert priced["cost"][0] == Decimal("0.001")
    assert priced["price_source"][0] == (f"{CATALOGUE}, halved for batch: openai/gpt-4.1:batch")


def test_a_batch_where_no_batch_price_is_known_is_unpriced(book):
    assert reason(book, provider="groq", model="qwen/qwen3-32b", is_batch=True) == (
        "no_price_at_that_time"
    )


def test_flex_and_priority_have_their_own_prices(book):
    mini = {"model": "gpt-4.1-mini", "uncached_input": 1_000_000}
    assert cost(book, **mini, service_tier="default") == Decimal("0.4")
    assert cost(book, **mini, service_tier="Priority") == Decimal("0.7")
    assert cost(book, model="o3", service_tier="flex", uncached_input=1_000_000) == Decimal(1)


@pytest.mark.parametrize("tier", ["flex", "scale", "some-new-tier"])
def test_a_tier_without_a_known_price_is_not_charged_as_standard(book, tier):
    assert reason(book, model="gpt-4.1", service_tier=tier, uncached_input=10) == (
        "no_price_at_that_time"
    )


def test_a_resold_model_costs_its_makers_price_but_not_its_makers_tiers(book):
    azure = {"provider": "azure", "model": "gpt-4.1", "uncached_input": 1_000}
    assert cost(book, **azure) == Decimal("0.002")
    assert cost(book, **azure, is_batch=True) == Decimal("0.001")
    assert cost(book, **azure, service_tier="priority") is None


def test_an_unpriced_call_is_null_not_free(book):
    priced = price_calls(calls(call(model="acme-finetune-7b", uncached_input=10)), book)
    assert priced.select("cost", "unpriced_reason", "price_source").row(0) == (
        None,
        "unknown_model",
        None,
    )


def test_the_reason_says_what_is_missing(book):
    assert reason(book, model=None, uncached_input=1) == "no_model"
    assert reason(book, model="", uncached_input=1) == "no_model"
    assert reason(book, usage=False) == "no_usage"
    assert reason(book, status="error", usage=False) == "no_usage"
    assert reason(book, provider="openai", model="whisper-1") == "no_price_at_that_time"


def test_usage_that_counts_one_direction_only_is_no_usage(book):
    assert reason(book, uncached_input=10, output_text=None) == "no_usage"
    assert reason(book, uncached_input=None, output_text=10) == "no_usage"


def test_an_embedding_needs_no_output_tokens(book):
    embedding = {"model": "text-embedding-3-small", "uncached_input": 1_000_000}
    assert cost(book, **embedding, output_text=None) == Decimal("0.02")
    assert cost(book, **embedding, output_text=0) == Decimal("0.02")


def test_tokens_in_a_bucket_without_a_price_are_unpriced_not_free(book):
    embedding = {"model": "text-embedding-3-small", "uncached_input": 1_000_000}
    assert reason(book, **embedding, output_text=5) == "no_price_at_that_time"


def test_a_failed_call_that_used_tokens_is_charged(book):
    assert cost(book, status="error", uncached_input=1_000) == Decimal("0.002")


def test_a_call_of_no_tokens_costs_nothing(book):
    assert cost(book) == 0


def test_a_free_variant_costs_nothing(book):
    free = {"provider": "openrouter", "model": "google/gemma-3-27b-it:free"}
    assert cost(book, **free, uncached_input=10, output_text=10) == 0


def test_the_cost_a_source_claims_stays_beside_ours(book):
    priced = price_calls(calls(call(uncached_input=1_000, cost_reported=Decimal("9.99"))), book)
    assert priced.select("cost", "cost_reported").row(0) == (Decimal("0.002"), Decimal("9.99"))


def test_huge_counts_do_not_overflow(book):
    most = 2**63 - 1
    assert cost(book, uncached_input=most, output_text=most) == Decimal(most) / 100_000


def test_a_price_of_many_decimals_is_rounded_to_the_pico_dollar(book_with):
    book = book_with(
        "overrides: [{provider: own, model: m, prices: {uncached_input: 0.0000005}, why: w}]"
    )
    own = {"provider": "own", "model": "m", "output_text": None}
    # 0.5 pico-dollars a token; half goes to the even neighbour.
    costs = [cost(book, **own, uncached_input=n) for n in (1, 2, 3, 4)]
    assert costs == [0, Decimal("1E-12"), Decimal("2E-12"), Decimal("2E-12")]


def test_negative_tokens_are_refused_by_name(book):
    with pytest.raises(ValueError, match=r"1 call\(s\).*c-bad with cache_read=-5"):
        price_calls(calls(call(call_id="c-bad", cache_read=-5)), book)


def test_an_empty_day_is_an_empty_table(book):
    assert price_calls(LLM_CALLS.empty(), book).equals(CALL_COSTS.empty())


def test_the_order_of_calls_changes_nothing(book):
    day = calls(
        *(
            call(
                call_id=f"c-{i}",
                model=("gpt-4.1", "o3", "gpt-4o-mini", "nobody")[i % 4],
                started_at=at(f"2025-06-09 23:{i % 60:02}"),
                uncached_input=i * 7_919,
                output_text=i,
            )
            for i in range(60)
        )
    )
    in_order = price_calls(day, book)
    shuffled = price_calls(day.sample(fraction=1.0, shuffle=True, seed=3), book)
    assert parquet_bytes(shuffled) == parquet_bytes(in_order)


def test_columns_of_the_day_partition_pass_by(book):
    with_day = calls(call(uncached_input=1)).with_columns(day=pl.lit(at("2026-11-10")))
    assert price_calls(with_day, book).columns == CALL_COSTS.schema.names()
