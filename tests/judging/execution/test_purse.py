"""Caps hold, also for what is on its way."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.judging import Caps, Purse, Spent, spent_today
from llmops_pipelines.judging.execution.purse import OverBudgetError
from llmops_pipelines.tables import JUDGE_CALLS
from tests.judging.worlds import NOON

DOLLAR = Decimal(1)


def purse(run="5", day="20", before="0", calls=3, calls_before=0):
    caps = Caps(Decimal(run), Decimal(day), calls_per_run=calls, calls_per_day=8)
    return Purse(caps, Spent(Decimal(before), calls_before))


def test_defaults_are_modest():
    assert str(Caps()) == (
        "$5 a run and $20 a day; 2,000 calls a run and 8,000 a day without a price"
    )


def test_money_set_aside_is_not_there_for_others_until_it_is_settled():
    held = purse(run="1")
    reservation = held.reserve(DOLLAR)
    assert held.reserve(DOLLAR) is None
    held.settle(reservation, Decimal("0.10"))
    assert held.spent == Decimal("0.10")
    assert held.reserve(Decimal("0.90")) is not None


def test_what_no_settling_could_make_room_for_is_over_budget():
    held = purse(run="1")
    held.settle(held.reserve(DOLLAR), Decimal("0.60"))
    with pytest.raises(OverBudgetError, match=r"cap of \$1.00 a run is reached: \$0.4000 left"):
        held.reserve(Decimal("0.50"))


def test_what_is_left_never_looks_like_what_is_needed():
    with pytest.raises(OverBudgetError, match=r"a run is reached: \$0.0036 left, \$0.0038 needed"):
        purse(run="0.00366").reserve(Decimal("0.00371"))


def test_what_the_day_has_already_cost_counts():
    with pytest.raises(OverBudgetError, match=r"cap of \$20.00 a day"):
        purse(before="19.50").reserve(DOLLAR)


def test_a_request_that_may_have_been_billed_is_booked_in_full():
    held = purse()
    held.settle(held.reserve(DOLLAR), None)
    assert held.spent == DOLLAR


def test_a_request_that_was_never_sent_gives_everything_back():
    held = purse(calls=1)
    held.release(held.reserve(DOLLAR))
    held.release(held.reserve(None))
    assert (held.room, held.calls_left) == (Decimal(5), 1)


def test_a_judge_without_a_price_is_held_by_its_calls():
    held = purse(calls=2)
    first, second = held.reserve(None), held.reserve(None)
    assert held.reserve(None) is None
    held.settle(first, None)
    held.settle(second, None)
    with pytest.raises(OverBudgetError, match="its calls are capped: 2 a run, 8 a day"):
        held.reserve(None)
    assert held.spent == 0


def test_a_request_that_reached_nobody_takes_no_call_from_the_cap():
    held = purse(calls=1)
    held.settle(held.reserve(None), Decimal(0))
    assert held.calls_left == 1


def test_calls_of_earlier_runs_count_towards_the_day():
    with pytest.raises(OverBudgetError):
        purse(calls_before=8).reserve(None)


def test_spending_of_the_utc_day_is_read_from_the_ledger():
    def call(name, at, cost, outcome="ok"):
        return {
            "attempt_id": name, "spec_id": "s", "item_digest": "d", "repetition": 0, "call_id": "c",
            "step": "verdict", "outcome": outcome, "model_served": None, "input_tokens": None,
            "output_tokens": None, "cost": cost, "request_id": None, "asked_at": at,
            "latency_ms": None,
        }  # fmt: skip

    midnight = NOON - timedelta(hours=12)
    calls = pl.DataFrame(
        [
            call("1", midnight, Decimal("0.25")),
            call("2", NOON, Decimal("0.50")),
            call("3", NOON, None),
            call("4", NOON, None, "http_429"),
            call("5", midnight - timedelta(microseconds=1), Decimal(9)),
            call("6", midnight + timedelta(days=1), Decimal(9)),
        ],
        schema=JUDGE_CALLS.schema,
    )
    assert spent_today(calls, NOON) == Spent(Decimal("0.75"), 1)
    assert spent_today(JUDGE_CALLS.empty().lazy(), NOON) == Spent()
