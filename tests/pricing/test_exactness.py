"""Our prices beside genai-prices' own, call by call, to the last digit."""

import json
import random
import sys
from collections import Counter
from decimal import Decimal, localcontext
from pathlib import Path

import polars as pl
import pytest
from genai_prices import calc_price, extract_usage
from genai_prices.types import Usage

from llmops_pipelines.formats import Limits, LogFormat, connect, read_lines
from llmops_pipelines.formats.usage.usage import usage_of
from llmops_pipelines.pricing import find_tariff, price_tokens
from llmops_pipelines.pricing.book.catalogue import providers
from llmops_pipelines.tables import INSTANT, TOKEN_BUCKETS
from tests.pricing.factories import at

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "genai_usages" / "data.parquet"
RECORDED_AT = at("2026-11-20 12:00")

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


def _prices(family, provider, flavor):
    """Whether genai-prices' reading of this name is that of the convention we recognised."""
    return {
        "openai_chat": flavor == "chat" or provider in {"groq", "mistral"},
        "openai_responses": flavor == "responses",
        "anthropic": flavor == "anthropic" or provider == "anthropic",
        "cohere": flavor != "tokens",
    }.get(family, True)


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded usages are not at hand")
def test_recorded_usages_of_real_providers_cost_what_genai_prices_says(book):
    """Each is read into buckets that cost the same to the last digit, or refused with a reason."""
    recorded = pl.read_parquet(RECORDED).with_row_index("n")
    usages = [usage_of(usage_object(json.loads(body))) for body in recorded["body"]]
    read, rejected = landed(usages)
    tariffs, outcomes, wrong = {}, Counter(), []
    for n, body, extracted, named in recorded["n", "body", "extracted", "model"].rows():
        family, _, refused = usages[n]
        if why := refused or rejected.get(n):
            outcomes[family, f"refused: {why}"] += 1
            continue
        response, tokens = json.loads(body), read[n]
        model = named or response.get("model")
        counted, prices = False, set()
        for reading in json.loads(extracted):
            for by in reading["extractors"]:
                provider, flavor = by["provider_id"], by["api_flavor"]
                if not _prices(family, provider, flavor):
                    continue
                counted |= sides(tokens) == (
                    reading["usage"].get("input_tokens", 0),
                    reading["usage"].get("output_tokens", 0),
                )
                if "input_price" not in by:
                    continue
                key = (provider, model)
                if key not in tariffs:
                    tariffs[key] = find_tariff(*key, RECORDED_AT, book)
                then = Decimal(by["input_price"]) + Decimal(by["output_price"])
                # A model that the catalogue lists without any price has no tariff.
                cost = tariffs[key].cost(tokens) if tariffs[key] else Decimal(0)
                if cost == then:
                    prices.add("equal")
                elif cost == priced_now(response, provider, flavor, model):
                    prices.add("equal, price changed since it was recorded")
                else:
                    wrong.append((n, key, tokens, cost, then))
        if not counted:
            wrong.append((n, family, tokens, extracted))
        outcomes[family, " and ".join(sorted(prices)) or "read, no price recorded"] += 1
    table = (f"{family}: {times} {what}\n" for (family, what), times in sorted(outcomes.items()))
    sys.stdout.writelines(table)  # pytest -s
    assert wrong == []
    refused = sum(times for (_, what), times in outcomes.items() if what.startswith("refused"))
    priced = sum(times for (_, what), times in outcomes.items() if what.startswith("equal"))
    assert refused < 0.03 * recorded.height
    assert priced > 0.7 * recorded.height


def usage_object(response):
    """Where each vendor's response holds its usage."""
    return next(response[key] for key in ("usage", "usageMetadata", "meta") if key in response)


def landed(usages):
    """The buckets of each usage as landing reads them, and why others are rejected."""
    lines = pl.DataFrame(
        {"n": n, "raw": json.dumps({"started_at": f"{RECORDED_AT}Z", "status": "ok"} | fields)}
        for n, (_, fields, _) in enumerate(usages)
    )
    reading = LogFormat("usages", "", bool, unpack=lambda record: [record]).reading()
    rows = read_lines(connect(), lines, reading, Limits(at("2026-01-01"), at("2027-01-01")))
    read = {
        row["n"]: {bucket: row[bucket] or 0 for bucket in TOKEN_BUCKETS}
        for row in rows.calls.iter_rows(named=True)
    }
    return read, dict(rows.rejected.select("n", "reason").iter_rows())


def sides(tokens):
    """Tokens of the prompt and of the answer."""
    answer = sum(tokens[bucket] for bucket in ("output_text", "reasoning", "audio_output"))
    return sum(tokens.values()) - answer, answer


def priced_now(response, provider, flavor, model):
    """What the installed genai-prices says of tokens; it prices searches apart."""
    usage = extract_usage(response, provider_id=provider, api_flavor=flavor).usage
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=RECORDED_AT)
    return price.input_price + price.output_price
