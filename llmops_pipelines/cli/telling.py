"""Signs of life on stderr: a live bar on a terminal, plain lines elsewhere, quotes above both."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

Show = Callable[[str, int, int], None]
"""Told what is being done, and how many of how many of its parts are over."""

LOGGER = "llmops"
"""Loggers below this one speak to the person at the terminal."""

_PATIENCE_S = 5.0
"""Where lines cannot be overwritten, the same phase speaks again after this long."""


def say(text: str, *, warn: bool = False) -> None:
    """One line to the person at the terminal."""
    typer.secho(text, err=True, fg="yellow" if warn else None)


@contextmanager
def progress(console: Console, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Show]:
    """A function to tell progress to, for as long as the block runs."""
    with ExitStack() as stack:
        show = _live(stack, console) if console.is_terminal else _plain(console, clock)
        stack.enter_context(_heard(console))
        yield show


def _live(stack: ExitStack, console: Console) -> Show:
    bar = stack.enter_context(
        Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
    )
    task = bar.add_task("starting", total=None)

    def show(phase: str, done: int, total: int) -> None:
        bar.update(task, description=phase, completed=done, total=total)

    return show


def _plain(console: Console, clock: Callable[[], float]) -> Show:
    told = ("", 0.0)

    def show(phase: str, done: int, total: int) -> None:
        nonlocal told
        before, at = told
        now = clock()
        if phase != before or now - at > _PATIENCE_S:
            told = (phase, now)
            console.print(Text(f"{phase}  {done}/{total}"), soft_wrap=True)

    return show


@contextmanager
def _heard(console: Console) -> Iterator[None]:
    """Print what the pipeline says to people (quotes, warnings) above the bar."""
    logger, handler = logging.getLogger(LOGGER), _Printing(console)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Printing(logging.Handler):
    """Prints each record as one line; foreign text is never read as markup."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else ""
        self._console.print(Text(self.format(record), style=style), soft_wrap=True)
