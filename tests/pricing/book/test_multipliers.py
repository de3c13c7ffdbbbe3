from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.pricing import PriceOverrides, find_tariff
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.pricing.factories import CATALOGUE, at

NOW = at("2026-11-10")
LLAMA = "llama-3.3-70b-versatile"


def price(book, provider, model, bucket, moment=NOW, **asked):
    tariff = find_tariff(provider, model, moment, book, **asked)
    return tariff and tariff.cost({bucket: 1_000_000})


def fault(text):
    with pytest.raises(ReferenceFileError) as error:
        parse_document(text, PriceOverrides, file="prices.yaml")
    return str(error.value)


def test_a_batch_price_is_made_where_the_catalogue_has_none(book, book_with):
    more = book_with("""
multipliers:
  - {provider: groq, batch: 0.5, valid_from: 2026-06-01, why: console.groq.com/docs/batch}
""")
    standard = price(book, "groq", LLAMA, "uncached_input")
    assert price(book, "groq", LLAMA, "uncached_input", service="batch") is None
    assert price(more, "groq", LLAMA, "uncached_input") == standard
    assert price(more, "groq", LLAMA, "uncached_input", service="batch") == standard / 2
    assert price(more, "groq", LLAMA, "output_text", at("2026-05-31"), service="batch") is None
    assert find_tariff("groq", LLAMA, NOW, more, service="batch").source == (
        f"{CATALOGUE}, x 0.5 for batch (prices.yaml multipliers.0: console.groq.com/docs/batch): "
        f"groq/{LLAMA}:batch"
    )


def test_what_the_catalogue_lists_stays(book, book_with):
    more = book_with("multipliers: [{provider: openai, batch: 0.9, cache_read: 0.9, why: w}]")
    listed = at("2026-11-10")
    for bucket in ("uncached_input", "cache_read"):
        same = {price(each, "openai", "gpt-4.1", bucket, listed, service="batch")
                for each in (book, more)}  # fmt: skip
        assert len(same) == 1
    # Before it listed batch prices, a half was assumed; the file knows better.
    before = at("2026-10-01")
    assert price(book, "openai", "gpt-4.1", "uncached_input", before, service="batch") == 1
    assert price(more, "openai", "gpt-4.1", "uncached_input", before, service="batch") == Decimal(
        "1.8"
    )


def test_cached_prices_are_parts_of_the_input_price(book, book_with):
    more = book_with(f"""
multipliers:
  - {{provider: groq, model: {LLAMA}, cache_read: 0.5, batch: 0.5, why: w}}
""")
    fresh = price(book, "groq", LLAMA, "uncached_input")
    assert price(book, "groq", LLAMA, "cache_read") == fresh
    assert price(more, "groq", LLAMA, "cache_read") == fresh / 2
    assert price(more, "groq", LLAMA, "cache_read", service="batch") == fresh / 2
    assert price(more, "groq", LLAMA, "cache_write_5m", service="batch") == fresh / 2
    others = pl.col("model") != LLAMA
    assert more.filter(others).equals(book.filter(others))


def test_batches_may_take_the_same_part_of_cached_prices(book, book_with):
    more = book_with(
        "multipliers: [{provider: groq, cache_read: 0.5, batch: 0.5, batch_cached: 0.5, why: w}]"
    )
    fresh = price(book, "groq", LLAMA, "uncached_input")
    assert price(more, "groq", LLAMA, "cache_read", service="batch") == fresh / 4


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("batch_cached: 0.5", "give batch (with batch_cached"),
        ("why: v", "the key 'why' is given twice"),
        ("model: nothing-*, batch: 1", "no model of groq is called nothing-*"),
        ("batch: -1", "multipliers.0.batch: input should be greater than or equal to 0"),
        ("prices: {}", "accepted: provider, model, valid_from"),
    ],
)
def test_a_wrong_multiplier_is_refused(entry, complaint):
    assert complaint in fault(f"multipliers: [{{provider: groq, {entry}, why: w}}]")


def test_two_that_set_the_same_are_refused():
    text = f"""multipliers:
  - {{provider: groq, batch: 0.5, why: w}}
  - {{provider: groq, model: {LLAMA}, cache_read: 0.5, why: w}}
"""
    assert len(parse_document(text, PriceOverrides, file="f").multipliers) == 2
    assert "multipliers.0 and multipliers.1 both set batch for models of groq" in fault(
        text.replace("cache_read", "batch")
    )
