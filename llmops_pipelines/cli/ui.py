"""``llmops ui``: the Dagster UI on a data folder."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

import typer

from llmops_pipelines.cli.folder import prepare
from llmops_pipelines.cli.problems import UnusableError, typed
from llmops_pipelines.definitions import Settings

CHECKOUT = Path(__file__).parents[2]


def serve(settings: Settings, port: int) -> NoReturn:
    """Become `dagster dev`, so that whoever stops this process stops Dagster's services too.

    Raises:
        UnusableError: The port is taken, there is no checkout, or the data folder cannot be used.
    """
    workspace = CHECKOUT / "workspace.yaml"
    if not workspace.exists():
        raise UnusableError(
            f"there is no {workspace}: the UI shows the graph in assets/, which only a checkout "
            "holds; clone the repository and run `make ui` there"
        )
    prepare(settings)
    if not _is_free(port):
        other = typed("--data", settings.data, "ui", "--port", _another(port))
        raise UnusableError(
            f"port {port} is taken, perhaps by another `llmops ui`: stop that one, or take "
            f"another port: {other}"
        )
    typer.echo(f"http://127.0.0.1:{port}  (history: {settings.home}; stop with Ctrl-C)")
    sys.stdout.flush()
    program = command(workspace, port)
    places = environment(settings)  # before the change of folder, which relative paths would follow
    os.chdir(settings.home)
    os.execve(program[0], program, os.environ | places)  # noqa: S606 - our own


def command(workspace: Path, port: int) -> list[str]:
    """What is run."""
    return [
        # Notes of libraries to their developers are not for people who run a pipeline.
        *(sys.executable, "-W", "ignore", "-m", "dagster", "dev"),
        *("-w", str(workspace), "-h", "127.0.0.1", "-p", str(port)),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """What is set for it: places without a relative path, since it runs in another folder."""
    places = {
        "LAKE": settings.lake,
        "LOGS": settings.logs,
        "REFERENCE": settings.reference,
        "INVOICES": settings.invoices,
    }
    if Path(settings.entailment_model).exists():  # else a name in the cache, no folder
        places["ENTAILMENT_MODEL"] = settings.entailment_model
    return {
        "DAGSTER_HOME": str(settings.home),
        "LLMOPS_DATA": str(settings.data.absolute()),
        **{
            f"LLMOPS_{name}": place if "://" in place else str(Path(place).absolute())
            for name, place in places.items()
            if place
        },
    }


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _another(port: int) -> int:
    return next((near for near in range(port + 1, min(port + 50, 65536)) if _is_free(near)), 8080)
