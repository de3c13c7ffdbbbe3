"""Every item ends in exactly one outcome, whatever the endpoint does."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.judging import (
    Caps,
    Circuit,
    Conduct,
    Gate,
    Limits,
    Pace,
    Purse,
    Reply,
    RubricJudge,
    Ruling,
    distinct_items,
    execute,
    read_item,
    unpaid,
)
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER
from tests.judging.worlds import (
    NOON,
    QUICK,
    Ledger,
    Run,
    cent_a_call,
    failure,
    item_frame,
    no_price,
    ok,
    spec,
)

TEN = item_frame(*(f"answer {n}" for n in range(10)))
ONE = item_frame("answer")


def always(reply):
    return lambda _request, _number: reply


def in_turn(*replies):
    return lambda _request, number: replies[min(number, len(replies) - 1)]


def outcomes(tally):
    return {outcome: n for (_, outcome), n in tally.outcomes.items()}


def only(run):
    return run.ledger.verdicts.row(0, named=True)


def test_every_item_is_scored_once_and_every_attempt_recorded():
    run = Run(always(ok()))
    tally = run.of(TEN)
    assert outcomes(tally) == {"scored": 10}
    assert (tally.calls, tally.faults) == (10, 0)
    assert JUDGE_LEDGER.require(run.ledger.verdicts).height == 10
    assert JUDGE_CALLS.require(run.ledger.attempts)["outcome"].to_list() == ["ok"] * 10


def test_a_verdict_carries_score_reason_snapshot_versions_and_attempts():
    run = Run(always(ok(False)))
    run.of(ONE)
    row = only(run)
    assert (row["outcome"], row["score"], row["reason"]) == ("scored", 0.0, "because")
    assert (row["model_served"], row["attempts"]) == ("judge-1-2026-01-01", 1)
    assert row["library_versions"] == '{"x": "1"}'


@pytest.mark.parametrize(
    "fault", ["http_429", "http_500", "http_503", "timeout", "network", "http_408"]
)
def test_a_passing_fault_is_tried_again(fault):
    run = Run(in_turn(failure(fault), ok()))
    assert outcomes(run.of(ONE)) == {"scored": 1}
    assert run.ledger.attempts.sort("asked_at")["outcome"].to_list() == [fault, "ok"]
    assert only(run)["attempts"] == 2


def test_a_fault_that_stays_is_a_failed_item_not_a_zero():
    run = Run(always(failure("http_500", detail="down")))
    tally = run.of(ONE)
    assert outcomes(tally) == {"failed": 1}
    assert len(run.asked) == QUICK.attempts
    assert tally.unfinished["score"][0] is None
    assert tally.unfinished["reason"][0] == "5 attempts failed, the last with http_500: down"
    assert run.ledger.verdicts.is_empty()
    assert run.ledger.attempts.height == QUICK.attempts


def test_a_rejected_request_is_not_repeated():
    run = Run(always(failure("http_400", retryable=False, detail="too long")))
    tally = run.of(ONE)
    assert (outcomes(tally), len(run.asked)) == ({"failed": 1}, 1)
    assert tally.unfinished["reason"][0] == "http_400: too long"


def test_a_malformed_reply_is_repaired_once():
    run = Run(in_turn(ok(text="I think it is polite"), ok()))
    assert outcomes(run.of(ONE)) == {"scored": 1}
    first, repair = run.asked
    assert [m.role for m in repair.messages] == ["system", "user", "assistant", "user"]
    assert repair.messages[:2] == first.messages
    assert "text instead of JSON" in repair.messages[3].content
    steps = run.ledger.attempts.sort("asked_at").select("step", "outcome").rows()
    assert steps == [("verdict", "unreadable"), ("verdict/repair", "ok")]


def test_a_malformed_repair_is_repaired_too():
    run = Run(in_turn(ok(text="no"), ok(text="still no"), ok()))
    assert outcomes(run.of(ONE)) == {"scored": 1}
    assert [len(request.messages) for request in run.asked] == [2, 4, 4]
    assert run.asked[2].messages[2].content == "still no"
    steps = run.ledger.attempts.sort("asked_at")["step"].to_list()
    assert steps == ["verdict", "verdict/repair", "verdict/repair-2"]


def test_three_malformed_replies_are_unreadable_for_good():
    run = Run(always(ok(text="no")))
    tally = run.of(ONE)
    assert (outcomes(tally), len(run.asked)) == ({"unreadable": 1}, 3)
    assert only(run)["score"] is None
    assert tally.unfinished.is_empty()
    assert only(run)["reason"].startswith("3 replies could not be read")


def test_a_truncated_reply_is_a_class_of_its_own_with_a_remedy():
    run = Run(always(ok(outcome="truncated")))
    assert outcomes(run.of(ONE)) == {"unreadable": 1}
    assert only(run)["reason"] == (
        "truncated: the judge stopped at its limit of 1,500 tokens; raise max_tokens of its rubric"
    )
    assert run.ledger.attempts["outcome"].to_list() == ["truncated"]


def test_a_judge_that_declines_is_refused_not_failed():
    run = Run(always(ok(outcome="refused", text="", detail="I will not")))
    assert outcomes(run.of(ONE)) == {"refused": 1}
    assert only(run)["reason"] == "the judge declined: I will not"


def test_a_null_verdict_does_not_apply():
    run = Run(always(ok(None)))
    assert outcomes(run.of(ONE)) == {"not_applicable": 1}
    assert only(run)["score"] is None


def test_what_cannot_be_judged_is_never_asked():
    run = Run(always(ok()))
    assert outcomes(run.of(item_frame("", "  "))) == {"not_applicable": 2}
    assert run.asked == []
    assert set(run.ledger.verdicts["reason"]) == {"no_answer"}


def test_a_prompt_longer_than_the_rubric_allows_is_not_sent():
    run = Run(always(ok()))
    assert outcomes(run.of(item_frame("x" * 2_000), spec(max_prompt_chars=1_000))) == {
        "not_applicable": 1
    }
    assert only(run)["reason"].startswith("too_long: the prompt would have 2,0")


def test_the_wait_that_the_endpoint_asks_for_is_obeyed():
    run = Run(in_turn(failure("http_429", retry_after_s=0.2), ok()))
    loop_times = []
    answer = run.replies

    def timed(request, number):
        loop_times.append(asyncio.get_running_loop().time())
        return answer(request, number)

    run.replies = timed
    run.of(ONE)
    assert loop_times[1] - loop_times[0] >= 0.2


def test_a_wait_that_one_was_asked_for_is_waited_by_all():
    slow_down = failure("http_429", retry_after_s=0.2)
    run = Run(in_turn(slow_down, ok()), limits=replace(QUICK, concurrency=2))
    assert outcomes(run.of(TEN)) == {"scored": 10}
    # Two were on their way when the endpoint asked; the third is another item's.
    assert run.moments[2] - run.moments[0] >= 0.2


def test_a_run_whose_time_is_up_leaves_the_rest_to_a_later_one():
    limits = replace(QUICK, concurrency=1, run_deadline_s=0.05)
    run = Run(always(ok()), limits=limits, seconds=0.02)
    tally = run.of(TEN)
    assert 0 < outcomes(tally)["scored"] < 5
    assert outcomes(tally)["failed"] == 10 - outcomes(tally)["scored"]
    assert "the run's deadline of 0 s has passed" in tally.unfinished["reason"][-1]


def test_waiting_for_the_pace_does_not_count_towards_an_items_deadline():
    gate = Gate(Pace(requests_per_minute=1_200))
    run = Run(always(ok()), limits=replace(QUICK, item_deadline_s=0.1), gate=gate)
    began = time.monotonic()
    # 21 go at once: a second's worth; the others one every 50 ms.
    assert outcomes(run.of(item_frame(*(f"answer {n}" for n in range(27))))) == {"scored": 27}
    assert time.monotonic() - began >= 0.25
    assert gate.own == 0


def test_a_pause_past_the_items_deadline_fails_what_would_wait_for_it():
    run = Run(always(failure("http_429", retry_after_s=900)))
    tally = run.of(TEN)
    assert outcomes(tally) == {"failed": 10}
    assert any("to be left alone for 900 s" in reason for reason in tally.unfinished["reason"])


def test_a_wait_past_the_deadline_is_not_waited_for():
    run = Run(always(failure("http_429", retry_after_s=3600)))
    tally = run.of(ONE)
    assert (outcomes(tally), len(run.asked)) == ({"failed": 1}, 1)
    assert "waiting 3600 s would pass the item's deadline of 300 s" in tally.unfinished["reason"][0]


def test_an_item_whose_time_is_up_fails():
    run = Run(always(failure("timeout")), limits=replace(QUICK, item_deadline_s=0.0))
    tally = run.of(ONE)
    assert (outcomes(tally), run.asked) == ({"failed": 1}, [])
    assert "deadline of 0 s has passed" in tally.unfinished["reason"][0]


def test_an_endpoint_that_hangs_is_left_after_the_timeout(monkeypatch):
    monkeypatch.setattr("llmops_pipelines.judging.execution.inquiry._GRACE_S", 0.0)
    run = Run(always(ok()), limits=replace(QUICK, attempt_timeout_s=0.01, attempts=2), seconds=30)
    tally = run.of(ONE)
    assert outcomes(tally) == {"failed": 1}
    assert run.ledger.attempts["outcome"].to_list() == ["timeout", "timeout"]


def slow_server(slots, seconds):
    """An endpoint that serves ``slots`` requests at once; the others wait, and may wait in vain."""
    free, told = asyncio.Semaphore(slots), []

    async def ask(_request, most):
        told.append(most)
        started = time.monotonic()
        try:
            async with asyncio.timeout(most), free:
                await asyncio.sleep(seconds)
        except TimeoutError:
            return failure("timeout", billable=True)
        return ok(latency_ms=1_000 * (time.monotonic() - started))

    return ask, told


def of_a_slow_server(ask, limits, count):
    judge = RubricJudge(spec())
    frame = distinct_items(item_frame(*(f"answer {n}" for n in range(count))), judge.spec)
    jobs = [(judge, read_item(row)) for row in frame.iter_rows(named=True)]

    async def run():
        circuit = Circuit(limits.dead_after, limits.patience, limits.most_late)
        gate = Gate(Pace(limits.concurrency))
        conduct = Conduct(ask, Purse(), no_price, limits, circuit, lambda: NOON, 1, "run", gate)
        return await execute(jobs, conduct, lambda *_: None, library_versions={}), gate

    return asyncio.run(run())


def test_a_server_that_is_asked_by_more_than_it_can_serve_is_asked_by_fewer_and_loses_nothing():
    # All at once would take 1.6 s, far more than the 0.2 s that each of them waits at first.
    ask, told = slow_server(slots=2, seconds=0.05)
    limits = Limits(concurrency=64, attempt_timeout_s=0.2, item_deadline_s=5.0)
    tally, gate = of_a_slow_server(ask, limits, 64)
    assert outcomes(tally) == {"scored": 64}
    assert gate.width < 32
    assert max(told) > 0.2


def server_that_counts(most, window_s):
    """An endpoint that takes ``most`` requests in each window, and tells the others to wait."""
    told = []

    async def ask(_request, _most):
        now = time.monotonic()
        taken = [at for at, took in told if took and now - at < window_s]
        took = len(taken) < most
        told.append((now, took))
        await asyncio.sleep(0.001)
        return ok() if took else failure("http_429", retry_after_s=window_s, billable=False)

    return ask, told


def test_a_server_that_counts_requests_is_not_stormed_by_all_it_told_to_wait():
    ask, told = server_that_counts(most=4, window_s=0.1)
    limits = Limits(concurrency=64, backoff_s=0.001, item_deadline_s=30.0)
    tally, gate = of_a_slow_server(ask, limits, 80)
    assert outcomes(tally) == {"scored": 80}
    assert gate.width < 32
    assert len(told) < 3 * 80


def test_a_reply_that_is_slower_than_an_attempt_may_take_comes_with_the_next():
    ask, told = slow_server(slots=1, seconds=0.25)
    limits = Limits(concurrency=1, attempt_timeout_s=0.1, item_deadline_s=5.0)
    tally, _ = of_a_slow_server(ask, limits, 2)
    assert outcomes(tally) == {"scored": 2}
    # Doubled twice for the first; the second is given what replies have been seen to take.
    assert [round(seconds, 1) for seconds in told[:3]] == [0.1, 0.2, 0.4]
    assert len(told) == 4
    assert told[3] >= 4 * 0.25


def test_an_item_that_got_no_reply_in_time_says_what_to_set():
    ask, _ = slow_server(slots=1, seconds=9.0)
    limits = Limits(concurrency=1, attempt_timeout_s=0.02, item_deadline_s=0.1)
    tally, _ = of_a_slow_server(ask, limits, 1)
    assert outcomes(tally) == {"failed": 1}
    assert "LLMOPS_JUDGE_MAX_IN_FLIGHT" in tally.unfinished["reason"][0]


def test_a_server_that_takes_requests_and_answers_none_is_left():
    ask, told = slow_server(slots=1, seconds=9.0)
    limits = Limits(concurrency=4, attempt_timeout_s=0.02, item_deadline_s=0.1, dead_after=3)
    tally, _ = of_a_slow_server(ask, limits, 200)
    assert outcomes(tally) == {"failed": 200}
    assert len(told) <= 11
    assert any("failed 7 times in a row (timeout)" in why for why in tally.unfinished["reason"])


def test_a_dead_endpoint_ends_the_run_and_names_the_variable():
    run = Run(always(failure("network", detail="refused")))
    tally = run.of(item_frame(*(f"answer {n}" for n in range(500))))
    assert outcomes(tally) == {"failed": 500}
    assert len(run.asked) <= 2 * QUICK.concurrency
    assert all("JUDGE_BASE_URL" in reason for reason in tally.unfinished["reason"])
    assert run.ledger.verdicts.is_empty()


def test_a_second_pass_over_a_finished_ledger_asks_nothing():
    run = Run(always(ok()))
    run.of(TEN)
    assert unpaid(TEN, run.ledger.verdicts, spec()).is_empty()


def test_failed_items_are_still_unpaid():
    rejected = failure("http_400", retryable=False)
    run = Run(lambda r, _: ok() if "answer 3" in r.messages[1].content else rejected)
    run.of(TEN)
    assert unpaid(TEN, run.ledger.verdicts, spec()).height == 9


def test_a_crash_after_some_windows_loses_only_what_was_not_handed_over():
    many = item_frame(*(f"answer {n}" for n in range(100)))
    limits = replace(QUICK, window_results=10)
    first = Run(always(ok()), limits=limits, ledger=Ledger(fails_after=3))
    with pytest.raises(OSError, match="no space left"):
        first.of(many)
    kept = first.ledger.verdicts
    assert kept.height >= 30
    rest = unpaid(many, kept, spec())
    assert rest.height == 100 - kept.height
    second = Run(always(ok()), limits=limits)
    second.of(rest.drop("item_digest"))
    assert len(second.asked) == rest.height
    assert JUDGE_LEDGER.require(pl.concat([kept, second.ledger.verdicts])).height == 100
    # What had been asked beyond that is the price of the crash.
    assert len(first.asked) <= kept.height + limits.window_results + limits.concurrency


def test_at_no_moment_would_a_crash_cost_more_than_the_window_and_what_is_in_flight():
    limits = replace(QUICK, window_results=4, concurrency=2)
    unrecorded = []

    def reply(_request, number):
        unrecorded.append(number + 1 - sum(part.height for part, _ in run.ledger.parts))
        return ok()

    run = Run(reply, limits=limits, ledger=SlowLedger())
    run.of(TEN)
    assert max(unrecorded) == limits.window_results + limits.concurrency
    assert run.ledger.verdicts.height == 10


def test_results_are_handed_over_when_time_is_up_too():
    run = Run(always(ok()), limits=replace(QUICK, window_s=0.01, concurrency=1), seconds=0.02)
    run.of(item_frame("a", "b", "c"))
    assert len(run.ledger.parts) >= 2


def test_an_interrupted_run_hands_over_what_it_has_and_records_what_was_in_flight():
    ledger = Ledger()

    async def ask(request, _seconds):
        if "answer 9" in request.messages[1].content:
            await asyncio.sleep(60)
        return ok()

    async def interrupted():
        judge = RubricJudge(spec())
        jobs = [
            (judge, read_item(row)) for row in distinct_items(TEN, spec()).iter_rows(named=True)
        ]
        conduct = Conduct(ask, Purse(), no_price, QUICK, Circuit(8, 24, 99), lambda: NOON, 1, "run")
        task = asyncio.ensure_future(execute(jobs, conduct, ledger.append, library_versions={}))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    assert ledger.verdicts.height == 9
    assert Counter(ledger.attempts["outcome"]) == {"ok": 9, "cancelled": 1}


def test_at_the_cap_the_rest_is_over_budget_and_a_later_run_takes_it_up():
    caps = Caps(usd_per_run=Decimal("0.055"))
    run = Run(always(ok()), caps=caps, price=cent_a_call, limits=replace(QUICK, concurrency=1))
    tally = run.of(TEN)
    assert outcomes(tally) == {"scored": 3, "over_budget": 7}
    assert tally.cost == Decimal("0.03")
    assert "the cap of $0.0550 a run is reached" in tally.unfinished["reason"][0]
    assert unpaid(TEN, run.ledger.verdicts, spec()).height == 7


def test_requests_in_flight_cannot_pass_the_cap_together():
    caps = Caps(usd_per_run=Decimal("0.10"))
    run = Run(always(ok()), caps=caps, price=cent_a_call, limits=replace(QUICK, concurrency=64),
              seconds=0.005)  # fmt: skip
    tally = run.of(item_frame(*(f"answer {n}" for n in range(64))))
    assert tally.cost <= Decimal("0.10")
    assert outcomes(tally)["scored"] == 8
    assert outcomes(tally)["over_budget"] == 56


def test_a_judge_without_a_price_is_capped_by_calls_and_costs_null():
    run = Run(always(ok()), caps=Caps(calls_per_run=4))
    tally = run.of(TEN)
    assert outcomes(tally) == {"scored": 4, "over_budget": 6}
    assert tally.cost is None
    assert run.ledger.verdicts["cost"].to_list() == [None] * 4


def test_a_judge_without_a_price_costs_null_whatever_was_refused():
    run = Run(in_turn(failure("http_500"), ok()), caps=Caps(calls_per_run=4))
    tally = run.of(ONE)
    assert (tally.cost, tally.uncosted, only(run)["cost"]) == (None, 1, None)


def test_repairs_and_retries_are_paid_for_and_summed():
    run = Run(in_turn(failure("http_500"), ok(text="no"), ok()), price=cent_a_call)
    tally = run.of(ONE)
    assert only(run)["cost"] == tally.cost == Decimal("0.02")
    assert run.ledger.attempts.sort("asked_at")["cost"].to_list() == [
        Decimal(0),
        Decimal("0.01"),
        Decimal("0.01"),
    ]


def test_a_reply_without_usage_has_a_null_cost_and_is_booked_in_full():
    run = Run(always(ok(tokens=None)), price=cent_a_call, caps=Caps(usd_per_run=Decimal("0.05")),
              limits=replace(QUICK, concurrency=1))  # fmt: skip
    tally = run.of(TEN)
    assert outcomes(tally) == {"scored": 1, "over_budget": 9}
    assert run.ledger.attempts["cost"].to_list() == [None]


def test_a_score_outside_zero_to_one_is_unreadable():
    class Wild(RubricJudge):
        async def rule(self, _item, _ask):
            return Ruling("scored", float("nan"), None)

    assert rule_with(Wild(spec())) == {"unreadable": 1}


def test_a_judge_that_breaks_fails_its_item_not_the_run():
    class Broken(RubricJudge):
        async def rule(self, _item, _ask):
            raise KeyError("statements")

    assert rule_with(Broken(spec())) == {"failed": 1}


def rule_with(judge):
    async def ask(_request, _seconds):
        return ok()

    async def run():
        jobs = [
            (judge, read_item(row)) for row in distinct_items(ONE, spec()).iter_rows(named=True)
        ]
        conduct = Conduct(ask, Purse(), no_price, QUICK, Circuit(8, 24, 99), lambda: NOON, 1, "run")
        return await execute(jobs, conduct, Ledger().append, library_versions={})

    return outcomes(asyncio.run(run()))


def test_no_more_than_the_limit_are_in_flight():
    now = most = 0

    async def ask(_request, _seconds):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        return ok()

    async def run():
        judge = RubricJudge(spec())
        frame = item_frame(*(f"answer {n}" for n in range(40)))
        jobs = (
            (judge, read_item(row)) for row in distinct_items(frame, spec()).iter_rows(named=True)
        )
        limits = Limits(concurrency=5)
        conduct = Conduct(
            ask, Purse(), no_price, limits, Circuit(8, 24, 99), lambda: NOON, 1, "run"
        )
        return await execute(jobs, conduct, Ledger().append, library_versions={})

    assert outcomes(asyncio.run(run())) == {"scored": 40}
    assert most == 5


def test_nothing_to_do_does_nothing():
    run = Run(always(ok()))
    assert run.of(TEN.clear()).outcomes == Counter()
    assert run.ledger.parts == []


def test_the_same_replies_make_the_same_ledger():
    def ledger():
        run = Run(in_turn(failure("http_500"), ok()), limits=replace(QUICK, concurrency=1))
        run.of(TEN)
        return run.ledger

    one, other = ledger(), ledger()
    assert one.verdicts.equals(other.verdicts)
    assert one.attempts.equals(other.attempts)


def test_times_come_from_the_clock_that_was_given():
    run = Run(always(ok()))
    run.of(ONE)
    assert isinstance(only(run)["scored_at"], datetime)
    assert only(run)["scored_at"].date() == NOON.date()


def test_replies_that_are_no_replies_have_no_score():
    assert Reply("http_500").answered is False
    assert Reply("truncated").answered is True


class SlowLedger(Ledger):
    """A ledger that takes longer than the run has left."""

    def append(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        time.sleep(0.1)
        super().append(verdicts, attempts)


def test_a_run_that_ends_while_results_are_handed_over_hands_them_over_once():
    run = Run(lambda *_: ok(), limits=replace(QUICK, window_s=0.02), ledger=SlowLedger())
    run.seconds = 0.05
    # Two rounds: the first is handed over when its time is up, and the second ends meanwhile.
    run.of(item_frame(*(f"a {n}" for n in range(2 * QUICK.concurrency))))
    assert run.ledger.verdicts["item_digest"].is_unique().all()
    assert run.ledger.attempts["attempt_id"].is_unique().all()
    assert run.ledger.verdicts.height == 2 * QUICK.concurrency


def test_what_comes_while_results_are_handed_over_gathers_until_it_is_enough():
    limits = replace(QUICK, window_results=20)
    run = Run(always(ok()), limits=limits, ledger=SlowLedger(), seconds=0.02)
    run.of(item_frame(*(f"a {n}" for n in range(100))))
    *full, _ = [part.height for part, _ in run.ledger.parts]
    assert min(full) >= 15
