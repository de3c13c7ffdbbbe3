"""Judging in Anthropic's Message Batches on loopback, through a real lake."""

from __future__ import annotations

import re

import pytest

from llmops_pipelines.adapters.endpoints import anthropic_batches, patience
from tests.batch_stub import MALFORMED, Fault, MessageBatchStub, Misfortune
from tests.judge_stub import REFUSED, TRUNCATED
from tests.orchestration.batch_worlds import ANSWERS, ITEMS, World


@pytest.fixture
def stub():
    with MessageBatchStub() as stub:
        yield stub


@pytest.fixture
def world(tmp_path, stub, monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    return World(tmp_path, stub, settings={"batch": "anthropic"}, model="claude-sonnet-4-5")


def last(stub):
    return list(stub.batches.values())[-1]


def test_items_wait_until_the_batch_has_ended_and_cost_half(world, stub):
    stub.judge.truth = {answer: n % 2 == 0 for n, answer in enumerate(ANSWERS)}
    assert world.run() == {"pending": 6}
    assert world.run() == {"pending": 6}
    stub.finish(shuffled=2)
    assert world.run() == {"scored": 6}
    scores = world.scores.join(ITEMS, on="call_id").sort("call_id")
    assert scores["score"].to_list() == [1.0, 0.0] * 3
    tokens = world.calls.select("input_tokens", "output_tokens").sum().row(0)
    halved = (tokens[0] * 3 + tokens[1] * 15) / 2 / 1e6
    assert float(world.calls["cost"].sum()) == pytest.approx(halved)
    assert (world.batch["state"], world.batch["verdicts"]) == ("ended", 6)
    assert {headers.get("x-api-key") for headers in stub.headers} == {"sk-secret"}


def test_requests_carry_the_schema_as_a_tool_that_must_be_used(world, stub):
    world.run()
    params = stub.only.lines[0]["params"]
    (tool,) = params["tools"]
    assert tool["input_schema"]["required"] == ["claims", "grounded", "reason"]
    assert params["system"]
    assert [message["role"] for message in params["messages"]] == ["user"]


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_what_a_batch_left_undone_is_asked_again(world, stub, state):
    world.run()
    stub.finish(state=state, done=3)
    world.run()
    assert world.batches[0]["lost"] == 0
    stub.finish(last(stub))
    assert world.run() == {"scored": 6}


@pytest.mark.parametrize("count", [-5, 10**30])
def test_counts_that_cannot_be_are_no_counts_and_earn_no_money(world, stub, count):
    world.run()
    stub.finish(
        edit=lambda lines: [
            re.sub(r'"output_tokens": 40', f'"output_tokens": {count}', line) for line in lines
        ]
    )
    assert world.run() == {"scored": 6}
    assert world.calls["cost"].to_list() == [None] * 6


def test_errors_are_free_and_asked_again(world, stub):
    world.run()
    stub.finish(fault=lambda _: Fault(status=500))
    assert world.run() == {"pending": 6}
    assert set(world.calls["outcome"]) == {"batch_errored"}
    assert world.calls["cost"].sum() == 0


@pytest.mark.parametrize(("fault", "outcome"), [(REFUSED, "refused"), (TRUNCATED, "unreadable")])
def test_refusals_and_truncated_replies_are_final(world, stub, fault, outcome):
    world.run()
    stub.finish(fault=lambda _: fault)
    assert world.run() == {outcome: 6}


def test_text_in_place_of_the_tool_is_asked_again_once(world, stub):
    world.run()
    stub.finish(fault=lambda _: MALFORMED)
    assert world.run() == {"pending": 6}
    stub.finish(last(stub), fault=lambda _: MALFORMED)
    assert world.run() == {"unreadable": 6}


def test_an_answer_that_is_lost_is_found_by_the_results_and_nothing_is_sent_twice(world, stub):
    stub.goes_wrong("create", Misfortune(drop_after=True))
    assert world.run() == {"pending": 6}
    world.later(hours=5)
    assert world.run() == {"pending": 6}
    stub.finish(shuffled=1)
    assert world.run() == {"scored": 6}
    assert stub.asked.count("create") == 1
    assert world.batch["batch_id"] == stub.only.id


def test_a_batch_of_others_with_as_many_requests_is_not_taken_for_ours(world, stub):
    stub.goes_wrong("create", Misfortune(drop_after=True))
    world.run()
    for number, line in enumerate(stub.only.lines):
        line["custom_id"] = f"alien-{number}"
    stub.finish()
    world.later(hours=5)
    assert world.run() == {"pending": 6}
    assert [batch["event"] for batch in world.batches] == ["dropped", "submitted"]


def test_a_batch_that_is_refused_is_dropped_and_the_pace_is_waited_for(world, stub):
    stub.goes_wrong("create", Misfortune(status=429), Misfortune(status=413))
    assert world.run() == {"failed": 6}
    assert "http_413" in world.scores["reason"][0]
    assert world.run() == {"pending": 6}


def test_files_keep_within_what_a_batch_may_hold(world, stub, monkeypatch):
    size = anthropic_batches.Size(100, 20_000)
    monkeypatch.setattr(anthropic_batches, "MOST", size)
    assert world.run() == {"pending": 6}
    assert len(stub.batches) > 1
    for batch in stub.batches.values():
        stub.finish(batch)
    assert world.run() == {"scored": 6}
