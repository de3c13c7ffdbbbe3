"""Reported costs against ours: what differs, which way, and the mistake that explains it."""

from decimal import Decimal

import pytest

from llmops_pipelines.cost import reported_differences
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.reference import parse_document
from tests.pricing.factories import call, calls

BOOK = price_book(PriceOverrides())
# gpt-4.1: $2 input, $0.50 cached, $8 output a million; half of it in batches.
TOKENS = {"uncached_input": 600_000, "cache_read": 400_000, "output_text": 100_000}
OURS = Decimal("2.2")


def reported(cost, **fields):
    return call(**TOKENS | fields, cost_reported=Decimal(cost))


def found(*rows):
    day = calls(*rows)
    return reported_differences(day, price_calls(day, BOOK), BOOK).rows(named=True)


def test_what_agrees_within_one_per_cent_or_a_rounding_is_not_told_of():
    tiny = {"uncached_input": 1, "cache_read": 0, "output_text": 0}
    assert found(reported(OURS), reported("2.221"), reported("0.000003", **tiny)) == []
    assert found(call(**TOKENS), reported("1", model="acme-7b")) == [], "one of the two is unknown"
    assert found() == []


def test_calls_sums_and_direction_are_told_by_model():
    rows = found(
        *(reported("2.8") for _ in range(3)),
        reported(OURS),
        reported("0.1", model="gpt-4o"),
        call(model="gpt-4o-mini", **TOKENS),
    )
    first, second = rows
    assert (second["model"], second["compared"], second["differ"]) == ("gpt-4.1", 4, 3)
    assert (second["ours"], second["reported"]) == (4 * OURS, 3 * Decimal("2.8") + OURS)
    assert second["direction"] == "reported is higher"
    assert (first["model"], first["direction"]) == ("gpt-4o", "reported is lower")


@pytest.mark.parametrize(
    ("cost", "fields", "reason"),
    [
        ("2.8", {}, "cached tokens are charged at the full input price"),
        ("3.0", {}, "cached tokens are charged twice, in full and as cached"),
        ("2.0", {}, "cached tokens are not charged"),
        ("2.2", {"is_batch": True}, "the batch discount is left out, or the service tier's price"),
        ("1.2", {}, "charged as a batch, which the log does not tell"),
        ("3.85", {}, "charged as service tier priority, which the log does not tell"),
        ("2.6", {"reasoning": 50_000}, None),
        ("2.2", {"reasoning": 50_000}, "reasoning tokens are not charged"),
        ("3.0", {"reasoning": 50_000}, "reasoning tokens are charged twice"),
    ],
)
def test_a_known_mistake_is_named(cost, fields, reason):
    rows = found(reported(cost, **fields))
    assert [row["reason"].split(" (")[0] for row in rows] == ([reason] if reason else [])


def test_cache_writes_at_the_input_price_are_named():
    anthropic = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    (row,) = found(
        reported("0.06", **anthropic, uncached_input=10_000, cache_read=0, output_text=0,
                 cache_write_5m=10_000),
    )  # fmt: skip
    assert row["reason"] == "cache writes are charged as plain input (1 of 1 calls)"


def test_the_reason_is_that_of_most_calls_with_their_number():
    odd = [reported("2.5"), reported("2.8")]
    (row,) = found(*odd, *(reported("3.0") for _ in range(6)))
    assert row["reason"].endswith("charged twice, in full and as cached (6 of 8 calls)")


def test_a_constant_ratio_is_another_price_list():
    small = {"uncached_input": 1000, "cache_read": 0, "output_text": 10_000}
    (row,) = found(reported("1.87"), reported("0.0697", **small))
    assert row["reason"].startswith("always 0.85 times ours: another price list")


def test_what_nothing_explains_is_said_to_be_unexplained():
    (row,) = found(reported("2.5"), reported("9"))
    assert row["reason"].startswith("no one reason explains most")
    free = {"uncached_input": 0, "cache_read": 0, "output_text": 0}
    (row,) = found(reported("1", **free))
    assert (row["ours"], row["direction"]) == (Decimal(0), "reported is higher")
    assert row["reason"].startswith("no one reason explains most")


def test_a_list_price_beside_a_discount_of_a_team_is_no_mistake_with_tokens():
    book = price_book(
        parse_document(
            "discounts:\n- {provider: openai, percent: 20, teams: [search], why: contract}",
            PriceOverrides,
            file="prices.yaml",
        )
    )
    day = calls(*(reported(OURS, team="search") for _ in range(3)), reported(OURS, team="care"))
    (row,) = reported_differences(day, price_calls(day, book), book).rows(named=True)
    assert (row["differ"], row["ours"]) == (3, (3 * Decimal("0.8") + 1) * OURS)
    assert row["reason"] == "always 1.25 times ours: another price list, a discount or a currency"
