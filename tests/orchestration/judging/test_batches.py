"""Judging in batches against the Batch API on loopback, through a real lake."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from aiohttp import web

from llmops_pipelines.adapters.endpoints import openai_batches, patience
from llmops_pipelines.judging import rubric_spec
from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.orchestration.graph.resources import Judge
from llmops_pipelines.orchestration.judging.asking import Occasion
from llmops_pipelines.orchestration.judging.batches import LakeBook, held, open_days
from llmops_pipelines.orchestration.judging.endpoints import benches
from llmops_pipelines.orchestration.judging.judging import judge_items, spend_of
from llmops_pipelines.tables import (
    CALL_TEXTS,
    JUDGE_BATCHES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    LLM_CALLS,
    TOMBSTONES,
)
from tests.batch_stub import MALFORMED, BatchStub, Fault, MessageBatchStub, Misfortune
from tests.golden.worlds import frame
from tests.judge_stub import REFUSED, TRUNCATED
from tests.judging.worlds import item_frame, text
from tests.orchestration.batch_worlds import ANSWERS, DAY, ITEMS, MODEL, RUBRIC, World
from tests.vocabulary import vocabulary

SPEC = rubric_spec("groundedness", RUBRIC, model=MODEL)


@pytest.fixture
def stub():
    with BatchStub() as stub:
        yield stub


@pytest.fixture
def world(tmp_path, stub, monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    return World(tmp_path, stub)


# The usual way


def test_items_wait_in_a_batch_until_it_is_collected(world, stub):
    assert world.run() == {"pending": 6}
    assert world.scores["score"].null_count() == 6
    assert world.scores["reason"].str.starts_with("waits in batch ").all()
    assert stub.judge.calls == 0
    assert world.run() == {"pending": 6}
    assert len(stub.batches) == 1
    stub.finish(shuffled=3)
    assert world.run() == {"scored": 6}
    assert world.verdicts.height == world.calls.height == 6
    assert set(world.lake.read(JUDGE_CALLS)["outcome"]) == {"ok"}, "the canary is held"
    assert world.run() == {"scored": 6}
    assert (len(stub.batches), stub.judge.calls) == (1, 0)
    batch = world.batch
    assert (batch["event"], batch["state"], batch["verdicts"]) == ("collected", "completed", 6)
    assert (batch["unanswered"], batch["lost"], batch["paid_twice"]) == (0, 0, 0)


def test_each_verdict_is_that_of_its_own_item_whatever_the_order(world, stub):
    stub.judge.truth = {answer: n % 2 == 0 for n, answer in enumerate(ANSWERS)}
    world.run()
    stub.finish(shuffled=1)
    world.run()
    scores = world.scores.join(ITEMS, on="call_id").sort("call_id")
    assert scores["score"].to_list() == [1.0, 0.0] * 3


def test_a_batch_costs_half(world, stub, tmp_path):
    world.run()
    stub.finish()
    world.run()
    at_once = World(tmp_path / "at_once", stub, settings={"batch": ""})
    at_once.run()
    assert world.calls["cost"].sum() * 2 == at_once.calls["cost"].sum() > 0
    assert set(world.calls["batch"]) == {world.batch["batch"]}
    assert at_once.calls["batch"].to_list() == [None] * 6
    assert world.batch["cost"] == world.lake.read(JUDGE_CALLS)["cost"].sum()
    halves, whole = (_evaluation_costs(each) for each in (world, at_once))
    assert halves["cost"] * 2 == whole["cost"] > 0
    names = ("metric", "verdicts", "calls", "uncached_input", "output_text", "unpriced_calls")
    assert [halves[name] for name in names] == [whole[name] for name in names]
    assert (halves["verdicts"], halves["calls"], halves["paid_twice"]) == (6, 8, 0)


def _evaluation_costs(world: World) -> dict:
    (row,) = spend_of(world.scores.lazy(), world.lake, DAY).to_dicts()
    return row


def test_what_a_batch_lost_is_counted_as_unpriced_and_never_as_free(world, stub):
    world.run()
    batch = stub.finish(edit=lambda lines: lines[:-2])
    batch.document["completed_at"] = int(world.now.timestamp()) - 2 * 86_400
    world.run()
    row = _evaluation_costs(world)
    assert (row["calls"], row["unpriced_calls"]) == (8, 2)
    assert row["cost"] == world.batches[0]["cost"]


def test_a_quote_tells_dollars_at_once_and_in_batches(world, caplog):
    with caplog.at_level("INFO", logger="llmops.quotes"):
        world.run()
    (quote,) = [record.message for record in caplog.records if "to judge" in record.message]
    assert "in batches), at most $" in quote
    assert any("6 of 2026-11-10 put into batches" in r.message for r in caplog.records)


def test_the_request_is_the_one_that_would_be_sent_at_once(world, stub, tmp_path):
    world.run()
    World(tmp_path / "at_once", stub, settings={"batch": ""}).run()
    key = str
    batched = sorted((line["body"] for line in stub.only.lines), key=key)
    assert batched == sorted(stub.judge.requests, key=key)


@pytest.mark.parametrize(
    ("wrong", "outcomes"),
    [(0, ["ok", "ok"]), (1, ["canary_missed", "ok"]), (2, ["canary_missed", "canary_missed"])],
)
def test_canaries_go_with_every_file_and_a_miss_is_marked(world, stub, wrong, outcomes):
    world.run()
    canaries = [n for n, line in enumerate(stub.only.lines) if "canary" in world.call_of(line)]
    assert len(canaries) == 2
    stub.finish(fault=lambda n: Fault(text=_WRONG) if n in canaries[:wrong] else None)
    assert world.run() == {"scored": 6}
    attempts = world.lake.read(JUDGE_CALLS).filter(pl.col("step") == "canary/verdict")
    assert sorted(attempts["outcome"]) == outcomes


_WRONG = '{"claims": [], "grounded": null, "reason": "nothing to check"}'


def test_files_keep_within_what_a_batch_may_hold(world, stub, monkeypatch):
    monkeypatch.setattr(openai_batches, "MOST", openai_batches.Size(4, 10**6))
    assert world.run() == {"pending": 6}
    assert sorted(len(batch.lines) for batch in stub.batches.values()) == [4, 4, 4]
    for batch in stub.batches.values():
        stub.finish(batch)
    assert world.run() == {"scored": 6}


def test_the_input_file_with_its_texts_is_deleted_once_all_is_collected(world, stub):
    world.run()
    stub.finish()
    world.run()
    assert stub.deleted == [stub.only.document["input_file_id"]]


def test_the_same_content_in_two_calls_is_asked_once(world, stub):
    twice = item_frame("Refunds take a week.", "Refunds take a week.")
    assert world.run(twice) == {"pending": 2}
    stub.finish()
    assert world.run(twice) == {"scored": 2}
    assert world.calls.height == 1


# Money


def test_a_file_is_held_within_the_cap_before_it_is_submitted(world, stub):
    world.run(max_usd_per_run=0.004)
    assert set(world.scores["outcome"]) == {"pending", "over_budget"}
    assert world.batch["reserved"] <= Decimal("0.004")
    assert (
        world.scores.filter(outcome="over_budget")["reason"].str.contains(r"\$0\.004 a run").all()
    )
    stub.finish()
    world.run(max_usd_per_run=5.0)
    assert set(world.scores["outcome"]) == {"pending", "scored"}


def test_where_the_vocabulary_is_here_more_fits_under_the_cap_and_the_cap_still_holds(
    world, stub, tmp_path
):
    cap = {"max_usd_per_run": 0.0092}
    by_bytes = world.run(**cap)["pending"]
    counted = World(tmp_path / "counted", stub, settings={"batch": "openai"})
    with vocabulary(MODEL, f"{RUBRIC.system} {RUBRIC.prompt}"):
        by_tokens = counted.run(**cap)["pending"]
    assert by_bytes < by_tokens
    for batch in list(stub.batches.values()):
        stub.finish(batch)
    counted.run()
    done = counted.batches[0]
    assert done["cost"] < done["reserved"] <= Decimal("0.0092")


def test_what_is_on_its_way_counts_towards_the_day_until_its_cost_is_known(world, stub):
    world.run()
    reserved = world.batch["reserved"]
    assert held(world.lake, world.now).usd == reserved > 0
    world.run(item_frame("Another one."), max_usd_per_day=float(reserved))
    assert set(world.scores["outcome"]) == {"over_budget"}
    assert held(world.lake, world.now + timedelta(days=1)).usd == 0
    stub.finish()
    world.run()
    assert held(world.lake, world.now).usd == 0


# Misbehaviour on the way there


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_upload_that_fails_is_repeated(world, stub, status):
    stub.goes_wrong("upload", Misfortune(status=status), Misfortune(drop_before=True))
    assert world.run() == {"pending": 6}
    assert stub.asked.count("upload") == 3
    assert len(stub.batches) == 1


def test_an_upload_that_never_works_leaves_everything_for_a_later_run(world, stub):
    stub.goes_wrong("upload", *[Misfortune(status=500)] * 4)
    assert world.run() == {"failed": 6}
    assert "could not be uploaded: http_500" in world.scores["reason"][0]
    assert world.batch["event"] == "dropped"
    assert held(world.lake, world.now).usd == 0
    assert world.run() == {"pending": 6}


def test_a_batch_that_the_endpoint_refuses_is_dropped(world, stub):
    stub.goes_wrong("create", Misfortune(status=400))
    assert world.run() == {"failed": 6}
    assert world.run() == {"pending": 6}
    assert len(stub.batches) == 1


@pytest.mark.parametrize("asked", ["nan", "inf", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_wait_that_nobody_can_keep_is_none(world, stub, asked):
    stub.goes_wrong("create", Misfortune(status=429, retry_after=asked))
    assert world.run() == {"pending": 6}


def test_a_refusal_for_the_pace_is_repeated(world, stub):
    stub.goes_wrong("create", Misfortune(status=429), Misfortune(status=429))
    assert world.run() == {"pending": 6}
    assert len(stub.batches) == 1


@pytest.mark.parametrize("wrong", [Misfortune(drop_after=True), Misfortune(status=500)])
def test_an_answer_that_is_lost_is_looked_up_and_nothing_is_submitted_twice(world, stub, wrong):
    stub.goes_wrong("create", wrong)
    assert world.run() == {"pending": 6}
    assert len(stub.batches) == wrong.drop_after
    world.later(minutes=5)
    assert world.run() == {"pending": 6}
    assert stub.asked.count("create") == 1
    if wrong.drop_after:
        stub.finish()
        assert world.run() == {"scored": 6}


def test_what_never_reached_the_endpoint_is_given_up_once_nobody_can_be_sending_it(world, stub):
    stub.goes_wrong("create", Misfortune(drop_before=True))
    assert world.run() == {"pending": 6}
    world.later(hours=1)
    assert world.run() == {"pending": 6}
    world.later(hours=2)
    assert world.run() == {"pending": 6}
    assert [batch["event"] for batch in world.batches] == ["dropped", "submitted"]
    stub.finish()
    assert world.run() == {"scored": 6}


@pytest.mark.parametrize("event", ["submitted", "collected"])
def test_a_crash_before_it_is_written_down_loses_nothing(world, stub, monkeypatch, event):
    note = LakeBook.note

    def crashes(book: LakeBook, row: pl.DataFrame) -> bool:
        if row["event"][0] == event:
            raise KeyboardInterrupt
        return note(book, row)

    with monkeypatch.context() as patched:
        patched.setattr(LakeBook, "note", crashes)
        if event == "submitted":
            with pytest.raises(KeyboardInterrupt):
                world.run()
            stub.finish()
        else:
            patched.setattr(LakeBook, "note", note)
            world.run()
            stub.finish()
            patched.setattr(LakeBook, "note", crashes)
            with pytest.raises(KeyboardInterrupt):
                world.run()
    assert world.run() == {"scored": 6}
    assert (len(stub.batches), world.calls.height, world.verdicts.height) == (1, 6, 6)
    assert (world.batch["verdicts"], world.batch["paid_twice"]) == (6, 0)
    assert world.batch["cost"] == world.lake.read(JUDGE_CALLS)["cost"].sum()


def test_a_process_that_comes_second_with_the_same_requests_submits_nothing(world, stub):
    book, note = LakeBook, LakeBook.note
    other = World(world.root, stub)
    run_between = [True]

    def while_another_runs(self: LakeBook, row: pl.DataFrame) -> bool:
        if row["event"][0] == "intended" and run_between.pop():
            run_between.append(False)
            assert other.run() == {"pending": 6}
        return note(self, row)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(book, "note", while_another_runs)
        assert world.run() == {"pending": 6}
    assert len(stub.batches) == 1


# Misbehaviour on the way back


def test_requests_that_fail_are_asked_again_and_the_others_are_kept(world, stub):
    world.run()
    first = stub.only
    stub.finish(fault=lambda n: Fault(status=500) if n % 2 else None)
    outcomes = world.run()
    assert outcomes == {"pending": 3, "scored": 3} or set(outcomes) == {"pending", "scored"}
    failed = world.calls.filter(outcome="http_500")
    assert failed["cost"].to_list() == [Decimal(0)] * failed.height
    (second,) = [batch for batch in stub.batches.values() if batch is not first]
    stub.finish(second)
    assert world.run() == {"scored": 6}


@pytest.mark.parametrize("state", ["expired", "cancelled", "failed"])
def test_what_a_batch_left_undone_is_asked_again(world, stub, state):
    world.run()
    stub.finish(state=state, done=0 if state == "failed" else 3)
    outcomes = world.run()
    assert sum(outcomes.values()) == 6
    assert outcomes["pending"] >= 3
    first = world.batches[0]
    assert (first["state"], first["lost"]) == (state, 0)
    assert first["verdicts"] + first["unanswered"] == 6
    stub.finish(list(stub.batches.values())[-1])
    assert world.run() == {"scored": 6}
    assert world.verdicts.height == 6


def test_an_item_that_three_batches_left_undone_is_left_to_people(world, stub):
    for _ in range(3):
        assert world.run() == {"pending": 6}
        stub.finish(list(stub.batches.values())[-1], state="expired", done=0)
    assert world.run() == {"failed": 6}
    assert world.scores["reason"].str.contains("3 batches ended without a verdict").all()
    assert len(stub.batches) == 3
    assert world.run(batch="") == {"scored": 6}


def test_a_reply_that_cannot_be_read_is_asked_again_once_and_then_is_unreadable(world, stub):
    one = item_frame("Refunds take five days.")
    assert world.run(one) == {"pending": 1}
    stub.finish(fault=lambda _: MALFORMED)
    assert world.run(one) == {"pending": 1}
    assert world.calls["outcome"].to_list() == ["unreadable"]
    assert world.calls["cost"].sum() > 0
    stub.finish(list(stub.batches.values())[-1], fault=lambda _: MALFORMED)
    assert world.run(one) == {"unreadable": 1}
    assert "two replies could not be read" in world.scores["reason"][0]
    assert world.scores["score"].to_list() == [None]


@pytest.mark.parametrize(("fault", "outcome"), [(REFUSED, "refused"), (TRUNCATED, "unreadable")])
def test_refusals_and_truncated_replies_are_final_and_told(world, stub, fault, outcome):
    world.run()
    stub.finish(fault=lambda _: fault)
    assert world.run() == {outcome: 6}
    assert len(stub.batches) == 1


@pytest.mark.parametrize("escaped", ["\\ud83d", "\\\\ud83d"])
def test_half_a_character_in_a_result_stops_no_batch(world, stub, escaped):
    """Escaped by the endpoint that wrote the line, or by the judge that wrote the verdict."""
    world.run()
    stub.finish(edit=lambda lines: [line.replace("the documents", escaped) for line in lines])
    assert world.run() == {"scored": 6}
    assert world.verdicts["reason"].str.contains("\ufffd").all()


def test_lines_that_come_twice_or_belong_to_nothing_are_counted_and_change_nothing(world, stub):
    world.run()
    alien = '{"custom_id": "row-1", "response": {"status_code": 200, "body": {}}, "error": null}\n'
    stub.finish(edit=lambda lines: [*lines, lines[0], alien, lines[0]])
    assert world.run() == {"scored": 6}
    batch = world.batch
    assert (batch["repeated_lines"], batch["unknown_lines"], batch["damaged_lines"]) == (2, 1, 0)
    assert world.calls.height == 6


def test_a_result_file_that_is_cut_off_is_read_again_until_it_is_whole(world, stub):
    world.run()
    batch = stub.finish()
    name = batch.document["output_file_id"]
    whole = stub.files[name]
    stub.files[name] = whole[: len(whole) // 2]
    outcomes = world.run()
    assert set(outcomes) == {"pending", "scored"}
    assert (world.batch["event"], world.batch["state"]) == ("ended", "completed")
    assert "results could be read" in world.batch["detail"]
    stub.files[name] = whole
    assert world.run() == {"scored": 6}
    assert (world.calls.height, world.verdicts.height) == (6, 6)
    assert (world.batch["verdicts"], world.batch["lost"]) == (6, 0)
    assert world.batch["detail"] is None, "what could not be read at first was read"
    assert len(stub.batches) == 1


def test_results_that_never_come_are_lost_at_an_unknown_cost_and_asked_again(world, stub):
    world.run()
    batch = stub.finish(edit=lambda lines: lines[:-2])
    world.run()
    assert world.batch["event"] == "ended"
    batch.document["completed_at"] = int(world.now.timestamp()) - 2 * 86_400
    world.run()
    assert (world.batches[0]["event"], world.batches[0]["lost"]) == ("collected", 2)
    lost = world.lake.read(JUDGE_CALLS).filter(outcome="lost")
    assert lost["cost"].to_list() == [None, None]
    assert len(stub.batches) == 2


def test_results_that_never_come_are_lost_too_where_nobody_tells_when_the_batch_ended(world, stub):
    world.run()
    batch = stub.finish(edit=lambda lines: lines[:-2])
    del batch.document["completed_at"]
    world.later(hours=47)
    world.run()
    assert world.batch["event"] == "ended"
    world.later(hours=2)
    world.run()
    assert (world.batches[0]["event"], world.batches[0]["lost"]) == ("collected", 2)


@pytest.mark.parametrize(("kind", "api"), [(BatchStub, "openai"), (MessageBatchStub, "anthropic")])
@pytest.mark.parametrize("answer", ['"accepted"', '{"ok": true}', "[]", "null"])
def test_an_answer_that_is_no_batch_is_unclear_and_costs_nothing_twice(
    tmp_path, monkeypatch, kind, api, answer
):
    """As a gateway may answer for the endpoint: the batch was made, whatever was said of it."""
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)

    def odd(handler):
        async def answered(self, request):
            reply = await handler(self, request)
            return web.Response(text=answer, content_type="application/json") if odd_now else reply

        return answered

    class Odd(kind):
        _create, _list, _retrieve = map(odd, (kind._create, kind._list, kind._retrieve))

    odd_now = True
    with Odd() as stub:
        world = World(tmp_path, stub, settings={"batch": api})
        assert world.run() == {"pending": 6}
        world.later(hours=5)
        assert world.run() == {"pending": 6}
        odd_now = False
        stub.finish()
        assert world.run() == {"scored": 6}
        assert len(stub.batches) == 1


def test_items_that_were_judged_meanwhile_are_counted_as_paid_twice(world, stub, tmp_path):
    world.run()
    another = World(tmp_path / "another", stub, settings={"batch": ""})
    another.run(ITEMS.head(2))
    for table in (JUDGE_CALLS, JUDGE_LEDGER):
        world.lake.append(table, another.lake.read(table).drop("day"), name="another", day=DAY)
    assert world.run() == {"pending": 4, "scored": 2}
    stub.finish()
    assert world.run() == {"scored": 6}
    assert (world.batch["verdicts"], world.batch["paid_twice"]) == (6, 2)
    assert (world.calls.height, world.verdicts.height) == (8, 6)


@pytest.mark.parametrize("what", ["retrieve", "content"])
@pytest.mark.parametrize("wrong", [Misfortune(status=500), Misfortune(drop_before=True)])
def test_a_look_that_fails_is_repeated_and_if_in_vain_put_off(world, stub, what, wrong):
    world.run()
    stub.finish()
    stub.goes_wrong(what, *[wrong] * 4)
    assert world.run() == {"pending": 6}
    assert world.run() == {"scored": 6}


def test_an_endpoint_that_hangs_is_left_alone(world, stub, monkeypatch):
    monkeypatch.setattr(openai_batches, "TIMEOUT_S", 0.2)
    world.run()
    stub.goes_wrong("retrieve", *[Misfortune(hang=True)] * 4)
    assert world.run() == {"pending": 6}


def test_an_endpoint_of_judges_yaml_has_a_batch_setting_of_its_own():
    cheap = {"base_url": "http://a/v1", "models": ["m"], "batch": "openai"}
    judges = Judges.model_validate({"judges": {"cheap": cheap}})
    found = benches(Judge(batch="anthropic"), judges)
    settings = {name: bench.seats[0].batch for name, bench in found.items()}
    assert settings == {"judge": "anthropic", "cheap": "openai"}


def test_who_waits_for_the_answer_is_never_made_to_wait_for_a_batch(world, stub):
    occasion = Occasion(world.lake, world.setup, world.clock, world.clock.today(), "command")
    scores = judge_items(ITEMS, [SPEC], occasion)
    assert set(scores["outcome"]) == {"scored"}
    assert stub.batches == {}


def test_a_batch_of_another_endpoint_waits_and_says_where_it_is(world, stub, caplog):
    world.run()
    with BatchStub() as other, caplog.at_level("INFO", logger="llmops.quotes"):
        elsewhere = World(world.root, other)
        assert elsewhere.run() == {"pending": 6}
        assert other.asked == []
    assert "set JUDGE_BASE_URL to that to collect it" in caplog.text
    assert stub.base_url in caplog.text


def test_a_batch_that_no_endpoint_would_keep_any_more_is_closed_as_lost(world, stub):
    world.run()
    stub.batches.clear()
    assert world.run() == {"pending": 6}
    world.later(days=3)
    world.run(judge_within_days=30)
    assert (world.batches[0]["state"], world.batches[0]["lost"]) == ("gone", 8)


def test_no_key_and_no_text_stands_in_what_is_told(world, stub):
    stub.goes_wrong("create", Misfortune(status=401))
    world.run()
    text = str(world.batches) + str(world.scores.to_dicts())
    assert "sk-secret" not in text
    assert "takes five days" not in text


def test_days_with_open_batches_are_told_without_reading_the_others(world, stub):
    assert list(open_days(world.lake)) == []
    world.run()
    assert [entry.day for entry in open_days(world.lake)] == [DAY]
    stub.finish()
    world.run()
    assert list(open_days(world.lake)) == []
    assert world.lake.read(JUDGE_BATCHES)["event"].to_list() == [
        "collected",
        "intended",
        "submitted",
    ]


def test_of_a_person_forgotten_meanwhile_the_score_is_kept_and_no_word(world, stub):
    world.run()
    stone = {"kind": "trace", "subject": "t", "forgotten_at": world.now, "command": "forget"}
    row = pl.DataFrame([stone], schema=TOMBSTONES.schema)
    world.lake.append(TOMBSTONES, row, name="one")
    kept = text("c-001").with_columns(pl.col("source_record").fill_null(0), tool_calls=[])
    world.lake.append(CALL_TEXTS, kept.cast(CALL_TEXTS.schema), name="b", day=DAY)
    stub.finish()
    assert world.run() == {"scored": 6}
    worded = world.verdicts.filter(pl.col("reason").is_not_null())
    assert worded["call_id"].to_list() == ["c-001"]


def test_of_a_person_forgotten_meanwhile_no_refusal_is_kept_that_may_quote_them(world):
    said = {"started_at": world.now, "tags": [], "context_steps": [], "copies": []}
    calls = [said | {"call_id": f"c-{n}", "trace_id": f"t-{n}"} for n in (1, 2)]
    rows = frame(LLM_CALLS, calls)
    world.lake.write(LLM_CALLS, rows, day=DAY)
    stone = {"kind": "trace", "subject": "t-1", "forgotten_at": world.now, "command": "forget"}
    world.lake.append(TOMBSTONES, pl.DataFrame([stone], schema=TOMBSTONES.schema), name="one")
    told = [
        {"attempt_id": name, "call_id": name, "reason": "I will not judge what she said"}
        for name in ("c-1", "c-2", "canary")
    ]
    attempts = frame(JUDGE_CALLS, [row | {"asked_at": world.now, "cost": None} for row in told])
    LakeBook(world.lake, DAY).append(JUDGE_LEDGER.empty(), attempts)
    kept = world.lake.read(JUDGE_CALLS).filter(pl.col("reason").is_not_null())
    assert sorted(kept["call_id"]) == ["c-2", "canary"]
