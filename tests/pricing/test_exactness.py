"""Our prices beside genai-prices' own, call by call, to the last digit."""

import json
import random
from decimal import Decimal, localcontext
from pathlib import Path

import polars as pl
import pytest
from genai_prices import calc_price
from genai_prices.types import Usage

from llmops_pipelines.pricing import find_tariff, price_tokens
from llmops_pipelines.pricing.catalogue import providers
from llmops_pipelines.tables import INSTANT, TOKEN_BUCKETS
from tests.pricing.factories import at

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "genai_usages" / "data.parquet"

MIXES = (
    {"uncached_input": 1_000, "output_text": 200},
    {
        "uncached_input": 1_003,
        "cache_read": 517,
        "cache_write_5m": 211,
        "cache_write_1h": 101,
        "output_text": 77,
        "reasoning": 33,
    },
    {"uncached_input": 90, "audio_input": 40, "output_text": 7, "reasoning": 3, "audio_output": 19},
    {"uncached_input": 199_999, "cache_read": 1, "output_text": 1},
    {"uncached_input": 200_000, "cache_read": 1},
    {"uncached_input": 271_000, "cache_read": 1_000, "output_text": 5},
    {"uncached_input": 271_000, "cache_read": 1_001, "output_text": 5},
)

MOMENTS = (
    at("2024-01-01"),
    at("2025-06-09 23:59:59"),
    at("2025-06-10"),
    at("2026-08-20 02:30"),
    at("2026-10-13 12:00"),
    at("2026-10-14"),
    at("2026-11-20 16:30"),
    at("2027-02-01 00:29:59"),
)

TIERS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


def usage(tokens):
    def of(*buckets):
        return sum(tokens.get(bucket, 0) for bucket in buckets)

    return Usage(
        input_tokens=of(
            "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input"
        ),
        output_tokens=of("output_text", "reasoning", "audio_output"),
        cache_read_tokens=of("cache_read"),
        cache_write_tokens=of("cache_write_5m", "cache_write_1h"),
        cache_write_5m_tokens=of("cache_write_5m"),
        cache_write_1h_tokens=of("cache_write_1h"),
        input_audio_tokens=of("audio_input"),
        output_audio_tokens=of("audio_output"),
        output_reasoning_tokens=of("reasoning"),
        # Overlaps of the above, which it wants to be told of.
        cache_audio_read_tokens=0,
        cache_audio_write_tokens=0,
        output_audio_reasoning_tokens=0,
    )


def theirs(row):
    """genai-prices' dollars, rounded to ours; None for an id that its own rules do not match."""
    try:
        price = calc_price(
            usage(row),
            row["model"],
            provider_id=row["provider"],
            genai_request_timestamp=row["started_at"],
            price_context=TIERS[row["service_tier"]],
        )
    except LookupError:
        return None
    with localcontext(prec=50):
        return price.total_price.quantize(Decimal("1E-12"))


def grid(tiers, sample, seed):
    """Every model at every moment with every mix, thinned at random."""
    rows = [
        (provider.id, model.id, moment, tier, mix)
        for provider in providers()
        for model in provider.models
        for tier in tiers
        if tier == "standard" or model.price_variants
        for moment in MOMENTS
        for mix in MIXES
    ]
    chosen = random.Random(seed).sample(rows, sample)
    return pl.DataFrame(
        [(*row[:4], False, *(row[4].get(b, 0) for b in TOKEN_BUCKETS)) for row in chosen],
        schema={
            "provider": pl.String,
            "model": pl.String,
            "started_at": INSTANT,
            "service_tier": pl.String,
            "is_batch": pl.Boolean,
            **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
        },
        orient="row",
    )


def has_a_bucket_without_price(row, book):
    listed = book.filter(provider=row["provider"], model=row["model"])["bucket"]
    return any(row[bucket] and bucket not in listed for bucket in TOKEN_BUCKETS)


def test_every_model_costs_what_genai_prices_says_at_any_time_and_mix(book):
    ours = price_tokens(grid(["standard"], 8_000, seed=1), book)
    checked = 0
    for row in ours.iter_rows(named=True):
        expected = theirs(row)
        if row["cost"] is not None and expected is not None:
            assert row["cost"] == expected, row
            checked += 1
        elif expected is not None:
            # It adds 0 for tokens it has no price for; to us their price is unknown.
            assert row["unpriced_reason"] == "no_price_at_that_time", row
            assert has_a_bucket_without_price(row, book), row
    assert checked > 6_500


def test_service_tiers_cost_what_genai_prices_says_where_it_knows_them(book):
    ours = price_tokens(grid(["batch", "flex", "priority"], 6_000, seed=2), book)
    checked = 0
    for row in ours.iter_rows(named=True):
        if row["cost"] is not None and "halved for batch" not in row["price_source"]:
            assert row["cost"] == theirs(row), row
            checked += 1
    assert checked > 700


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded usages are not at hand")
def test_recorded_usages_of_real_providers_cost_what_genai_prices_says(book):
    moment = at("2026-11-20 12:00")
    tariffs, checked, differing = {}, 0, []
    for body, extracted, named in pl.read_parquet(RECORDED)["body", "extracted", "model"].rows():
        model = named or json.loads(body).get("model")
        for reading in json.loads(extracted):
            tokens = disjoint(reading["usage"])
            for priced in reading["extractors"]:
                if tokens is None or "input_price" not in priced:
                    continue
                key = (priced["provider_id"], model)
                if key not in tariffs:
                    tariffs[key] = find_tariff(*key, moment, book)
                expected = calc_price(
                    Usage(**reading["usage"]),
                    model,
                    provider_id=key[0],
                    genai_request_timestamp=moment,
                ).total_price
                if tariffs[key] is None:
                    assert expected == 0  # a model it lists without any price
                    continue
                checked += 1
                if tariffs[key].cost(tokens) != expected:
                    differing.append((key, tokens, expected))
    assert differing == []
    assert checked > 1_000


def disjoint(reported):
    """Recorded usage in our buckets; None where they cannot say it (images, searches, ...)."""
    known = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"} | {
        "cache_write_5m_tokens", "cache_write_1h_tokens", "input_audio_tokens",
        "output_audio_tokens", "output_reasoning_tokens",
    }  # fmt: skip
    unpriced_splits = {"input_text_tokens", "output_text_tokens", "cache_text_read_tokens"}
    used = {key: count for key, count in reported.items() if count}
    if set(used) - known - unpriced_splits:
        return None
    of = {key: used.get(key, 0) for key in known}
    hour = of["cache_write_1h_tokens"]
    five_minutes = of["cache_write_tokens"] - hour
    audio_in, audio_out = of["input_audio_tokens"], of["output_audio_tokens"]
    reasoning, read = of["output_reasoning_tokens"], of["cache_read_tokens"]
    return {
        "uncached_input": of["input_tokens"] - read - hour - five_minutes - audio_in,
        "cache_read": read,
        "cache_write_5m": five_minutes,
        "cache_write_1h": hour,
        "output_text": of["output_tokens"] - reasoning - audio_out,
        "reasoning": reasoning,
        "audio_input": audio_in,
        "audio_output": audio_out,
    }
