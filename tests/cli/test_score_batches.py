"""`llmops score --batch` and juries, as people run them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from llmops_pipelines.adapters.endpoints import patience
from llmops_pipelines.orchestration.scoring import scoring_batches
from llmops_pipelines.tables import JUDGE_CALLS
from tests.batch_stub import BatchStub, PromptStub
from tests.cli.judging.test_scoring import lake, rows, sample, samples, score
from tests.cli.worlds import data_folder
from tests.judge_stub import JudgeStub
from tests.orchestration.processes import environment


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(scoring_batches, "FIRST_PAUSE_S", 0.001)


def test_a_run_that_was_killed_while_it_waits_is_gone_on_with_and_pays_nothing_twice(tmp_path):
    file = samples(tmp_path, *(sample(n) for n in range(3)))
    with PromptStub(fates=[None] * 10_000) as stub:
        asked = {"JUDGE_BASE_URL": stub.base_url, "JUDGE_MODEL": "gpt-4.1-mini"}
        command = [sys.executable, "-m", "llmops_pipelines.cli", "--data", str(tmp_path / "data"),
                   "score", str(file), "--rubric", "groundedness", "--batch",
                   "--no-preflight"]  # fmt: skip
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, env=environment(**asked))
            while "retrieve" not in stub.asked:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
        stub.fates = []
        out = tmp_path / "out.jsonl"
        run = score(tmp_path, file, "--batch", "--no-preflight", "--json", "--out", out, **asked)
        assert len(stub.batches) == 1
    told = json.loads(run.stdout)
    assert (run.returncode, told["outcomes"], told["calls"]) == (0, {"scored": 3}, 3)
    assert [row["score"] for row in rows(out)] == [1.0] * 3
    assert lake(tmp_path).read(JUDGE_CALLS)["step"].value_counts(sort=True).rows() == [
        ("verdict", 3), ("canary/verdict", 2),
    ]  # fmt: skip


def test_two_processes_submit_one_file_once_though_it_grew_meanwhile(tmp_path):
    file = samples(tmp_path, *(sample(n) for n in range(3)))
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    with SlowUpload(fates=[None] * 10_000) as stub, ExitStack() as running:
        asked = {"JUDGE_BASE_URL": stub.base_url, "JUDGE_MODEL": "gpt-4.1-mini"}
        command = [sys.executable, "-m", "llmops_pipelines.cli", "--data", str(tmp_path / "data"),
                   "score", str(file), "--rubric", "groundedness", "--batch", "--no-preflight",
                   "--no-canary"]  # fmt: skip

        def start(log: Path) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                command, stdout=running.enter_context(log.open("wb")), stderr=subprocess.STDOUT,
                env=environment(**asked),
            )  # fmt: skip
            running.callback(process.kill)
            return process

        first = start(logs[0])
        _until(lambda: "upload" in stub.asked, logs[0], first)
        samples(tmp_path, *(sample(n) for n in range(4)))
        second = start(logs[1])
        _until(lambda: "waiting for it" in logs[1].read_text(), logs[1], second)
        stub.released.set()
        _until(lambda: len(stub.batches) == 2, logs[1], second)
        stub.fates = []
        codes = (first.wait(120), second.wait(120))
        assert stub.requests == 4, "three of the first, and one that came later"
    said = [log.read_text() for log in logs]
    assert codes == (0, 0), said
    assert "3 samples: 3 scored" in said[0]
    assert "4 samples: 4 scored" in said[1]


@dataclass
class SlowUpload(PromptStub):
    """An endpoint that takes a file in once the test says so."""

    released: threading.Event = field(default_factory=threading.Event)

    async def _upload(self, request: web.Request) -> web.Response:
        while not self.released.is_set():
            await asyncio.sleep(0.05)
        return await super()._upload(request)


def _until(found: Callable[[], bool], log: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while not found():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_whoever_stops_waiting_is_told_that_the_batch_goes_on(tmp_path, monkeypatch):
    def stopped(_seconds: float) -> None:
        raise KeyboardInterrupt

    file = samples(tmp_path, sample(1))
    monkeypatch.setattr(scoring_batches.time, "sleep", stopped)
    with BatchStub() as stub:
        run = score(tmp_path, file, "--batch", "--no-preflight", judge=stub)
    assert run.returncode == 130
    assert "stopped waiting; 1 batch(es) go on at the endpoint. The same command" in run.stderr
    assert "in batches\n" in run.stderr.splitlines(keepends=True)[0]


def test_an_endpoint_without_batches_is_an_error_and_costs_nothing(tmp_path):
    file = samples(tmp_path, sample(1))
    with JudgeStub() as judge:
        run = score(tmp_path, file, "--batch", "--no-preflight", "--json", judge=judge)
        assert judge.calls == 0
    assert run.returncode == 2
    assert "takes no batches" in json.loads(run.stdout)["error"]
    run = score(tmp_path, file, "--batch")
    assert (run.returncode, "leave out --batch" in run.stderr) == (2, True)


def test_a_jury_of_judges_yaml_judges_a_file(tmp_path):
    judges = (
        "judges:\n  two: {base_url_env: OWN_URL, models: [a, b]}\n"
        "  lone: {base_url_env: OWN_URL, models: [c]}\n"
        "juries:\n  all: {members: [two, lone], combine: majority}\n"
    )
    data_folder(tmp_path / "data", {}, {"judges.yaml": judges})
    file, out = samples(tmp_path, *(sample(n) for n in range(3))), tmp_path / "out.jsonl"
    with JudgeStub() as stub:
        run = score(tmp_path, file, "--judge", "all", "--no-preflight", "--out", out, "--json",
                    OWN_URL=stub.base_url)  # fmt: skip
        told = json.loads(run.stdout)
        assert {body["model"] for body in stub.requests} == {"a", "b", "c"}
        lone = json.loads(score(tmp_path, file, "--judge", "all", "--model", "b", "--json",
                                OWN_URL=stub.base_url).stdout)  # fmt: skip
    assert (run.returncode, told["outcomes"], told["calls"]) == (0, {"scored": 3}, 9)
    assert told["model"] == "majority of a, b, c"
    assert [(m["model"], m["calls"]) for m in told["members"]] == [("a", 3), ("b", 3), ("c", 3)]
    assert {row["reason"] for row in rows(out)} == {"a: 1; b: 1; c: 1; mean disagreement 0.00"}
    assert {row["spec"] for row in rows(out)} == {told["spec"]}
    assert (lone["calls"], lone["calls_saved"], lone["model"]) == (0, 3, "b")
