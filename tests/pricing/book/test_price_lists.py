from decimal import Decimal

import pytest

from llmops_pipelines.pricing import PriceOverrides, find_tariff, price_calls
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.pricing.factories import at, call, calls

NOW = at("2026-11-10")

EURO = "currency: EUR, rate: {usd: 1.0842, day: 2026-11-02, source: ECB}"


def fault(text):
    with pytest.raises(ReferenceFileError) as error:
        parse_document(text, PriceOverrides, file="prices.yaml")
    return str(error.value)


def price(book, provider, model, bucket="uncached_input"):
    tariff = find_tariff(provider, model, NOW, book)
    return tariff and tariff.cost({bucket: 1_000_000})


def hosted(more):
    return f"""
self_hosted:
  - {{provider: own, model: llama, gpu_hour: 2.10, gpus: 4, {more}, why: pool B}}
"""


def test_another_currency_is_converted_at_the_rate_given(book_with):
    book = book_with(f"""
overrides:
  - {{provider: mistral, model: m, {EURO}, prices: {{uncached_input: 1.8, output_text: 5}}, why: C}}
""")
    assert price(book, "mistral", "m") == Decimal("1.95156")
    row = book.filter(model="m", bucket="output_text").row(0, named=True)
    assert (row["list_price"], row["currency"], row["usd_rate"]) == (5, "EUR", Decimal("1.0842"))
    assert row["source"] == "prices.yaml overrides.0: C (EUR at 1.0842 USD, ECB, 2026-11-02)"


def test_a_conversion_is_rounded_half_even_to_twelve_decimals(book_with):
    book = book_with("""
overrides:
  - provider: p
    model: m
    currency: JPY
    rate: {usd: 0.5, day: 2026-11-02, source: s}
    prices: {uncached_input: 0.000000000001, output_text: 0.000000000003}
    why: w
""")
    prices = dict(book.filter(model="m").select("bucket", "price").rows())
    assert (prices["uncached_input"], prices["output_text"]) == (0, Decimal("0.000000000002"))


@pytest.mark.parametrize(
    ("money", "complaint"),
    [
        ("currency: EUR", "currency is EUR: give rate: {usd: ..., day: ..., source: ...}"),
        ("rate: {usd: 1, day: 2026-11-02, source: s}", "currency is USD: leave out rate"),
        ("currency: euro", "overrides.0.currency: string should match pattern"),
        ("currency: EUR, rate: {usd: 1, source: s}", "overrides.0.rate.day: is missing"),
        ("currency: EUR, rate: {usd: 0, day: 2026-11-02, source: s}", "greater than 0"),
    ],
)
def test_a_currency_without_a_dated_rate_is_refused(money, complaint):
    assert complaint in fault(
        f"overrides: [{{provider: p, model: m, {money}, prices: {{uncached_input: 1}}, why: w}}]"
    )


def test_gpus_by_the_hour_come_to_a_price_per_token(book_with):
    # 4 x 2.10 an hour over 2,400 x 0.55 x 3,600 tokens.
    book = book_with(hosted("full_load_tokens_per_second: 2400, utilisation: 0.55"))
    expected = Decimal("1.767676767677")
    assert price(book, "own", "llama") == price(book, "own", "llama", "output_text") == expected
    assert set(book.filter(provider="own")["source"]) == {
        "prices.yaml self_hosted.0: pool B; 4 GPU x 2.1 USD/h / "
        "(2400 tokens/s x 0.55 utilisation x 3600 s) = 1.767676767677 USD/M"
    }


def test_batches_cost_the_same_on_ones_own_gpus_unless_listed(book_with):
    dated = """
self_hosted:
  - {provider: own, model: llama, gpu_hour: 1, gpus: 1, measured_tokens_per_second: 1000,
     valid_to: 2026-11-01, why: w}
  - {provider: own, model: llama, gpu_hour: 3.6, gpus: 1, measured_tokens_per_second: 1000,
     valid_from: 2026-11-01, why: w}
"""
    batches = calls(call(provider="own", model="llama", is_batch=True, uncached_input=1_000_000))
    assert price_calls(batches, book_with(dated))["cost"].to_list() == [1]
    listed = """
overrides:
  - {provider: own, model: llama, service: batch, prices: {uncached_input: 0.5}, why: w}
"""
    assert price_calls(batches, book_with(dated + listed))["cost"].to_list() == [Decimal("0.5")]


