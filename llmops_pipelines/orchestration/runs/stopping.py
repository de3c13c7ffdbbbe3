"""Whether somebody asked this process to stop while something else was handling the signals."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

ASKING = frozenset({signal.SIGINT, signal.SIGTERM})


class StopRequests:
    """What arrived so far on the pipe that the interpreter writes every caught signal to."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def any(self) -> bool:
        """Whether SIGINT or SIGTERM arrived since the last time this was asked."""
        if self._pipe is None:
            return False
        try:
            return not ASKING.isdisjoint(os.read(self._pipe, 4096))
        except BlockingIOError:
            return False


@contextlib.contextmanager
def listening_for_stops() -> Iterator[StopRequests]:
    """Hear every SIGINT and SIGTERM, also those whose handler or exception comes to nothing.

    Dagster keeps signals back while it writes events and forgets those that came last, and an
    exception that a signal raises inside a destructor is only printed. The interpreter's wakeup
    file descriptor sees them all. Outside the main thread, where no signal arrives, nothing is
    heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield StopRequests(None)
        return
    heard, written = os.pipe()
    os.set_blocking(heard, False)
    os.set_blocking(written, False)
    before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    try:
        yield StopRequests(heard)
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(written)
