"""One process at a time, where two would do the same work or make the same files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def alone(file: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold ``file`` while the block runs; where another process holds it, wait for that one.

    The system lets go of it when a process ends, however it ends. Where files cannot be locked
    (some network disks, Windows) nobody waits.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        if not _lock(handle, wait=False):
            on_wait()
            _lock(handle, wait=True)
        yield


def _lock(handle: IO[str], *, wait: bool) -> bool:
    """Whether nobody else holds the file now; it is held until it is closed."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
