"""Why spend changed: parts that add up, each where it belongs."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.cost import (
    CUBE_COLUMNS,
    cost_cube,
    cost_drivers,
    told_change,
    told_week,
    week_drivers,
)
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.tables import COST_CUBE, COST_PARTS, MONEY
from tests.pricing.factories import at, call, calls

MODELS = ("gpt-4.1", "gpt-4.1-mini", "sonar", "unheard-of")
BOOK = price_book(PriceOverrides())


def many(count, **fields):
    return [call(**{"uncached_input": 1_000, "output_text": 100} | fields) for _ in range(count)]


def cube(rows):
    if not rows:
        return COST_CUBE.empty()
    logged = calls(*(row | {"call_id": f"c-{number}"} for number, row in enumerate(rows)))
    return cost_cube(logged.select(CUBE_COLUMNS), price_calls(logged, BOOK))


def drivers(before, after, feature="*"):
    found = cost_drivers(before, after).filter(pl.col("feature") == feature)
    return {row["driver"]: row["amount"] for row in found.to_dicts() if row["amount"]}


USUAL = [*many(50), *many(50, model="gpt-4.1-mini")]

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5", "uncached_input": 0}
LOST = {"status": "error", "usage": False, "uncached_input": None, "output_text": None}

CASES = {
    "volume": [*USUAL, *USUAL],
    "routing": [*many(70), *many(30, model="gpt-4.1-mini")],
    "prompt_length": [
        *many(50, uncached_input=3_000), *many(50, model="gpt-4.1-mini", uncached_input=3_000)
    ],
    "answer_length": [*many(50, output_text=300), *many(50, model="gpt-4.1-mini")],
    "price": [*many(50), *many(50, model="gpt-4.1-mini", service_tier="priority")],
    "cache_rate": [
        *many(50, uncached_input=0, cache_read=1_000), *many(50, model="gpt-4.1-mini")
    ],
}  # fmt: skip


@pytest.mark.parametrize("driver", CASES)
def test_what_alone_changed_explains_the_change_alone(driver):
    before, after = cube(USUAL), cube(CASES[driver])
    found = drivers(before, after)
    if driver == "cache_rate":  # a price of cached tokens is known only once there are some
        found = {name: amount for name, amount in found.items() if abs(amount) > Decimal("1e-9")}
    assert found == {driver: after["cost"].sum() - before["cost"].sum()}


@pytest.mark.parametrize(
    "after",
    [
        [
            *many(20, **CLAUDE, cache_write_5m=3_000),
            *many(80, **CLAUDE, cache_read=3_000),
        ],
        many(100, **CLAUDE, cache_write_1h=3_000),
        [
            *many(20, **CLAUDE | {"uncached_input": 100}, cache_write_5m=2_900),
            *many(80, **CLAUDE | {"uncached_input": 100}, cache_read=2_900),
        ],
        [
            *many(40, **CLAUDE | {"uncached_input": 2_000}, cache_write_5m=1_000),
            *many(60, **CLAUDE | {"uncached_input": 1_000}, cache_write_5m=2_000, team="b"),
        ],
    ],
    ids=["written, then read", "written only", "a part is never cached", "parts differ"],
)
@pytest.mark.parametrize("is_cached_first", [False, True])
def test_what_the_cache_charges_for_writing_is_its_rate_and_no_other_price(after, is_cached_first):
    before = many(100, **CLAUDE | {"uncached_input": 3_000})
    was, now = (cube(rows) for rows in ((after, before) if is_cached_first else (before, after)))
    found = drivers(was, now)
    off = {name: amount for name, amount in found.items() if abs(amount) > Decimal("1e-9")}
    change = now["cost"].sum() - was["cost"].sum()
    assert off == {"cache_rate": pytest.approx(change, abs=Decimal("1e-9"))}


def test_dearer_writing_beside_fresh_tokens_is_a_price():
    mixed = CLAUDE | {"uncached_input": 2_000}
    was, now = (
        cube(
            [
                *many(40, **mixed, cache_write_5m=1_000, **when),
                *many(40, **mixed, cache_write_5m=3_000, team="b", **when),
            ]
        )
        for when in ({}, {"is_batch": True})
    )
    assert set(drivers(was, now)) == {"price"}


def test_failures_without_tokens_are_no_shorter_prompts():
    again = [*many(900), *many(100, **LOST), *many(100, **LOST, attempt=2), *many(100, attempt=3)]
    assert drivers(cube(many(1_000)), cube(again)) == {}
    found = drivers(cube(many(1_000)), cube([*many(900), *many(100, **LOST)]))
    assert set(found) == {"retry_rate"}


def test_repeats_are_told_apart_from_requests():
    again = [*USUAL, *many(20, attempt=2)]
    found = drivers(cube(USUAL), cube(again))
    assert set(found) == {"retry_rate", "routing"}
    assert found["retry_rate"] > 0


def test_a_new_feature_is_more_requests_and_another_mix():
    before, after = cube(USUAL), cube([*USUAL, *many(100, feature="new", model="o3")])
    assert set(drivers(before, after)) == {"volume", "mix"}
    assert sum(drivers(before, after, "new").values()) == after.filter(feature="new")["cost"].sum()


TRAFFIC = st.lists(
    st.builds(
        call,
        feature=st.sampled_from(["a", "b", "*"]),
        model=st.sampled_from(MODELS),
        provider=st.sampled_from(["openai", "perplexity", None]),
        attempt=st.integers(1, 2),
        status=st.sampled_from(["ok", "error"]),
        usage=st.booleans(),
        started_at=st.sampled_from([at("2025-06-01"), at("2026-11-10 12:00")]),
    ).map(lambda row: row | ({"cache_read": 7} if row["attempt"] == 2 else {"uncached_input": 5})),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(TRAFFIC, TRAFFIC)
def test_drivers_add_up_to_the_last_digit_whatever_is_in_one_period_only(before, after):
    was, now = cube(before), cube(after)
    found = cost_drivers(was, now)
    for (feature,), rows in found.group_by("feature"):
        assert rows["amount"].sum() == rows["after"][0] - rows["before"][0], feature
    overall = found.filter(pl.col("feature") == "*")
    assert overall["before"][0] == was["cost"].fill_null(0).sum()
    assert overall["after"][0] == now["cost"].fill_null(0).sum()
    assert told_change(was, now)


@settings(max_examples=25, deadline=None)
@given(TRAFFIC, TRAFFIC, st.lists(st.booleans(), min_size=1, max_size=5))
def test_drivers_of_refunds_add_up_too(before, after, refunded):
    was, now = (_refunded(cube(rows), refunded) for rows in (before, after))
    for (feature,), rows in cost_drivers(was, now).group_by("feature"):
        assert rows["amount"].sum() == rows["after"][0] - rows["before"][0], feature
    assert told_change(was, now)


def _refunded(spent, refunded):
    """Some rows of a cube as money that came back."""
    signs = pl.Series([-1 if refunded[n % len(refunded)] else 1 for n in range(spent.height)])
    return spent.with_columns(
        (pl.col(name) * signs.cast(pl.Decimal(38, 0))).cast(MONEY) for name in ("cost", *COST_PARTS)
    )


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        ("volume", "+$0.17 (+100%): 100% because there were 100% more requests"),
        ("routing", "+$0.04 (+27%): 100% because chat moved 20% of its calls to gpt-4.1"),
        ("answer_length", "+$0.08 (+48%): 100% because answers of chat were 100% longer"),
        (
            "price",
            "+$0.02 (+12%): 100% because chat had 100% of its tokens of gpt-4.1-mini in tier "
            "priority instead of 0%",
        ),
    ],
)
def test_the_main_reason_is_told_in_a_sentence(driver, sentence):
    assert told_change(cube(USUAL), cube(CASES[driver])) == sentence


def test_another_price_is_told_as_one():
    before, after = cube(many(100)), cube(many(100, started_at=at("2026-11-20 12:00")))
    money = (pl.col(name) * Decimal("1.5") for name in ("cost", *COST_PARTS))
    dearer = after.with_columns(each.cast(MONEY) for each in money)
    assert told_change(before, dearer).endswith(
        "100% because the price of gpt-4.1 changed for chat"
    )


def test_more_batches_and_other_tiers_are_told_as_such_and_not_as_another_price():
    before = cube([*many(80), *many(20, is_batch=True)])
    after = cube([*many(30), *many(70, is_batch=True)])
    told = told_change(before, after)
    assert told.endswith(
        "because chat had 70% of its tokens of gpt-4.1 in tier batch instead of 20%"
    )
    priority = cube(many(100, service_tier="priority"))
    assert "100% of its tokens of gpt-4.1 in tier priority instead of 0%" in told_change(
        cube(many(100)), priority
    )


SMALL = {"model": "gpt-4.1-mini"}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            [*many(50, uncached_input=4_000), *many(50, **SMALL, uncached_input=500)],
            [*many(45, uncached_input=8_000), *many(55, **SMALL, uncached_input=500)],
            "more than all of it because prompts of chat were 88% longer",
        ),
        (
            [*many(40), *many(30, **SMALL), *many(30, model="gpt-4.1-nano")],
            [*many(48), *many(10, **SMALL), *many(42, model="gpt-4.1-nano")],
            "100% because chat moved 8% of its calls to gpt-4.1",
        ),
        (
            [*many(80), *many(10, **SMALL), *many(10, model="gpt-4.1-nano")],
            [*many(40), *many(30, **SMALL), *many(30, model="gpt-4.1-nano")],
            "100% because chat moved 40% of its calls away from gpt-4.1",
        ),
        (
            [*many(50, feature="a"), *many(50, **SMALL, feature="b")],
            [*many(70, feature="a"), *many(30, **SMALL, feature="b")],
            "100% because a made 70% of the requests instead of 50%",
        ),
        (
            many(100, **CLAUDE | {"uncached_input": 1_000}),
            many(100, **CLAUDE, cache_write_5m=1_000),
            "100% because chat wrote 100% of its prompts to the cache instead of 0%",
        ),
        (
            many(100),
            [*many(90), *many(10, **LOST)],
            "100% because chat took 0.90 paid attempts a request instead of 1.00",
        ),
        (
            many(100),
            [*many(60), *many(40, service_tier="never heard of")],
            "100% because 40% of the calls of chat to gpt-4.1 have no price instead of 0%; "
            "without 40 calls that have no price (0 before)",
        ),
        (
            many(100),
            [*many(160), *many(40, model="unheard-of")],
            "more than all of it because there were 100% more requests"
            "; without 40 calls that have no price (0 before)",
        ),
    ],
    ids=[
        "longer prompts beside a move to a model with short ones",
        "the move that cost, not the largest",
        "a move that saved",
        "one feature's share is others' loss",
        "writing to the cache",
        "failures",
        "no price",
        "not in the sums",
    ],
)
def test_the_reason_is_the_one_that_the_split_found(before, after, why):
    assert told_change(cube(before), cube(after)).partition(": ")[2] == why


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (many(1), many(2), "+$0.0028 (+100%): 100% because there were 100% more requests"),
        (many(300), many(301), "spend hardly changed: +$0.0028"),
    ],
)
def test_small_spend_is_spend_and_small_changes_of_much_are_none(before, after, told):
    assert told_change(cube(before), cube(after)) == told


def test_nothing_and_no_change_are_told():
    assert told_change(cube(USUAL), cube(USUAL)) == "spend did not change"
    assert told_change(cube([]), cube([])) == "spend did not change"
    assert told_change(cube([]), cube(USUAL)).endswith("because there were no requests before")


def test_weeks_are_compared_only_where_both_have_as_many_days():
    last = date(2026, 11, 20)
    days = [cube(USUAL).with_columns(day=pl.lit(last - timedelta(days=back))) for back in range(14)]
    whole, begun = pl.concat(days), pl.concat(days[:9])
    assert week_drivers(whole, last)["amount"].sum() == 0
    assert week_drivers(begun, last).is_empty()
    assert told_week(whole, last) == "spend did not change"
    assert (
        told_week(begun, last) == "not compared: 2 of the 7 days before have calls, and 7 of these"
    )
    hole = pl.concat(days[:3] + days[4:])
    assert week_drivers(hole, last).is_empty(), "a hole in the logs is no fall of spend"
    assert (
        told_week(hole, last) == "not compared: 7 of the 7 days before have calls, and 6 of these"
    )
    workdays = whole.filter(pl.col("day").dt.weekday() < 6)
    assert told_week(workdays, last) == "spend did not change"


def test_a_week_without_any_price_did_not_cost_nothing():
    last = date(2026, 11, 20)
    unpriced = many(3, model="unheard-of")
    for unknown, named in ((range(7), "last 7 days"), (range(7, 14), "7 days before")):
        whole = pl.concat(
            cube(unpriced if back in unknown else USUAL).with_columns(
                day=pl.lit(last - timedelta(days=back))
            )
            for back in range(14)
        )
        assert week_drivers(whole, last).is_empty()
        told = f"not compared: none of the calls of the {named} has a price"
        assert told_week(whole, last) == told


def test_costs_of_an_older_release_have_no_parts_and_still_add_up():
    nothing = pl.lit(None, COST_CUBE.schema["cost"])
    before = cube(USUAL).with_columns(nothing.alias(name) for name in COST_PARTS)
    found = drivers(before, cube([*USUAL, *USUAL]))
    assert sum(found.values()) == cube(USUAL)["cost"].sum()
