"""`llmops score --batch`: one file through the Batch API on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from llmops_pipelines.adapters import openai_batches, patience
from llmops_pipelines.orchestration import scoring_batches
from tests.batch_stub import MALFORMED, BatchStub, Fault, Misfortune
from tests.cli.test_scoring import lake, rows, sample, samples, score
from tests.cli.worlds import Said, data_folder
from tests.judge_stub import JudgeStub
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER

FLAGS = ("--batch", "--no-preflight", "--json")


@dataclass
class PromptStub(BatchStub):
    """A batch endpoint that is done with a batch when it is looked at for the first time."""

    fate: dict[str, Any] = field(default_factory=dict)

    async def _retrieve(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch and not batch.document["output_file_id"] and not batch.errors:
            self.finish(batch, **self.fate)
        return await super()._retrieve(request)


@pytest.fixture
def stub():
    with PromptStub() as stub:
        yield stub


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(scoring_batches, "FIRST_PAUSE_S", 0.001)


def run(root: Path, file: Path, stub: BatchStub, *options: object) -> tuple[Said, dict[str, Any]]:
    said = score(root, file, *FLAGS, *options, judge=stub)
    return said, json.loads(said.stdout)


def test_a_file_is_judged_in_a_batch_at_half_the_price_and_once(tmp_path, stub):
    out = tmp_path / "out.jsonl"
    file = samples(tmp_path, *(sample(n) for n in range(6)), b"{cut", sample(1), sample(8, response=""))
    stub.judge.truth = {"Refund 3 takes five days.": False}
    said, told = run(tmp_path, file, stub, "--out", out)
    assert said.returncode == 0
    assert told["outcomes"] == {"not_applicable": 1, "rejected": 1, "scored": 7}
    assert (told["calls"], told["calls_saved"], stub.requests) == (6, 0, 7)

    assert [(c["state"], c["calls"]) for c in told["canaries"]] == [("held", 1)]
    print(said.stderr, told)
    _, again = run(tmp_path, file, stub)
    assert (again["calls"], again["calls_saved"], again["cost_usd"]) == (0, 6, 0.0)
    assert len(stub.batches) == 1
    print(rows(out))
