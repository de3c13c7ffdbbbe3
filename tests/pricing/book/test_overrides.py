from decimal import Decimal
from pathlib import Path

import pytest

from llmops_pipelines.pricing import PriceOverrides
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.pricing.factories import at

DEFAULTS = Path(__file__).parents[3] / "data" / "reference" / "prices.yaml"


def parse(text):
    return parse_document(text, PriceOverrides, file="prices.yaml")


def fault(text):
    with pytest.raises(ReferenceFileError) as error:
        parse(text)
    return str(error.value)


def test_an_empty_file_overrides_nothing():
    assert parse("").overrides == ()


def test_the_shipped_file_is_valid_and_every_entry_says_why():
    shipped = parse(DEFAULTS.read_text())
    assert all(len(entry.why) > 20 for entry in shipped.overrides)


def test_the_examples_in_the_shipped_file_are_valid():
    lines = DEFAULTS.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("#   - provider"))
    end = next(i for i in range(start, len(lines)) if lines[i] == "#")
    examples = "\n".join(line[2:] for line in lines[start:end])
    assert len(parse(f"overrides:\n{examples}").overrides) == 2


@pytest.mark.parametrize("kind", ["self_hosted", "multipliers", "discounts"])
def test_the_examples_of_each_kind_are_valid(kind):
    lines = DEFAULTS.read_text().splitlines()
    start = lines.index(f"# {kind}:")
    example = "\n".join(line[2:] for line in lines[start : lines.index("#", start)])
    assert getattr(parse(example), kind)


def test_days_are_midnights_and_offsets_are_taken_into_account():
    (entry,) = parse("""
overrides:
  - provider: p
    model: m
    valid_from: 2026-08-17
    valid_to: 2026-09-01T02:00:00+02:00
    prices: {uncached_input: 0.1}
    why: w
""").overrides
    assert (entry.valid_from, entry.valid_to) == (at("2026-08-17"), at("2026-09-01"))


def test_prices_are_exact_decimals():
    (entry,) = parse(
        "overrides: [{provider: p, model: m, prices: {uncached_input: 0.1}, why: w}]"
    ).overrides
    assert entry.prices["uncached_input"] == Decimal("0.1")


def test_an_unknown_bucket_is_named_with_the_known_ones():
    message = fault("""overrides:
  - provider: openai
    model: m
    prices: {input: 3}
    why: w
""")
    assert message.startswith("prices.yaml:4: overrides.0.prices: no such bucket: input; accepted:")
    assert "uncached_input, cache_read" in message


def test_an_override_without_an_input_price_is_refused():
    assert "prices.yaml:1: overrides.0.prices: give at least uncached_input" in fault(
        "overrides: [{provider: p, model: m, prices: {output_text: 3}, why: w}]"
    )


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        ("-3", "greater than or equal to 0"),
        (".nan", "finite"),
        (".inf", "finite"),
        ("cheap", "valid decimal"),
        ("1e9", "digits before the decimal point"),
        ("0.0000000000001", "decimal places"),
    ],
)
def test_an_impossible_price_is_refused_with_line_and_value(price, complaint):
    text = f"""overrides:
  - provider: p
    model: m
    prices:
      uncached_input: {price}
    why: w
"""
    with pytest.raises(ReferenceFileError, match=complaint) as error:
        parse(text)
    assert str(error.value).startswith("prices.yaml:5: overrides.0.prices.uncached_input:")


def test_a_missing_reason_is_asked_for():
    assert "prices.yaml:1: overrides.0.why: is missing" in fault(
        "overrides: [{provider: p, model: m, prices: {uncached_input: 3}}]"
    )


def test_an_unknown_key_is_named_with_the_known_ones():
    message = fault("overrides: [{provider: p, name: m, prices: {uncached_input: 3}, why: w}]")
    assert "overrides.0.name: is not known here; accepted: provider, model," in message


def test_a_time_that_cannot_be_read_shows_how_to_write_one():
    message = fault(
        "overrides: [{provider: p, model: m, valid_from: soon, prices: {uncached_input: 3},"
        " why: w}]"
    )
    assert (
        "valid_from: expected a date or time such as 2026-08-17T16:00:00Z; found 'soon'" in message
    )


def test_an_interval_that_ends_before_it_begins_is_refused():
    assert "valid_to 2026-04-01 00:00:00 is not after valid_from 2026-05-01 00:00:00" in fault("""
overrides:
  - provider: p
    model: m
    valid_from: 2026-05-01
    valid_to: 2026-04-01
    prices: {uncached_input: 3}
    why: w
""")


def test_two_prices_for_one_moment_are_refused():
    message = fault("""overrides:
  - {provider: OpenAI, model: m, prices: {uncached_input: 3}, why: w}
  - {provider: openai, model: M, valid_from: 2026-05-01, prices: {uncached_input: 4}, why: w}
""")
    assert message.startswith("prices.yaml:1: overrides: overrides.0 and overrides.1 both price")
    assert "end the earlier one with valid_to" in message


def test_prices_that_follow_one_another_are_accepted():
    text = """overrides:
  - {provider: p, model: m, valid_to: 2026-05-01, prices: {uncached_input: 3}, why: w}
  - {provider: p, model: m, valid_from: 2026-05-01, prices: {uncached_input: 4}, why: w}
  - {provider: p, model: m, service: batch, prices: {uncached_input: 2}, why: w}
"""
    assert len(parse(text).overrides) == 3


def test_a_file_that_is_not_yaml_names_the_line():
    assert fault("overrides:\n  - {provider: p").startswith("prices.yaml:2: not YAML")
