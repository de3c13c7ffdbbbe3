"""What ``llmops score`` shows while it works."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence

from rich.console import Console

from llmops_pipelines.adapters.endpoints import batch_collecting
from llmops_pipelines.cli import telling

_QUIET_S = 2.0
"""Whoever waits no longer than this sees no progress."""

_ID_CHARS = 12

_LOGGER = logging.getLogger(f"{telling.LOGGER}.batches")


class Progress(contextlib.ExitStack):
    """Shows how many contents are done, once that takes a while, and how batches stand."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self._total = 0
        self._label = metric
        self._started = time.monotonic()
        self._show: telling.Show | None = None
        self._batches: dict[str, str] = {}
        self._open = 0

    def begin(self, total: int, label: str) -> None:
        """``total`` contents are about to be judged."""
        self._total, self._label = total, label

    def done(self, count: int) -> None:
        """``count`` contents are done."""
        if self._show is None:
            if time.monotonic() - self._started < _QUIET_S:
                return
            self._show = self.enter_context(telling.progress(Console(stderr=True)))
        self._show(self._label, count, max(count, self._total))

    def wait(self, standing: Sequence[batch_collecting.Progress]) -> None:
        """This is how the batches stand; what has changed is told."""
        if not self._batches and standing:
            telling.say(
                "waiting for what the batches bring. Ctrl-C leaves them running: the same command "
                "collects them later"
            )
        for one in standing:
            told = f"batch {one.batch[:_ID_CHARS]}: {one.state}"
            if one.faulty or one.over:
                told += f"; {one.told}"
            if self._batches.get(one.batch) != told:
                self._batches[one.batch] = told
                self._tell(told, warn=one.faulty)
        self._open = sum(not one.over for one in standing)
        self._label = "batches"
        self._total = sum(one.total for one in standing)
        self.done(sum(one.done for one in standing))

    def _tell(self, told: str, *, warn: bool) -> None:
        """Above the bar where there is one."""
        if self._show is None:
            telling.say(told, warn=warn)
        else:
            _LOGGER.log(logging.WARNING if warn else logging.INFO, told)

    @property
    def left_behind(self) -> str:
        """What somebody has to know who stops here; empty where nothing goes on."""
        if not self._open:
            return ""
        return (
            f"stopped waiting; {self._open} batch(es) go on at the endpoint. The same command "
            "collects what they bring and pays for nothing twice; `llmops batches` lists them, "
            "`llmops batches cancel ID` ends one"
        )
