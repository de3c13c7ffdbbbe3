"""A data folder: what must be there before anything runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import typer

from llmops_pipelines.cli.problems import (
    UnusableError,
    of_file_system,
    readable_folder,
    writable_folder,
)
from llmops_pipelines.definitions import Settings
from llmops_pipelines.orchestration.runs.nightly import open_instance
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.orchestration.storage.locks import alone
from llmops_pipelines.reference import ReferenceFileError

_REMEDY = "choose another data folder with --data, or change who may write there"


def default_reference() -> Path:
    """The default files: in the wheel beside the package, in a checkout under data/."""
    packaged = Path(__file__).parents[1] / "default_reference"
    checkout = Path(__file__).parents[2] / "data" / "reference"
    return packaged if packaged.exists() else checkout


def prepare(settings: Settings) -> list[Path]:
    """Make the folders, the Dagster instance and the reference files that are missing.

    Raises:
        UnusableError: A folder cannot be made, written to or read.
    """
    written = prepare_files(settings)
    try:
        open_instance(settings.home).dispose()
    except OSError as error:
        raise of_file_system(error, remedy=_REMEDY) from error
    return written


def prepare_files(settings: Settings) -> list[Path]:
    """Make the folders and the reference files that are missing.

    Raises:
        UnusableError: A folder cannot be made, written to or read.
    """
    _folders(settings)
    try:
        return _reference_files(Path(settings.reference_root))
    except OSError as error:
        raise of_file_system(error, remedy=_REMEDY) from error


@contextmanager
def read_plainly() -> Iterator[None]:
    """While a folder is read: what is damaged in it is told in words.

    Raises:
        UnusableError: Instead of ``ReferenceFileError`` and ``LakeError``.
    """
    try:
        yield
    except ReferenceFileError as error:
        raise UnusableError(f"the reference files cannot be used:\n{error}") from error
    except LakeError as error:
        raise UnusableError(str(error)) from error


def alone_on(settings: Settings) -> AbstractContextManager[None]:
    """Hold the folder while it is written to; where another command does, say so and wait."""
    said = "another `llmops` is at work on this folder; waiting for its end"
    return alone(settings.home / "nightly.lock", lambda: typer.echo(said, err=True))


def _folders(settings: Settings) -> None:
    writable_folder(settings.home, remedy=_REMEDY)
    if "://" not in settings.lake_root:
        writable_folder(Path(settings.lake_root), remedy=_REMEDY)
    logs = Path(settings.log_root)
    if "://" not in settings.log_root:
        if not logs.exists():
            writable_folder(logs, remedy=_REMEDY)
        if not logs.is_dir():
            raise UnusableError(f"{logs} is no folder; give the folder that holds the log files")
        readable_folder(logs, remedy="change who may read it")


def _reference_files(target: Path) -> list[Path]:
    """Copy the default files that ``target`` lacks."""
    written = []
    for source in sorted(default_reference().rglob("*.yaml")):
        file = target / source.relative_to(default_reference())
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, file)
            written.append(file)
    return written
