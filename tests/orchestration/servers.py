"""Real Dagster processes on loopback, started and ended by the test that needs them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def environment(data: Path) -> dict[str, str]:
    """What a user exports: the data folder and its instance."""
    return os.environ | {
        "LLMOPS_DATA": str(data),
        "DAGSTER_HOME": str(data / ".dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def tool(name: str) -> str:
    """A command of the environment that runs the tests."""
    return str(Path(sys.executable).parent / name)


@contextlib.contextmanager
def running(command: list[str], data: Path, log: Path) -> Iterator[subprocess.Popen]:
    """Run ``command`` in a process group of its own, and end the whole group afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment(data),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(condition: Callable[[], bool], *, seconds: float, log: Path) -> None:
    """Wait until ``condition`` holds.

    Raises:
        AssertionError: It did not in time; with the end of the log.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(1)
    raise AssertionError(f"not within {seconds:.0f} s:\n{log.read_text(errors='replace')[-4000:]}")


def asset_keys(port: int) -> list[str]:
    """Assets that a webserver on ``port`` shows; none while it does not answer."""
    query = json.dumps({"query": "{ assetNodes { assetKey { path } } }"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", query, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            nodes = json.load(answer)["data"]["assetNodes"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return ["/".join(node["assetKey"]["path"]) for node in nodes]
