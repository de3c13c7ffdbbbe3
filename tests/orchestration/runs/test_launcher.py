"""Runs whose process is gone: told apart from those that go on, by sockets and processes."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from llmops_pipelines.orchestration.runs.launcher import (
    PROCESS_TAG,
    LocalRunLauncher,
    this_process,
)
from llmops_pipelines.orchestration.runs.nightly import open_instance
from tests.orchestration.processes import Process, command, environment


def status(**tags: str) -> WorkerStatus:
    run = dg.DagsterRun(job_name="nightly_job", status=dg.DagsterRunStatus.STARTED, tags=tags)
    launcher = LocalRunLauncher()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING  # one look is none
    return launcher.check_run_worker_health(run).status


def launched_on(path: Path) -> dict[str, str]:
    return {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(path)})}


def test_a_run_goes_on_while_its_code_server_listens(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert status(**launched_on(tmp_path / "s")) is WorkerStatus.RUNNING
    # What a process that was killed leaves, and what is left of it after the machine came back.
    assert status(**launched_on(tmp_path / "s")) is WorkerStatus.NOT_FOUND
    assert status(**launched_on(tmp_path / "t")) is WorkerStatus.NOT_FOUND


def test_a_run_of_a_command_goes_on_while_the_command_does():
    assert status(**this_process()) is WorkerStatus.RUNNING
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert status(**{PROCESS_TAG: f"{socket.gethostname()}:{ended.pid}"}) is WorkerStatus.NOT_FOUND


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {PROCESS_TAG: "elsewhere:1"},
        {GRPC_INFO_TAG: json.dumps({"host": "code", "port": 4000})},
    ],
)
def test_what_cannot_be_known_from_here_goes_on(tags):
    assert status(**tags) is WorkerStatus.RUNNING


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_run_that_was_killed_does_not_hold_up_the_daemon(tmp_path):
    home = tmp_path / "home"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with open_instance(home) as instance:
        run = instance.create_run_for_job(
            dg.GraphDefinition(name="nightly_job").to_job(),
            status=dg.DagsterRunStatus.STARTED,
            tags={**this_process(), PROCESS_TAG: f"{socket.gethostname()}:{ended.pid}"},
        )
        daemon = Process(
            [command("dagster-daemon"), "run", "--empty-workspace"],
            log=tmp_path / "daemon.log", env=environment(DAGSTER_HOME=str(home)),
        )  # fmt: skip

        def failed() -> bool:
            found = instance.get_run_by_id(run.run_id)
            return found is not None and found.status is dg.DagsterRunStatus.FAILURE

        with daemon:
            daemon.until(failed, 90)
        told = [str(event.message) for event in instance.all_logs(run.run_id)]
    assert any("is gone: it was killed, or the machine was switched off" in text for text in told)
