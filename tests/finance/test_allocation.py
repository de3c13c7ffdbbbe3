from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.finance.allocation import split
from tests.finance.worlds import call, present

CALLS = (
    call("2026-10-02 12:00", "3", feature="a", team="t1", model="big"),
    call("2026-10-02 13:00", "1", feature="b", team="t1", model="small"),
    call("2026-10-02 14:00", None, feature="b", team="t2", model="small"),
    call("2026-10-02 15:00", "1", feature="c", team=None, model="small"),
)


def parts(entry, kind="fees"):
    """Who got what of a charge of October."""
    found = present(*CALLS, text=f"{kind}:\n- {{name: x, why: y, {entry}}}")
    rows = found.filter(pl.col("name") == "x", pl.col("month") == "2026-10")
    return {(row["team"], row["feature"]): row["cost"] for row in rows.iter_rows(named=True)}


@settings(max_examples=40, deadline=None)
@given(
    amount=st.integers(-(10**24), 10**24),
    weights=st.lists(st.fractions(0, 10**6), min_size=1, max_size=30).filter(any),
)
def test_the_parts_add_up_and_none_is_off_by_a_unit(amount, weights):
    named = dict(enumerate(weights))
    found = split(amount, named)
    assert sum(found.values()) == amount
    total = sum(weights)
    assert all(abs(found[name] - amount * weight / total) < 1 for name, weight in named.items())


def test_the_last_unit_goes_to_the_largest_remainder_and_then_to_the_first():
    assert split(10, {"a": Fraction(1), "b": Fraction(1), "c": Fraction(1)}) == {
        "a": 4,
        "b": 3,
        "c": 3,
    }
    assert split(-1, {"a": Fraction(1), "b": Fraction(2)}) == {"a": 0, "b": -1}


@pytest.mark.parametrize("weights", [{}, {"a": Fraction(0)}, {"a": Fraction(2), "b": Fraction(-1)}])
def test_nothing_is_divided_by_nothing(weights):
    with pytest.raises(ValueError, match="weights must be positive"):
        split(1, weights)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("by: spend", {("t1", None): 80, ("unattributed", None): 20, ("t2", None): 0}),
        ("by: calls", {("t1", None): 50, ("unattributed", None): 25, ("t2", None): 25}),
        ("by: tokens, model: small", {(t, None): None for t in ("t1", "t2", "unattributed")}),
        (
            "by: spend, to: feature",
            {("t1", "a"): 60, ("t1", "b"): 20, ("t2", "b"): 0, ("unattributed", "c"): 20},
        ),
        ("by: shares, shares: {t9: 0.75, t1: 0.25}", {("t9", None): 75, ("t1", None): 25}),
        (
            "by: shares, to: feature, shares: {b: 0.5, new: 0.5}",
            {("t1", "b"): 25, ("t2", "b"): 25, ("unattributed", "new"): 50},
        ),
        ("by: tokens, provider: nobody", {("unattributed", None): 100}),
        ("by: evenly, model: b*, to: feature", {("t1", "a"): 100}),
        ("by: calls, provider: OpenAI, model: big", {("t1", None): 100}),
    ],
)
def test_each_rule_divides_among_those_who_use_it(rule, expected):
    found = parts(f"usd_per_month: 100, {rule}")
    third = Decimal("33.333333333333")
    thirds = dict.fromkeys(expected, third) | {("t1", None): Decimal("33.333333333334")}
    assert found == (thirds if None in expected.values() else expected)


def test_a_credit_is_taken_off_and_a_month_covered_in_part_counts_by_days():
    halved = "usd_per_month: 31, by: spend, valid_from: 2026-10-16, valid_to: 2026-10-26"
    assert sum(parts(halved).values()) == 10
    assert sum(parts(halved, "credits").values()) == -10
    assert sum(parts(halved, "shared_costs").values()) == 10
    assert parts("usd_per_month: 31, by: spend, valid_to: 2026-10-01") == {}


def test_a_row_tells_enough_to_recompute_it():
    text = "fees:\n- {name: gpu, usd_per_month: 62.5, by: calls, valid_from: 2026-10-22, why: PO 7}"
    found = present(*CALLS, text=text).filter(name="gpu", team="t1", month="2026-10")
    (row,) = found.rows(named=True)
    assert row["rule"] == "by calls: 2 of 4; $62.5 a month, 10 of 31 days; PO 7"
    # Within the unit that the largest remainder may add.
    assert abs(row["cost"] - Decimal("62.5") * 10 / 31 * 2 / 4) < Decimal("1e-12")
    assert (row["kind"], row["calls"]) == ("fee", None)


def test_a_fee_is_booked_in_months_without_calls_too_but_not_before_the_first_call():
    text = "fees:\n- {name: gpu, usd_per_month: 5, by: calls, why: x}"
    found = present(call("2026-09-02 12:00"), text=text).filter(name="gpu")
    assert found.select("month", "team", "cost").rows() == [
        ("2026-09", "platform", 5),
        ("2026-10", "unattributed", 5),
        ("2026-11", "unattributed", 5),
    ]
    assert found["rule"][1].startswith("by calls: nothing to divide it by; $5 a month")


def test_without_calls_there_are_no_months():
    assert present(text="fees:\n- {name: gpu, usd_per_month: 5, by: calls, why: x}").is_empty()
