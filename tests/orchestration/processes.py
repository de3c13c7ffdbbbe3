"""Dagster's own commands as child processes: started in a session of their own, gone afterwards."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

CHECKOUT = Path(__file__).parents[2]

QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "RAGAS_DO_NOT_TRACK": "true",
    "PYTHONWARNINGS": "ignore",
}


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a fresh shell: no settings of ours but ``changes``; None drops one."""
    ours = ("LLMOPS_", "JUDGE_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    wanted = {**kept, **QUIET, **changes}
    return {name: value for name, value in wanted.items() if value is not None}


def command(name: str) -> str:
    """The command of that name beside this interpreter."""
    return str(Path(sys.executable).parent / name)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A command that runs until the test is over; ``log`` is where it writes."""

    def __init__(
        self, arguments: list[str], *, log: Path, env: dict[str, str], cwd: Path = CHECKOUT
    ) -> None:
        self.arguments, self.log, self.env, self.cwd = arguments, log, env, cwd

    def __enter__(self) -> Self:
        with self.log.open("wb") as out:
            self._child = subprocess.Popen(
                self.arguments,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        session = self._child.pid
        self._signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(15)
        for _ in range(50):
            if not members(session):
                break
            self._signal(signal.SIGKILL)
            time.sleep(0.1)
        self._child.wait(5)
        assert members(session) == [], f"left over: {members(session)}"

    def until(self, found: Callable[[], bool], seconds: float) -> None:
        """Wait until ``found``; fail with the end of the log when it takes longer."""
        end = time.monotonic() + seconds
        while not found():
            told = self.log.read_text(errors="replace")[-3000:]
            assert self._child.poll() is None, f"it ended by itself:\n{told}"
            assert time.monotonic() < end, f"nothing within {seconds:.0f} s:\n{told}"
            time.sleep(0.5)

    def _signal(self, number: signal.Signals) -> None:
        """Tell every process of the child's session, whatever group it put itself in."""
        for member in members(self._child.pid):
            try:
                os.kill(member, number)
            except ProcessLookupError:
                continue


def members(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(of) == session and state != "Z":
                found.append(int(entry.name))
    return found
