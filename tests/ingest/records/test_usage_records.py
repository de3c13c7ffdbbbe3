"""Usage records as providers return them, priced line by line."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.records.usage_records import price_records
from llmops_pipelines.pricing import PriceOverrides, price_book

AT = "2026-11-01T12:00:00Z"


@pytest.fixture(scope="module")
def priced():
    book, connection = price_book(PriceOverrides()), connect()

    def price(*records, at=None):
        lines = [each if isinstance(each, str | None) else json.dumps(each) for each in records]
        return price_records(connection, enumerate(lines, 1), book, at=at)

    return price


def usage(prompt=1_000, completion=100, **more):
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


def record(**fields):
    usual = {"id": "r", "provider": "openai", "model": "gpt-4.1", "timestamp": AT, "usage": usage()}
    return usual | fields


def test_the_arithmetic_adds_up_to_the_cost(priced):
    cached = usage(prompt_tokens_details={"cached_tokens": 400})
    (found,) = priced(record(usage=cached))
    assert found.cost == sum(row.usd for row in found.rows) == Decimal("0.0022")
    steps = {row.bucket: (row.tokens, row.price) for row in found.rows}
    assert steps == {
        "uncached_input": (600, Decimal(2)),
        "cache_read": (400, Decimal("0.5")),
        "output_text": (100, Decimal(8)),
    }


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"batch": True}, "0.0014"),
        ({"timestamp": "2026-11-01"}, "0.0028"),
        ({"timestamp": 1_793_534_400}, "0.0028"),
        ({"provider": None}, "0.0028"),
        ({"model": "o3", "service_tier": "flex"}, "0.0014"),
        (
            {"model": "o3", "usage": {"input_tokens": 0, "output_tokens": 50,
                                      "output_tokens_details": {"reasoning_tokens": 20}}},
            "0.0004",
        ),
        (
            {"provider": "anthropic", "model": "claude-sonnet-4-5",
             "usage": {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 100}},
            "0.000075",
        ),
    ],
)  # fmt: skip
def test_records_cost_what_their_provider_charges(priced, fields, cost):
    (found,) = priced(record(**fields))
    assert (found.cost, found.reason) == (Decimal(cost), None)


def test_counts_that_a_tool_laid_flat_are_read_by_their_names(priced):
    flat, missing = priced(
        record(usage={"input": 600, "input_cached_tokens": 400, "output": 100}),
        record(usage={"pages": 3}),
    )
    assert flat.cost == Decimal("0.0022")
    assert (missing.cost, missing.reason) == (
        None,
        "usage: has none of the token counts known (pages)",
    )


def test_buckets_without_a_price_are_named(priced):
    embedding = record(model="text-embedding-3-small")
    (found,) = priced(embedding)
    assert found.cost is None
    assert found.reason == "no price of output_text: add it to prices.yaml"
    assert priced(embedding | {"usage": {"prompt_tokens": 8, "total_tokens": 8}})[0].cost == (
        Decimal("0.00000016")
    )


def test_reasoning_is_told_apart_without_details_of_the_prompt(priced):
    counted = {
        "input_tokens": 5,
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 20},
    }
    (found,) = priced(record(usage=counted))
    assert (found.buckets["output_text"], found.buckets["reasoning"]) == (30, 20)


def test_all_can_be_priced_as_of_one_moment(priced):
    at = datetime.fromisoformat("2025-06-09")
    before, after = record(model="o3", timestamp=None), record(model="o3")
    assert {found.cost for found in priced(before, after, at=at)} == {Decimal("0.014")}
    assert priced(after)[0].cost == Decimal("0.0028")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (None, "is no UTF-8"),
        ("{", "is no JSON"),
        ("[1]", "holds no object"),
        (record(usage=None), "usage: is missing; give what the provider returned, or its counts"),
        (record(usage=[7]), "usage: [7] is no object"),
        (record(usage={}), "no usage"),
        (record(usage={"bananas": 3}), "none of the token counts known"),
        (record(usage=usage(prompt=-1)), "negative"),
        (record(usage=usage(prompt="many")), "many"),
        (record(timestamp=None), "give it, or --at"),
        (record(timestamp="soon"), "timestamp: 'soon' is not a time"),
        (record(model="unheard-of"), "add it to prices.yaml"),
        (record(model=None), "no model"),
        (record(usage=usage(prompt=1, prompt_tokens_details={"cached_tokens": 2})), "exceed"),
    ],
)
def test_what_has_no_price_is_null_with_the_reason(priced, line, reason):
    (found,) = priced(line)
    assert found.cost is None
    assert reason in found.reason
    assert found.rows == () or found.cost is None


def test_every_line_comes_back_in_order_whatever_it_holds(priced):
    found = priced(record(id=1), "nonsense", record(id="2"), record(id=None, usage=[]))
    assert [(each.line, each.id) for each in found] == [(1, 1), (2, None), (3, "2"), (4, None)]


COUNTS = st.none() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=4) | st.booleans()
KEYS = st.sampled_from(
    ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens",
     "cache_read_input_tokens", "prompt_tokens_details", "promptTokenCount", "other"]
)  # fmt: skip
SIDES = st.dictionaries(st.just("cached_tokens"), COUNTS)
USAGES = st.dictionaries(KEYS, COUNTS | SIDES, max_size=5)


@settings(max_examples=12, deadline=None)
@given(st.lists(USAGES, min_size=20, max_size=40))
def test_no_usage_breaks_the_file_it_stands_in(priced, usages):
    *hostile, sound = priced(*(record(usage=counted) for counted in usages), record())
    assert sound.cost == Decimal("0.0028")
    assert all((each.cost is None) == (each.reason is not None) for each in hostile)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "gpt-41"}, "did you mean gpt-4.1"),
        ({"provider": "opnai"}, "no provider 'opnai' (did you mean openai"),
        ({"provider": "zzzzzz", "model": "zzz"}, "no provider 'zzzzzz': this model has no price"),
    ],
)
def test_mistyped_names_are_told_with_names_like_them(priced, fields, said):
    (found,) = priced(record(**fields))
    assert found.cost is None
    assert said in found.reason
