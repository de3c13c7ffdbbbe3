"""Dagster's launcher for one machine, which also knows when the process of a run is gone.

Dagster's own cannot tell: a run that was killed with its machine stays ``STARTED`` until it has
taken longer than any run may, and holds the only place for runs all that time.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG, MAX_RETRIES_TAG

PROCESS_TAG = "llmops/process"
"""Host and process id of a run that a command makes in its own process."""


class LocalRunLauncher(DefaultRunLauncher):
    """Asks whether the code server that a run was launched on, or its command, is still there.

    A code server that is there tells by itself of a worker that died. What cannot be known from
    this machine, such as a run in another container, is taken to be running.

    A run is gone when two looks in a row say so. The first look of a daemon comes in the moment in
    which it begins to watch for failed runs to retry, and it would lose one that fails just then.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._missed: set[str] = set()

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Have the daemon ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether ``run``, which is said to be under way, can be."""
        server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
        host, _, number = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if "socket" in server and not _listens(server["socket"]):
            gone = "the code server that it was launched on"
        elif host == socket.gethostname() and not _lives(int(number)):
            gone = f"process {number}, which made it,"
        else:
            self._missed.discard(run.run_id)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if run.run_id not in self._missed:
            self._missed.add(run.run_id)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.NOT_FOUND,
            f"{gone} is gone: it was killed, or the machine was switched off",
        )


def this_process() -> dict[str, str]:
    """Tags of runs that this process makes; the daemon, which cannot go on with them, does not."""
    return {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}", MAX_RETRIES_TAG: "0"}


def _listens(path: str) -> bool:
    """Whether a process listens at the Unix socket; one that is busy does."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _lives(process: int) -> bool:
    if sys.platform == "win32":  # where signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
