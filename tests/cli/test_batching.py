"""`llmops batches`: what waits, what it costs, collecting and cancelling by hand."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.batch_stub import BatchStub
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
