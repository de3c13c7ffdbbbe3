"""Servers of other projects, in interpreters of their own: an environment variable names each."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.orchestration.processes import Process, environment

START_S = 240
"""They are big; on a slow machine one takes more than a minute to start."""


def interpreter(variable: str, module: str) -> str | None:
    """An interpreter that has ``module``: the one that ``variable`` names, or this one."""
    named = os.environ.get(variable)
    if named:
        return named if Path(named).exists() else None
    return sys.executable if find_spec(module) else None


@contextmanager
def running(arguments: list[str], url: str, folder: Path, **env: str) -> Iterator[str]:
    """A server that answers at ``url`` and below; its log lies in ``folder``."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wanted = environment(NO_PROXY="127.0.0.1", PYTHONPATH=None, **env)
    with Process(arguments, log=folder / "log", env=wanted, cwd=folder) as server:
        server.until(answers, START_S)
        yield url.rpartition("/")[0]


def send(python: str, script: str, *arguments: str) -> None:
    """Run a script beside this file that writes to a server."""
    subprocess.run(
        [python, str(Path(__file__).parent / script), *arguments],
        env=environment(NO_PROXY="127.0.0.1", PYTHONPATH=None),
        check=True,
        timeout=200,
    )