def test_measured_throughput_needs_no_utilisation(book_with):
    book = book_with(hosted(f"measured_tokens_per_second: 1000, {EURO}"))
    per_token = Decimal("2.1") * 4 * 1_000_000 / (1000 * 3600)
    in_euro = per_token.quantize(Decimal("1e-12"))
    assert book.filter(provider="own")["list_price"].unique().to_list() == [in_euro]
    assert price(book, "own", "llama") == (in_euro * Decimal("1.0842")).quantize(Decimal("1e-12"))
    assert "1000 tokens/s measured x 3600 s" in book.filter(provider="own")["source"][0]


@pytest.mark.parametrize(
    "throughput",
    [
        "utilisation: 0.5",
        "full_load_tokens_per_second: 10",
        "full_load_tokens_per_second: 10, utilisation: 0.5, measured_tokens_per_second: 5",
        "measured_tokens_per_second: 5, utilisation: 0.5",
    ],
)
def test_a_throughput_that_says_too_little_or_too_much_is_refused(throughput):
    message = fault(hosted(throughput))
    assert message.startswith("prices.yaml:3: self_hosted.0: give full_load_tokens_per_second with")


@pytest.mark.parametrize(
    "fault_of", ["utilisation: 1.2", "utilisation: 0", "gpus: 0", "gpu_hour: -1"]
)
def test_impossible_hosting_is_refused_by_field(fault_of):
    name = fault_of.partition(":")[0]
    text = hosted("full_load_tokens_per_second: 10, utilisation: 0.5")
    for given in ("utilisation: 0.5", "gpus: 4", "gpu_hour: 2.10"):
        if given.startswith(name):
            text = text.replace(given, fault_of)
    assert f"self_hosted.0.{name}: input should be" in fault(text)


def test_a_model_is_hosted_or_listed_not_both():
    message = fault(
        hosted("measured_tokens_per_second: 10")
        + "overrides: [{provider: Own, model: LLAMA, prices: {uncached_input: 1}, why: w}]"
    )
    assert "self_hosted: overrides.0 and self_hosted.0 both price Own/LLAMA (standard)" in message


REGIONAL = """
overrides:
  - {provider: aws, model: amazon.nova-pro-v1:0, region: eu, prices: {uncached_input: 9}, why: w}
  - {provider: google, model: gemini-2.5-pro, region: europe-west1, valid_from: 2026-11-01,
     prices: {uncached_input: 8}, why: w}
"""


def test_a_region_has_its_own_price_for_models_addressed_there(book_with):
    book = book_with(REGIONAL)
    usual = price(book, "aws", "amazon.nova-pro-v1:0")
    assert usual not in (None, 9)
    assert price(book, "aws", "eu.amazon.nova-pro-v1:0") == 9
    assert price(book, "aws", "us.amazon.nova-pro-v1:0") == usual
    vertex = "projects/p/locations/{}/publishers/google/models/gemini-2.5-pro"
    assert price(book, "google", vertex.format("europe-west1")) == 8
    there, anywhere = vertex.format("us-east5"), "gemini-2.5-pro"
    assert price(book, "google", there) == price(book, "google", anywhere) not in (None, 8)


def test_a_region_falls_back_to_the_usual_price_outside_its_dates(book_with):
    book = book_with(REGIONAL)
    name = "projects/p/locations/europe-west1/publishers/google/models/gemini-2.5-pro"
    logged = [
        call(provider="google", model=name, uncached_input=1_000, started_at=moment)
        for moment in (at("2026-10-31"), at("2026-11-01"))
    ]
    assert price_calls(calls(*logged), book)["cost"].to_list() == [
        Decimal("0.00125"),
        Decimal("0.008"),
    ]


def test_regions_of_one_model_do_not_clash():
    text = """overrides:
  - {provider: aws, model: m, region: eu, prices: {uncached_input: 9}, why: w}
  - {provider: aws, model: m, region: us, prices: {uncached_input: 9}, why: w}
  - {provider: aws, model: m, prices: {uncached_input: 9}, why: w}
"""
    assert len(parse_document(text, PriceOverrides, file="f").overrides) == 3
    twice = fault(text.replace("region: us", "region: EU"))
    assert "both price aws/m (standard) in eu from" in twice
