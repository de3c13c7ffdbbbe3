"""What keeps a command from working, told in a sentence with its remedy instead of a traceback."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import ValidationError

UNUSABLE = 2
"""Exit code where nothing could be done: wrong arguments, settings, files or permissions."""


class UnusableError(Exception):
    """A command cannot do its work. The message names place and remedy."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Print an ``UnusableError`` to stderr and leave with ``UNUSABLE``."""
    try:
        yield
    except UnusableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from error


def writable_folder(folder: Path, *, remedy: str) -> Path:
    """Make ``folder`` if it is missing, and be sure that files can be written there.

    Raises:
        UnusableError: Naming the folder, what the system says, and ``remedy``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableError(_refusal("make the folder", folder, error, remedy)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnusableError(f"cannot write to {folder}: no permission; {remedy}")
    return folder


def readable_folder(folder: Path, *, remedy: str) -> None:
    """Be sure that ``folder`` can be listed.

    Raises:
        UnusableError: Naming the folder and ``remedy``.
    """
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UnusableError(f"cannot read {folder}: no permission; {remedy}")


def typed(*arguments: object) -> str:
    """``llmops`` with ``arguments`` as one types it, whatever spaces a folder's name holds."""
    return shlex.join(["llmops", *map(str, arguments)])


def of_file_system(error: OSError, *, remedy: str) -> UnusableError:
    """``error`` with the file it speaks of, and what to do."""
    return UnusableError(_refusal("use", error.filename or "a file", error, remedy))


def of_settings(error: ValidationError, variables: dict[str, str]) -> UnusableError:
    """Every setting that cannot be used, by its environment variable, never with its value."""
    faults = [
        f"{variables.get(str(fault['loc'][0]), fault['loc'][0]) if fault['loc'] else 'settings'}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_input=False)
    ]
    return UnusableError("the environment cannot be used:\n" + "\n".join(sorted(faults)))


def _refusal(deed: str, place: object, error: OSError, remedy: str) -> str:
    return f"cannot {deed} {place}: {(error.strerror or str(error)).lower()}; {remedy}"
