"""The same calls before and after: what changes, exactly, and nothing that does not."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.cost import GROUP, compare_costs, sum_changes
from llmops_pipelines.tables import CALL_COSTS
from tests.cost.factories import costs, priced

FIGURES = ["calls", "calls_changed", "now_priced", "now_unpriced", "cost_before", "cost_after"]


def pair(before, after, **fields):
    """One call twice: as it was and as it is priced again."""
    row = priced(before, **fields)
    again = priced(after, **fields) | {"call_id": row["call_id"], "trace_id": row["call_id"]}
    return row, again


def compared(*pairs):
    before, after = zip(*pairs, strict=True)
    return compare_costs(costs(*before), costs(*after))


def test_a_call_whose_cost_differs_is_counted_with_both_sums():
    groups = compared(pair("1", "0.8"), pair("2", "2"), pair("5", "5", model="gpt-4o"))
    changed, same = groups.rows(named=True)
    assert [changed[name] for name in (*GROUP, *FIGURES)] == [
        *("chat", "platform", "gpt-4.1", 2, 1, 0, 0, Decimal(3), Decimal("2.8"))
    ]
    assert [same[name] for name in FIGURES] == [1, 0, 0, 0, Decimal(5), Decimal(5)]


def test_calls_that_become_priced_or_unpriced_are_told_apart_and_never_zero():
    (group,) = compared(pair(None, "3"), pair("2", None), pair(None, None)).rows(named=True)
    assert [group[name] for name in FIGURES] == [3, 2, 1, 1, Decimal(2), Decimal(3)]
    (unknown,) = compared(pair("2", None)).rows(named=True)
    assert (unknown["cost_before"], unknown["cost_after"]) == (Decimal(2), None)


def test_another_name_for_the_same_price_is_no_change():
    old, new = pair("1", "1")
    old["price_source"], new["price_source"] = "genai-prices 1", "genai-prices 2"
    (group,) = compared((old, new)).rows(named=True)
    assert (group["calls_changed"], group["prices_before"], group["prices_after"]) == (0, [], [])


def test_sources_are_those_of_the_calls_that_change():
    old, new = pair("1", "2")
    old["price_source"], new["price_source"] = "list", "contract"
    same = [row | {"price_source": "other"} for row in pair("1", "1")]
    (group,) = compared((old, new), same).rows(named=True)
    assert (group["prices_before"], group["prices_after"]) == (["list"], ["contract"])


def test_a_cost_divided_otherwise_changes_and_a_part_never_recorded_does_not():
    parts = ("input_cost", "cache_read_cost", "output_cost")
    old, new = pair("3", "3")
    moved = old | dict(zip(parts, map(Decimal, (1, 1, 1)), strict=True))
    apart = new | dict(zip(parts, map(Decimal, (1, 0, 2)), strict=True))
    assert compared((moved, apart))["calls_changed"].to_list() == [1]
    assert compared((old, apart))["calls_changed"].to_list() == [0]


def test_calls_without_owner_or_model_have_groups_of_their_own():
    (group,) = compared(pair("1", "2", team=None, model=None)).rows(named=True)
    assert (group["team"], group["model"]) == ("unattributed", "unknown")


def test_other_calls_are_refused_not_compared():
    with pytest.raises(ValueError, match="1 calls before, 1 after, 0 in both"):
        compare_costs(costs(priced("1")), costs(priced("1")))
    row = priced("1")
    with pytest.raises(ValueError, match="2 calls before, 1 after"):
        compare_costs(costs(row, priced("1")), costs(row))


def test_a_day_without_calls_changes_nothing():
    groups = compare_costs(CALL_COSTS.empty(), CALL_COSTS.empty())
    assert groups.is_empty()
    (total,) = sum_changes(groups).rows(named=True)
    assert (total["calls"], total["cost_before"], total["difference"]) == (0, None, None)


MONEY = st.none() | st.decimals(min_value=0, max_value=10**9, places=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(MONEY, MONEY, st.sampled_from("ab"), st.sampled_from("xy")), min_size=1))
def test_groups_add_up_to_both_bills_to_the_last_digit(rows):
    pairs = [pair(was, now, feature=f, model=m) for was, now, f, m in rows]
    groups = compared(*pairs)
    (total,) = sum_changes(groups).rows(named=True)
    known = [[row[side] for row in rows if row[side] is not None] for side in (0, 1)]
    assert [total["cost_before"], total["cost_after"]] == [
        sum(side) if side else None for side in known
    ]
    by_feature = sum_changes(groups, "feature")
    assert by_feature["difference"].drop_nulls().sum() == (total["difference"] or 0)
    assert total["calls_changed"] == sum(was != now for was, now, *_ in rows)
    assert total["now_priced"] - total["now_unpriced"] == len(known[1]) - len(known[0])
    assert groups["calls"].sum() == len(rows)
    assert groups.select(pl.struct(GROUP).n_unique()).item() == groups.height
