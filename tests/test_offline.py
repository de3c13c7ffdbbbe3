"""Once installed, everything works without a network, and nothing so much as tries to use one."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from llmops_pipelines.definitions import SILENT
from tests.cli.worlds import call, data_folder, text
from tests.judge_stub import JudgeStub

ROOT = Path(__file__).parents[1]
GUARD = Path(__file__).parent / "offline"
DAY = "2026-06-02"

# A network of its own, without even loopback, where the system lets us have one.
UNSHARE = ["unshare", "-rn"]

pytestmark = pytest.mark.slow


def unshared() -> list[str]:
    try:
        subprocess.run([*UNSHARE, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return []
    return UNSHARE


class Guarded:
    """Runs Python without a way out; ``attempts`` are those that were made all the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "attempts"

    def run(
        self, *arguments: object, environment: Mapping[str, str] | None = None, alone: bool = False
    ) -> subprocess.CompletedProcess[str]:
        unwanted = ("LLMOPS_", "JUDGE_", "DAGSTER_", "RAGAS_", "GX_", "HF_", "DEEPEVAL_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        ours = {
            "PYTHONPATH": str(GUARD),
            "OFFLINE_LOG": str(self.log),
            "HOME": str(self.folder),
            "LLMOPS_NOW": f"{DAY[:-1]}3T02:00:00Z",
        }
        return subprocess.run(
            [*(unshared() if alone else []), sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=kept | ours | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    @property
    def attempts(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def guarded(tmp_path):
    return Guarded(tmp_path)


@pytest.mark.parametrize(
    "attempt",
    [
        "import urllib.request as u; u.urlopen('http://203.0.113.1/', timeout=1)",
        "import socket; socket.create_connection(('example.com', 80), timeout=1)",
        "import httpx; httpx.get('https://example.com', timeout=1)",
    ],
)
def test_the_guard_sees_and_stops_whoever_tries(attempt, guarded):
    assert guarded.run("-c", attempt).returncode == 1
    assert guarded.attempts


def test_from_sample_logs_to_report_without_a_network(guarded, tmp_path):
    data = tmp_path / "data"
    sample = ("--days", 1, "--end", DAY, "--calls-per-day", 60, "--out", data / "logs")
    written = guarded.run("-m", "llmops_pipelines.cli", "sample-logs", *sample, alone=True)
    assert written.returncode == 0, written.stderr
    night = guarded.run(
        *("-m", "llmops_pipelines.cli", "--data", data, "nightly", "--json"),
        environment={"LLMOPS_SAMPLE_PER_DAY": "12"},
        alone=True,
    )
    assert night.returncode == 0, night.stderr
    found = json.loads(night.stdout)
    assert found["failures"] == []
    assert sum(row["calls"] for row in found["days"]) > 50
    assert {"support", "relevance"} <= {row["metric"] for row in found["quality"]}
    assert Path(found["report"]).exists()
    assert guarded.attempts == []


def test_a_judged_night_asks_its_judge_and_nobody_else(guarded, tmp_path):
    calls = [call(number) for number in range(2)]
    data = data_folder(
        tmp_path / "data",
        {"a.jsonl": text(*calls)},
        {"features.yaml": "features:\n  chat: {judging: judge}\n"},
        shared=True,
    )
    with JudgeStub() as judge:
        night = guarded.run(
            *("-m", "llmops_pipelines.cli", "--data", data, "nightly", "--json"),
            environment={"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1-mini"},
        )
        assert judge.calls > 0
    assert night.returncode == 0, night.stderr
    metrics = {row["metric"] for row in json.loads(night.stdout)["quality"] if row["n"]}
    assert {"groundedness", "faithfulness", "answer_relevancy"} <= metrics
    assert guarded.attempts == []


def test_the_code_location_loads_without_a_network(guarded, tmp_path):
    (tmp_path / "home").mkdir()
    loaded = guarded.run(
        *("-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"),
        environment={"DAGSTER_HOME": str(tmp_path / "home"), "LLMOPS_DATA": str(tmp_path / "data")},
    )
    assert loaded.returncode == 0, loaded.stderr
    assert guarded.attempts == []


def test_whoever_loads_the_code_location_switches_telemetry_off(guarded):
    shown = guarded.run(
        "-c",
        "import json, os, llmops_pipelines.definitions; print(json.dumps(dict(os.environ)))",
    )
    environment = json.loads(shown.stdout)
    assert {name: environment.get(name) for name in SILENT} == SILENT


def test_what_somebody_set_on_purpose_stays(guarded):
    shown = guarded.run(
        "-c",
        "import os, llmops_pipelines.definitions; print(os.environ['HF_HUB_OFFLINE'])",
        environment={"HF_HUB_OFFLINE": "0"},
    )
    assert shown.stdout == "0\n"


def test_a_bare_development_server_has_an_instance_without_telemetry(tmp_path):
    bare = InstanceRef.from_dir(str(tmp_path), config_dir=str(ROOT))
    with DagsterInstance.from_ref(bare) as instance:
        assert not instance.telemetry_enabled
