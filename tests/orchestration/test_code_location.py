"""The code location in the tools people use: validate, list, and both development servers."""

import subprocess

import pytest

from llmops_pipelines.cli.folder import prepare
from llmops_pipelines.definitions import Settings
from tests.orchestration.servers import (
    PROJECT,
    asset_keys,
    environment,
    eventually,
    free_port,
    running,
    tool,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path):
    prepare(Settings(data=tmp_path / "data"))
    return tmp_path / "data"


def run(data, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [tool(command[0]), *command[1:]],
        cwd=PROJECT,
        env=environment(data),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_dagster_finds_the_definitions_valid(data):
    result = run(data, "dagster", "definitions", "validate", "-w", "workspace.yaml")
    assert result.returncode == 0, result.stderr
    assert "Validation successful for code location llmops" in result.stdout + result.stderr


def test_dg_lists_assets_checks_and_sensors(data):
    result = run(data, "dg", "list", "defs", "--json")
    assert result.returncode == 0, result.stderr
    for name in ("llm_calls", "calls_meet_expectations", "rollback_sensor", "nightly_job"):
        assert name in result.stdout


@pytest.mark.parametrize(
    "command",
    [("dagster", "dev", "-w", "workspace.yaml"), ("dg", "dev")],
    ids=["dagster dev", "dg dev"],
)
def test_a_development_server_shows_the_graph(data, tmp_path, command):
    port, log = free_port(), tmp_path / "server.log"
    started = [tool(command[0]), *command[1:], "--port", str(port)]
    with running(started, data, log):
        eventually(lambda: "nightly_report" in asset_keys(port), seconds=90, log=log)
