"""The code location in the tools people use: validate, check, list, `dg dev`.

`dagster dev`, on an instance and from another folder, is what `llmops ui` becomes: see cli/test_ui.
"""

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.orchestration.processes import CHECKOUT, Process, command, environment, free_port

pytestmark = pytest.mark.slow


def run(*arguments: str, cwd: Path = CHECKOUT, **env: str | None) -> str:
    """What a command prints, once it ended well."""
    result = subprocess.run(
        [command(arguments[0]), *arguments[1:]],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def asset_keys(port: int) -> list[str]:
    """Assets that a webserver on ``port`` shows; none while it does not answer."""
    query = json.dumps({"query": "{ assetNodes { assetKey { path } } }"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", query, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            nodes = json.load(answer)["data"]["assetNodes"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return ["/".join(node["assetKey"]["path"]) for node in nodes]


def test_dagster_finds_the_definitions_valid_from_any_folder_and_without_an_instance(tmp_path):
    workspace = str(CHECKOUT / "workspace.yaml")
    told = run(
        "dagster", "definitions", "validate", "-w", workspace,
        cwd=tmp_path, DAGSTER_HOME=None, LLMOPS_DATA=str(tmp_path),
    )  # fmt: skip
    assert "Validation successful for code location llmops" in told


def test_dg_finds_the_definitions_valid(tmp_path):
    told = run("dg", "check", "defs", DAGSTER_HOME=None, LLMOPS_DATA=str(tmp_path))
    assert "All definitions loaded successfully" in told


def test_dg_lists_assets_checks_jobs_and_sensors(tmp_path):
    told = run("dg", "list", "defs", "--json", LLMOPS_DATA=str(tmp_path))
    for name in ("llm_calls", "calls_meet_expectations", "rollback_sensor", "nightly_job"):
        assert f'"{name}"' in told


def test_dg_dev_shows_the_graph_without_an_instance(tmp_path):
    port = free_port()
    arguments = [command("dg"), "dev", "--port", str(port)]
    env = environment(DAGSTER_HOME=None, LLMOPS_DATA=str(tmp_path / "data"))
    with Process(arguments, log=tmp_path / "log", env=env) as server:
        server.until(lambda: "nightly_report" in asset_keys(port), 90)
    assert asset_keys(port) == []
