import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines.pricing import PriceOverrides, find_tariff, price_book, price_calls
from llmops_pipelines.pricing.book.catalogue import providers
from llmops_pipelines.pricing.book.rows import Name
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import PRICE_BOOK, TOKEN_BUCKETS
from tests.pricing.factories import at, call, calls, parquet_bytes

DEFAULTS = Path(__file__).parents[3] / "data" / "reference" / "prices.yaml"


NOW = at("2026-11-10")


def input_price(book, provider, model, moment=NOW, **options):
    tariff = find_tariff(provider, model, moment, book, **options)
    return None if tariff is None else tariff.cost({"uncached_input": 1_000_000})


def test_every_model_with_token_prices_is_listed(book):
    listed = set(book.select("provider", "model").unique().rows())
    missing = [
        (provider.id, model.id)
        for provider in providers()
        for model in provider.models
        for prices in [model.get_prices(at("2026-11-10"))]
        if prices.input_mtok is not None and (provider.id, model.id) not in listed
    ]
    assert len(listed) > 2_000
    assert missing == []


def test_the_book_is_a_valid_table_of_known_buckets(book):
    assert PRICE_BOOK.require(book).equals(book)
    assert set(book["bucket"]) == {*TOKEN_BUCKETS, "request", "web_searches"}
    assert book["price"].min() >= 0
    assert book.filter(pl.col("valid_to") <= pl.col("valid_from")).is_empty()


def test_intervals_of_one_price_neither_overlap_nor_leave_gaps(book):
    ends = book.sort("valid_from").with_columns(
        next_from=pl.col("valid_from").shift(-1).over(*Name._fields, "bucket", "context_from")
    )
    assert ends.filter(pl.col("valid_to") != pl.col("next_from")).is_empty()


def test_the_clock_of_reading_is_kept_and_prices_nothing(book):
    read_at = at("2026-11-10 02:00")
    stamped = price_book(PriceOverrides(), read_at)
    assert set(stamped["fetched_at"]) == set(stamped["known_from"]) == {read_at}
    assert stamped.drop(PRICE_BOOK.volatile).equals(book.drop(PRICE_BOOK.volatile))


def test_two_books_are_the_same_bytes(book):
    assert parquet_bytes(price_book(PriceOverrides())) == parquet_bytes(book)


def test_the_first_gpt_4o_keeps_its_own_price(book):
    assert input_price(book, "openai", "gpt-4o-2024-05-13") == Decimal(5)
    assert input_price(book, "openai", "gpt-4o-2024-08-06") == Decimal("2.5")


def test_an_override_wins_while_it_holds(book_with):
    book = book_with("""
overrides:
  - provider: openai
    model: gpt-4.1
    valid_from: 2026-11-01
    valid_to: 2026-12-01
    prices: {uncached_input: 1.7, output_text: 6.8}
    why: contract 15 %
""")
    prices = [
        input_price(book, "openai", "gpt-4.1", moment)
        for moment in (
            at("2026-10-31 23:59:59"),
            at("2026-11-01"),
            at("2026-11-30 23:59:59"),
            at("2026-12-01"),
        )
    ]
    assert prices == [Decimal(2), Decimal("1.7"), Decimal("1.7"), Decimal(2)]


def test_an_override_of_a_catalogue_id_holds_for_every_name_it_covers(book_with):
    book = book_with(
        "overrides: [{provider: openai, model: gpt-4.1, prices: {uncached_input: 1}, why: w}]"
    )
    assert input_price(book, "openai", "gpt-4.1-2025-04-14") == Decimal(1)
    assert input_price(book, None, "gpt-4.1") == Decimal(1)


def test_an_override_of_another_name_holds_for_that_name_only(book_with):
    book = book_with("""
overrides:
  - provider: openai
    model: gpt-4o-2024-08-06
    valid_from: 2026-11-01
    prices: {uncached_input: 9}
    why: w
""")
    assert input_price(book, "openai", "gpt-4o-2024-08-06") == Decimal(9)
    assert input_price(book, "openai", "gpt-4o") == Decimal("2.5")
    before = at("2026-10-31")
    assert input_price(book, "openai", "gpt-4o-2024-08-06", before) == Decimal("2.5")
    assert input_price(book, "openai", "gpt-4o-2024-08-06", service="batch") == Decimal("1.25")


def test_an_override_names_its_place_and_reason_beside_the_cost(book_with):
    book = book_with("""
overrides:
  - {provider: own, model: llama, prices: {uncached_input: 0.1, output_text: 0.2}, why: GPU lease}
""")
    priced = price_calls(
        calls(call(provider=None, model="llama", uncached_input=10, output_text=1)), book
    )
    assert priced.select("cost", "price_source").row(0) == (
        Decimal("0.0000012"),
        "prices.yaml overrides.0: GPU lease: own/llama",
    )


def test_what_an_override_leaves_out_costs_like_its_wider_kind(book_with):
    book = book_with(
        "overrides: [{provider: openai, model: gpt-4.1,"
        " prices: {uncached_input: 3, output_text: 7, cache_write_5m: 5}, why: w}]"
    )
    (band,) = find_tariff("openai", "gpt-4.1", at("2026-11-10"), book).bands
    assert {bucket: price // 10**12 for bucket, price in band[1].items()} == {
        "uncached_input": 3,
        "cache_read": 3,
        "cache_write_5m": 5,
        "cache_write_1h": 5,
        "audio_input": 3,
        "output_text": 7,
        "reasoning": 7,
        "audio_output": 7,
    }


def test_a_fine_tune_without_a_batch_price_has_none(book_with):
    text = """
overrides:
  - {provider: openai, model: "ft:gpt-4.1:acme", prices: {uncached_input: 3}, why: w}
"""
    assert input_price(book_with(text), "openai", "ft:gpt-4.1:acme", service="batch") is None
    text += """
  - {provider: openai, model: "ft:gpt-4.1:acme", service: batch, prices: {uncached_input: 1.5},
     why: w}
"""
    assert input_price(book_with(text), "openai", "ft:gpt-4.1:acme", service="batch") == Decimal(
        "1.5"
    )


def test_an_override_of_a_resold_model_leaves_its_makers_price_alone(book_with):
    book = book_with(
        "overrides: [{provider: azure, model: gpt-4.1, prices: {uncached_input: 1}, why: w}]"
    )
    assert input_price(book, "azure", "gpt-4.1") == Decimal(1)
    assert input_price(book, "openai", "gpt-4.1") == Decimal(2)


def test_an_override_holds_at_all_hours(book_with):
    book = book_with(
        "overrides: [{provider: deepseek, model: deepseek-chat,"
        " prices: {uncached_input: 4}, why: w}]"
    )
    for hour in (0, 12, 20):
        moment = at(f"2026-11-10 {hour:02}:00")
        assert input_price(book, "deepseek", "deepseek-chat", moment) == Decimal(4)


def test_the_shipped_file_prices_deepseek_flat_before_it_had_peak_hours():
    defaults = parse_document(DEFAULTS.read_text(), PriceOverrides, file="prices.yaml")
    book = price_book(defaults)
    peak = [at(f"2026-08-{day} 02:00") for day in (16, 17)]
    prices = [input_price(book, "deepseek", "deepseek-v4-pro", moment) for moment in peak]
    assert prices == [Decimal("0.435"), Decimal("1.32")]


@pytest.mark.parametrize("heavy", ["genai_prices", "torch", "scipy", "pandas", "openai"])
def test_importing_pricing_stays_light(heavy):
    code = f"import llmops_pipelines.pricing, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
