"""Spend per call, session, user and accepted answer."""

from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.cost import unit_costs
from llmops_pipelines.statistics import mean_interval
from tests.cost.factories import costs, failed, priced

_RATED = {
    "feature": pl.String,
    "session_id": pl.String,
    "rating": pl.Float64,
}


def rated(*rows):
    return pl.DataFrame(rows, schema=_RATED, orient="row")


def units(call_costs, answers, **of_calls):
    calls = call_costs.select("call_id").with_columns(
        session_id=pl.Series(of_calls.get("sessions", [None] * call_costs.height), dtype=pl.String),
        user_hash=pl.Series(of_calls.get("users", [None] * call_costs.height), dtype=pl.String),
    )
    found = unit_costs(calls, call_costs, answers)
    return {row["feature"]: row for row in found.iter_rows(named=True)}


def test_spend_is_divided_by_what_it_bought():
    spent = costs(
        priced("0.04"), priced("0.02", attempt=2), priced("0.03", status="error"), failed()
    )
    row = units(
        spent,
        rated(("chat", "s-1", None), ("chat", "s-2", None)),
        sessions=["s-1", "s-1", "s-2", None],
        users=["u-1", None, None, None],
    )["chat"]
    assert row["cost"] == Decimal("0.09")
    assert (row["calls"], row["ok_calls"], row["sessions"], row["users"]) == (4, 2, 2, 1)
    assert row["failed_cost"] == Decimal("0.03")
    assert row["repeated_cost"] == Decimal("0.02")
    assert row["wasted_cost"] == Decimal("0.05")
    assert row["cost_per_ok_call"] == Decimal("0.045")
    assert row["cost_per_session"] == Decimal("0.045")
    assert row["cost_per_user"] == Decimal("0.04")
    assert row["cost_per_answer"] == Decimal("0.045")
    assert (row["cost_per_accepted"], row["why_not"]) == (None, "no_feedback")


def test_an_accepted_answer_costs_what_an_answer_costs_over_the_share_accepted():
    answers = [("chat", f"s-{n % 7}", 5.0 if n % 4 else 2.0) for n in range(20)]
    answers += [("chat", None, None)] * 20
    row = units(costs(*(priced("0.01") for _ in range(40))), rated(*answers))["chat"]
    share = mean_interval(
        [float(n % 4 > 0) for n in range(20)],
        clusters=[f"s-{n % 7}" for n in range(20)],
        bounds=(0, 1),
    )
    assert (row["answers"], row["rated_answers"], row["accepted_answers"]) == (40, 20, 15)
    assert float(row["cost_per_accepted"]) == pytest.approx(0.01 / 0.75)
    assert float(row["cost_per_accepted_low"]) == pytest.approx(0.01 / share.high)
    assert float(row["cost_per_accepted_high"]) == pytest.approx(0.01 / share.low)
    assert row["why_not"] is None


def test_where_nobody_accepts_there_is_no_cost_of_it_and_the_reason_is_told():
    answers = rated(("chat", "s-1", 1.0), ("chat", "s-2", 2.0))
    row = units(costs(priced(), priced()), answers)["chat"]
    assert row["cost_per_accepted"] is None
    assert row["cost_per_accepted_low"] > 0.01
    assert row["cost_per_accepted_high"] is None
    assert row["why_not"] == "none_accepted"


def test_unknown_costs_are_null_and_counted():
    row = units(costs(priced(None)), rated(("chat", "s", 5.0)))["chat"]
    assert (row["cost"], row["cost_per_call"], row["unpriced_calls"]) == (None, None, 1)
    assert row["why_not"] == "no_cost"


def test_sessions_of_calls_without_a_price_are_not_free():
    spent = costs(priced("0.01"), priced(None), priced(None, attempt=2), failed())
    row = units(spent, rated(), sessions=[None, "s-1", "s-2", "s-1"], users=[None] * 4)["chat"]
    assert (row["cost"], row["sessions"], row["unpriced_calls"]) == (Decimal("0.01"), 2, 2)
    assert (row["session_cost"], row["cost_per_session"]) == (None, None)
    assert (row["repeated_cost"], row["wasted_cost"]) == (None, None)
    assert row["failed_cost"] == 0, "what failed without tokens was not paid for"


def test_sessions_of_two_features_count_once_in_the_row_of_all():
    spent = costs(priced("0.01"), priced("0.02", feature="search"))
    found = units(spent, rated(), sessions=["s", "s"])
    assert [found[name]["sessions"] for name in ("*", "chat", "search")] == [1, 1, 1]
    assert found["*"]["cost"] == Decimal("0.03")
    assert found["*"]["why_not"] == "no_answers"


def test_a_feature_called_star_is_not_all_of_them():
    found = units(costs(priced("0.01", feature="*"), priced("0.02")), rated())
    assert set(found) == {"*", "* (feature)", "chat"}
    assert found["*"]["cost"] == Decimal("0.03")


def test_a_day_without_calls_has_no_rows():
    assert units(costs(), rated()) == {}
