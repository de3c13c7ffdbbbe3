"""Spend by any dimension adds up to the calls, whatever it is divided by."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.cost import (
    SPEND_DIMENSIONS,
    UnknownDimensionError,
    add_up,
    dimension_called,
    spend_of_calls,
)
from llmops_pipelines.tables import COST_PARTS, TOKEN_BUCKETS
from tests.pricing.factories import call, calls

_ONE_CALL = st.fixed_dictionaries(
    {
        "feature": st.sampled_from(["chat", "search"]),
        "team": st.sampled_from([None, "a"]),
        "session_id": st.sampled_from([None, "s-1", "s-2"]),
        "attempt": st.integers(1, 2),
        "status": st.sampled_from(["ok", "error"]),
        "cost": st.none() | st.decimals(0, 9, places=12),
    }
)


def frame(rows):
    plain = calls(*(call(**{k: v for k, v in row.items() if k != "cost"}) for row in rows))
    cost = pl.Series("cost", [row["cost"] for row in rows], pl.Decimal(38, 12))
    parts = {name: cost if name == COST_PARTS[0] else cost * 0 for name in COST_PARTS}
    return plain.with_columns(cost, **parts)


@given(
    st.lists(_ONE_CALL, min_size=1, max_size=12),
    st.lists(st.sampled_from(["feature", "team", "session_id", "is_retry", "status"]), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_rows_add_up_to_the_calls_to_the_last_digit(rows, by):
    by = list(dict.fromkeys(by))
    spend = add_up(spend_of_calls(frame(rows), by), by)
    known = [row["cost"] for row in rows if row["cost"] is not None]
    assert (spend["cost"].sum() or 0) == sum(known, Decimal(0))
    assert (spend["input_cost"].sum() or 0) == sum(known, Decimal(0))
    assert spend["calls"].sum() == len(rows)
    assert spend["unpriced_calls"].sum() == sum(
        row["cost"] is None and row["status"] == "ok" for row in rows
    )


def test_partial_sums_of_days_are_added_and_days_keep_their_order():
    one = spend_of_calls(frame([{"cost": Decimal(1)}]), ["feature"])
    two = pl.concat([one.with_columns(day=pl.lit(day)) for day in ("b", "a", "b")])
    added = add_up(two, ["day", "feature"])
    assert added.select("day", "cost").rows() == [("a", Decimal(1)), ("b", Decimal(2))]


def test_what_has_no_price_is_null_and_not_free():
    spend = add_up(spend_of_calls(frame([{"cost": None}]), ["feature"]), ["feature"])
    assert spend.select("cost", "unpriced_calls", *COST_PARTS).row(0) == (None, 1, None, None, None)


def test_a_team_that_nobody_named_is_unattributed():
    spend = add_up(spend_of_calls(frame([{"team": None, "cost": Decimal(1)}]), ["team"]), ["team"])
    assert spend["team"].to_list() == ["unattributed"]


def test_no_days_are_no_rows_and_one_empty_total():
    nothing = spend_of_calls(frame([{"cost": Decimal(1)}]), ["feature"]).clear()
    assert add_up(nothing, ["feature"]).is_empty()
    assert add_up(nothing, [])[0, "calls"] == 0
    assert set(TOKEN_BUCKETS) < set(add_up(nothing, []).columns)


def test_short_names_mean_dimensions_and_others_are_refused_with_the_list():
    assert dimension_called("user") == "user_hash"
    assert all(dimension_called(name) == name for name in SPEND_DIMENSIONS)
    with pytest.raises(UnknownDimensionError, match="'colour': spend can be divided by day, hour"):
        dimension_called("colour")


def test_a_tier_is_the_one_that_is_charged():
    logged = frame(
        [
            {"service_tier": tier, "is_batch": batch, "cost": Decimal(1)}
            for tier, batch in (
                (None, False),
                ("default", False),
                ("Priority", False),
                (None, True),
            )
        ]
    )
    told = add_up(spend_of_calls(logged, ["service_tier"]), ["service_tier"])
    assert dict(told.select("service_tier", "calls").iter_rows()) == {
        "standard": 2,
        "priority": 1,
        "batch": 1,
    }


def test_a_dimension_that_is_nearly_one_is_put_right():
    with pytest.raises(UnknownDimensionError, match=r"did you mean team\?$"):
        dimension_called("teem")
