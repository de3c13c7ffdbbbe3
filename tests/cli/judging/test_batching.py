"""`llmops batches`: what waits, what it costs, collecting and cancelling by hand."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.batch_stub import BatchStub, Misfortune
from tests.cli.worlds import Said, invoke
from tests.orchestration.batch_worlds import DAY, MODEL, World


@pytest.fixture
def stub():
    with BatchStub() as stub:
        yield stub


def batches(root: Path, stub: BatchStub, *arguments: str) -> Said:
    environment = {
        "JUDGE_BASE_URL": stub.base_url,
        "JUDGE_MODEL": MODEL,
        "LLMOPS_NOW": "2026-11-11T03:00:00Z",
    }
    return invoke("--data", root, "batches", *arguments, environment=environment)


def test_without_batches_it_says_how_to_have_some(tmp_path, stub):
    run = batches(tmp_path, stub)
    assert run.returncode == 0
    assert "LLMOPS_JUDGE_BATCH=openai" in run.stdout
    assert batches(tmp_path, stub, "collect").stdout == "no batch is open\n"
    assert json.loads(batches(tmp_path, stub, "--json").stdout) == {"batches": []}


def test_a_batch_is_listed_collected_and_listed_with_what_it_cost(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert (row["day"], row["state"], row["requests"]) == (str(DAY), "validating", 8)
    assert row["reserved_usd"] > 0
    assert row["cost_usd"] is None
    assert f"at most ${row['reserved_usd']:.4f}" in batches(tmp_path, stub).stdout
    assert "validating; 0 of 8 done" in batches(tmp_path, stub, "collect").stdout
    stub.finish()
    run = batches(tmp_path, stub, "collect")
    assert "completed; 6 verdicts, 0 without one" in run.stdout
    assert "`llmops nightly` takes the verdicts into the scores" in run.stdout
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert (row["state"], row["verdicts"]) == ("completed", 6)
    assert 0 < row["cost_usd"] < row["reserved_usd"]
    assert world.verdicts.height == 6


def test_a_batch_that_cannot_be_looked_at_is_told_and_left(tmp_path, stub):
    World(tmp_path / "lake", stub).run()
    stub.batches.clear()
    run = batches(tmp_path, stub, "collect", "--json")
    assert run.returncode == 1
    (row,) = json.loads(run.stdout)["batches"]
    assert "cannot be looked at: http_404" in row["told"]


def test_a_reference_file_that_cannot_be_used_is_told_in_words(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    (tmp_path / "reference").mkdir(exist_ok=True)
    (tmp_path / "reference" / "judges.yaml").write_text("judges: [1\n")
    for arguments in (["collect"], ["cancel", world.batch["batch"]]):
        run = batches(tmp_path, stub, *arguments)
        assert run.returncode == 2
        assert run.stderr.startswith("the reference files cannot be used:\n")
        assert "judges.yaml:" in run.stderr


def test_a_batch_is_cancelled_by_the_beginning_of_its_id(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    run = batches(tmp_path, stub, "cancel", world.batch["batch"][:8])
    assert "is cancelling" in run.stdout
    assert stub.only.document["status"] == "cancelling"
    run = batches(tmp_path, stub, "cancel", "nonsense")
    assert run.returncode == 2
    assert "0 open batches begin with 'nonsense'" in run.stderr


def test_what_is_listed_carries_the_time_it_was_intended(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert datetime.fromisoformat(row["at"]) == world.now


def test_a_cancelled_batch_brings_what_was_done_and_the_rest_is_asked_anew(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    theirs = stub.only.id
    run = batches(tmp_path, stub, "cancel", theirs)
    assert f"({theirs}) is cancelling; `llmops batches collect` takes in" in run.stdout
    assert "(or `llmops score` of the same file) asks about the rest anew" in run.stdout
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert (row["event"], row["state"]) == ("cancelled", "cancelling")
    assert world.run() == {"pending": 6}, "what is still being done is not asked a second time"
    done = 5
    stub.finish(state="cancelled", done=done)
    items = sum(not is_canary(world, line) for line in stub.only.lines[:done])
    collected = batches(tmp_path, stub, "collect")
    assert f"cancelled; {items} verdicts, {6 - items} without one" in collected.stdout
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert (row["state"], row["verdicts"], row["unanswered"]) == ("cancelled", items, 6 - items)
    assert world.run() == {"pending": 6 - items, "scored": items}
    again = batches(tmp_path, stub, "cancel", theirs)
    assert again.returncode == 2
    assert f"{theirs} is over (cancelled): there is nothing left to cancel" in again.stderr


def is_canary(world: World, line: dict) -> bool:
    return world.call_of(line) == "canary"


def test_a_batch_that_the_endpoint_does_not_cancel_is_told_with_its_reason(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    stub.goes_wrong("cancel", Misfortune(status=409))
    run = batches(tmp_path, stub, "cancel", stub.only.id)
    assert run.returncode == 2
    assert "could not be cancelled: http_409" in run.stderr
    assert world.batch["event"] == "submitted"


def test_an_ended_batch_whose_results_are_damaged_is_listed_as_that(tmp_path, stub):
    world = World(tmp_path / "lake", stub)
    world.run()
    stub.only.document["status"] = "in_progress"
    batch = stub.finish(edit=lambda lines: [*lines[:-2], lines[-2][:40] + "\n"])
    run = batches(tmp_path, stub, "collect")
    assert run.returncode == 1
    assert "completed; 6 of 8 results could be read (1 damaged line(s)); read again" in run.stdout
    listed = batches(tmp_path, stub).stdout
    assert "completed" in listed
    assert "validating" not in listed
    assert "is over, and 6 of 8 results could be read (1 damaged line(s))" in listed
    assert "`llmops batches collect` reads it again" in listed
    # A day after its end nothing more is hoped for.
    batch.document["completed_at"] = int(world.now.timestamp()) - 2 * 86_400
    run = batches(tmp_path, stub, "collect")
    assert "without one; 2 lost: answered there, and nothing readable came back" in run.stdout
    (row,) = json.loads(batches(tmp_path, stub, "--json").stdout)["batches"]
    assert (row["event"], row["lost"], row["damaged_lines"]) == ("collected", 2, 1)
    assert "is over, and" not in batches(tmp_path, stub).stdout
