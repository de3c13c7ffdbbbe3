import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from llmops_pipelines.cli.ui import command, environment
from tests.cli.worlds import data_folder, invoke, settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_taken_port_is_told_with_one_that_is_free(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        run = invoke("--data", tmp_path, "ui", "--port", port)
    assert run.returncode == 2
    assert run.stderr.startswith(
        f"port {port} is taken, perhaps by another `llmops ui`: stop that one, or take another "
        f"port: llmops --data {tmp_path} ui --port "
    )
    assert run.stdout == ""


def test_the_ui_stays_on_this_machine():
    arguments = command(Path("/checkout/workspace.yaml"), 3000)
    assert arguments[1:6] == ["-W", "ignore", "-m", "dagster", "dev"]
    assert arguments[arguments.index("-h") + 1] == "127.0.0.1"
    assert arguments[arguments.index("-p") + 1] == "3000"


def test_places_are_given_whole_since_the_ui_runs_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nli").mkdir()
    given = environment(
        settings(
            Path("mine"),
            logs="exports",
            lake="s3://bucket/lake",
            invoices="bills",
            entailment_model="nli",
        )
    )
    assert given == {
        "DAGSTER_HOME": f"{tmp_path}/mine/.dagster",
        "LLMOPS_DATA": f"{tmp_path}/mine",
        "LLMOPS_LOGS": f"{tmp_path}/exports",
        "LLMOPS_INVOICES": f"{tmp_path}/bills",
        "LLMOPS_ENTAILMENT_MODEL": f"{tmp_path}/nli",
        "LLMOPS_LAKE": "s3://bucket/lake",
    }


GRAPH = (
    """{ repositoriesOrError { ... on RepositoryConnection { nodes { assetNodes { id } } } } }"""
)


def asked(port: int, query: str) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)["data"]


@pytest.mark.slow
def test_the_ui_shows_the_graph_without_telemetry_and_stops_when_told(tmp_path):
    data_folder(tmp_path / "mine", {}, shared=True)
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    # A path relative to where the command is given, as in `make ui`.
    ui = ["--data", "mine", "ui", "--port", str(port)]
    log = (tmp_path / "ui.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "llmops_pipelines.cli", *ui],
        stdout=log,
        stderr=log,
        env=kept,
        cwd=tmp_path,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, (tmp_path / "ui.log").read_text()
            try:
                found = asked(port, GRAPH)
                if found["repositoriesOrError"]["nodes"]:
                    break
            except OSError:
                pass
            time.sleep(0.5)
        (repository,) = found["repositoriesOrError"]["nodes"]
        assert len(repository["assetNodes"]) > 20
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
            assert '"telemetryEnabled": false' in page.read().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
        log.close()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
