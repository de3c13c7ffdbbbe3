"""A data folder: its reference files, and the Dagster UI on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import typer

from llmops_pipelines.definitions import Settings
from llmops_pipelines.orchestration.nightly import open_instance

CHECKOUT = Path(__file__).parents[2]


def default_reference() -> Path:
    """The default files: in the wheel beside the package, in a checkout under data/."""
    packaged = Path(__file__).parents[1] / "default_reference"
    return packaged if packaged.exists() else CHECKOUT / "data" / "reference"


def prepare(settings: Settings) -> list[Path]:
    """Make the folders, the Dagster instance and the reference files that are missing."""
    target, written = Path(settings.reference_root), []
    for source in sorted(default_reference().rglob("*.yaml")):
        file = target / source.relative_to(default_reference())
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, file)
            written.append(file)
    if "://" not in settings.log_root:
        Path(settings.log_root).mkdir(parents=True, exist_ok=True)
    open_instance(settings.home).dispose()
    return written


def serve(settings: Settings, port: int) -> int:
    """Run `dagster dev` until it is stopped; return its exit code."""
    prepare(settings)
    typer.echo(f"http://127.0.0.1:{port}  (history: {settings.home})")
    environment = os.environ | {
        "DAGSTER_HOME": str(settings.home),
        "LLMOPS_DATA": str(settings.data.absolute()),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-p", str(port)]
    return subprocess.call(command, cwd=CHECKOUT, env=environment)  # noqa: S603 - our own command
