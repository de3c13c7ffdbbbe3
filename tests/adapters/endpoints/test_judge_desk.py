"""Caps and pace hold over processes: two desks on one folder are two processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal

import pytest

from llmops_pipelines.adapters.endpoints import judge_desk
from llmops_pipelines.adapters.endpoints.judge_desk import Desk, SharedGate, SharedPurse
from llmops_pipelines.judging import Caps, OverBudgetError, Pace, Reservation, Spent
from tests.judging.worlds import NOON

DOLLAR = Decimal(1)


@pytest.fixture
def desks(tmp_path):
    return Desk(tmp_path), Desk(tmp_path)


def purse(desk, run="run-1", usd="5", day="8", calls=3, spent=None, now=NOON):
    caps = Caps(Decimal(usd), Decimal(day), calls_per_run=calls, calls_per_day=4)
    return SharedPurse(desk, caps, spent or Spent(), run=run, now=now)


def gate(desk, **pace):
    return SharedGate(desk, Pace(**pace), endpoint="http://judge/v1")


def test_money_one_process_has_set_aside_is_not_there_for_another(desks):
    one, other = (purse(desk) for desk in desks)
    held = one.reserve(Decimal(4))
    assert other.reserve(Decimal(2)) is None
    one.settle(held, DOLLAR)
    one.tell()
    assert other.reserve(Decimal(4)) is not None
    assert one.reserve(DOLLAR) is None


def test_runs_have_caps_of_their_own_within_the_days(desks):
    one, other = purse(desks[0], "run-1"), purse(desks[1], "run-2")
    one.settle(one.reserve(Decimal(5)), None)
    one.tell()
    with pytest.raises(OverBudgetError, match=r"cap of \$5.00 a run"):
        one.reserve(DOLLAR)
    held = other.reserve(Decimal(3))
    assert held is not None
    other.settle(held, Decimal("2.5"))
    with pytest.raises(OverBudgetError, match=r"cap of \$8.00 a day"):
        other.reserve(DOLLAR)


def test_what_another_run_has_set_aside_is_waited_for_not_refused(desks):
    one, other = purse(desks[0], "run-1"), purse(desks[1], "run-2")
    held = one.reserve(Decimal(5))
    assert other.reserve(Decimal(4)) is None
    one.release(held)
    assert other.reserve(Decimal(4)) is not None


def test_calls_without_a_price_are_counted_over_processes(desks):
    one, other = purse(desks[0], "run-1"), purse(desks[1], "run-2")
    held = [one.reserve(None) for _ in range(3)]
    assert one.reserve(None) is None
    assert other.reserve(None) is not None
    assert other.reserve(None) is None
    one.settle(held[0], Decimal(0))
    one.tell()
    assert other.reserve(None) is not None


def test_what_is_settled_is_told_by_the_next_reservation(desks):
    one, other = purse(desks[0], "run-1"), purse(desks[1], "run-2")
    one.tell()
    one.settle(one.reserve(Decimal(5)), DOLLAR)
    one.reserve(DOLLAR)
    assert other.reserve(Decimal(5)) is not None


def test_far_from_the_caps_money_is_set_aside_ahead_and_counts_as_on_its_way(desks):
    cent = Decimal("0.01")
    one, other = purse(desks[0], "run-1"), purse(desks[1], "run-2")
    held = [one.reserve(cent)]
    other.tell()
    assert other.reserved_elsewhere == 17 * cent
    held += [one.reserve(cent) for _ in range(16)]
    other.tell()
    assert other.reserved_elsewhere == 17 * cent
    for reservation in held:
        one.settle(reservation, cent / 2)
    one.tell()
    other.tell()
    assert (other.reserved_elsewhere, other.spent_before.usd) == (0, 17 * cent / 2)


def test_what_is_set_aside_ahead_is_given_back_where_the_caps_come_near(desks):
    one, other = purse(desks[0], "run-1", day="5.16"), purse(desks[1], "run-2", day="5.16")
    cent = Decimal("0.01")
    one.release(one.reserve(cent))
    other.tell()
    assert other.reserved_elsewhere == 0
    assert one.reserve(cent) == Reservation(cent)
    assert other.reserve(Decimal(4)) == Reservation(Decimal(4))
    with pytest.raises(OverBudgetError):
        one.reserve(Decimal(6))
    assert one.reserve(DOLLAR) == Reservation(DOLLAR)
    other.tell()
    assert other.reserved_elsewhere == DOLLAR + cent


def test_calls_are_set_aside_ahead_and_the_cap_is_met_to_the_call(desks):
    caps = Caps(calls_per_run=200, calls_per_day=300)
    one, other = (
        SharedPurse(desk, caps, Spent(), run=run, now=NOON)
        for desk, run in zip(desks, ("run-1", "run-2"), strict=True)
    )
    made = 0
    for each in (one, other) * 200:
        with contextlib.suppress(OverBudgetError):
            if (reservation := each.reserve(None)) is not None:
                each.settle(reservation, None)
                made += 1
    assert made == 300


def test_a_run_that_begins_again_goes_on_with_its_caps(tmp_path):
    first = purse(Desk(tmp_path))
    first.settle(first.reserve(Decimal(3)), None)
    first.tell()
    assert purse(Desk(tmp_path)).room == Decimal(2)


def test_the_ledger_counts_for_what_was_spent_elsewhere_and_nothing_twice(desks):
    one = purse(desks[0])
    one.settle(one.reserve(DOLLAR), None)
    one.tell()
    known = purse(desks[1], "run-2", spent=Spent(DOLLAR))
    assert known.spent_before.usd == DOLLAR
    more = purse(desks[1], "run-3", spent=Spent(Decimal(6), 2))
    assert (more.spent_before.usd, more.spent_before.unpriced_calls) == (Decimal(6), 2)


def test_a_new_day_begins_with_nothing_spent(desks):
    one = purse(desks[0])
    one.settle(one.reserve(Decimal(5)), None)
    one.tell()
    later = purse(desks[1], "run-2", now=NOON + timedelta(days=1))
    assert later.room == Decimal(5)


def test_what_a_killed_process_had_on_its_way_counts_as_spent_and_its_places_are_free(tmp_path):
    script = (
        "import sys, time; from decimal import Decimal; from pathlib import Path;"
        "from tests.adapters.endpoints.test_judge_desk import *;"
        "desk = Desk(Path(sys.argv[1]));"
        "purse(desk).reserve(Decimal(3)); gate(desk, in_flight=1).enter(1);"
        "print('in flight', flush=True); time.sleep(600)"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout.readline() == "in flight\n"
    desk = Desk(tmp_path)
    mine, my_gate = purse(desk, "run-2", usd="8"), gate(desk, in_flight=1)
    assert mine.reserve(Decimal(6)) is None
    assert my_gate.enter(1) is None
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    desk._looked_at = 0.0
    assert my_gate.enter(1) == 0
    mine.tell()
    assert mine.spent_before.usd == Decimal(3)
    assert sorted(tmp_path.glob("*.alive")) == [tmp_path / f"{desk.holder}.alive"]


def test_places_are_shared_equally_among_those_who_judge(desks):
    one, other = (gate(desk, in_flight=4) for desk in desks)
    assert [one.enter(1) for _ in range(4)] == [0, 0, 0, 0]
    assert other.enter(1) is None
    for _ in range(3):
        one.leave(1, None)
    # For a moment it takes again what it has just left, without a look at who else came.
    assert one.enter(1) == 0
    one.leave(1, None)
    time.sleep(2 * judge_desk._TELL_S)
    assert [one.enter(1), one.enter(1)] == [0, None]
    assert [other.enter(1), other.enter(1), other.enter(1)] == [0, 0, None]
    other.close()
    assert one.enter(1) is not None


def test_a_pause_that_one_was_asked_for_holds_for_all(desks):
    one, other = (gate(desk) for desk in desks)
    one.pause(30)
    assert 29 < other.pause_left() <= 30
    assert 29 < other.enter(1) <= 30
    assert gate(desks[0]).pause_left() > 29


def test_requests_a_minute_are_counted_over_processes(desks):
    one, other = (gate(desk, requests_per_minute=60) for desk in desks)
    waits = [one.enter(1), other.enter(1), one.enter(1), other.enter(1)]
    assert waits == [pytest.approx(n, abs=0.3) for n in (0, 0, 1, 2)]


def test_tokens_a_minute_are_corrected_once_they_are_counted(desks):
    one, other = (gate(desk, tokens_per_minute=6_000) for desk in desks)
    assert one.enter(1_000) == 0
    assert other.enter(0) == pytest.approx(9, abs=0.3)
    one.leave(1_000, 300)
    one.enter(0)
    assert other.enter(0) == pytest.approx(2, abs=0.3)
