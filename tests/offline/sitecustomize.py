"""Loaded by every Python process that has this folder on its path: no way out of the machine.

Whatever is asked of the network apart from loopback is refused and written down in the file that
``OFFLINE_LOG`` names.
"""

import os
import sys
from pathlib import Path
from typing import Any

_ADDRESS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}
_HERE = ("127.", "localhost", "::1", "0.0.0.0")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _ADDRESS:
        return
    address = arguments[_ADDRESS[event]]
    if event in ("socket.connect", "socket.sendto"):
        if not isinstance(address, tuple):  # a socket of the file system
            return
        address = address[0]
    if address is None or str(address).startswith(_HERE):
        return
    with Path(os.environ["OFFLINE_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{event} {address} by {' '.join(sys.argv[:3])}\n")
    raise OSError(101, "the network is blocked")


if "OFFLINE_LOG" in os.environ:
    sys.addaudithook(_refuse)
