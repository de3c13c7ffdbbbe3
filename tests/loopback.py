"""An aiohttp application on loopback, in a thread of its own: what the stub endpoints share."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer
from typing import Self

from aiohttp import web

_MOST_WAITING = 512


class LoopbackServer(ABC):
    """Serves `application` while it is entered; ``port`` 0 takes a free one."""

    port: int

    @abstractmethod
    def application(self) -> web.Application:
        """What is served."""

    def __enter__(self) -> Self:
        """Start serving on loopback."""
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, cutting off what still hangs."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def base_url(self) -> str:
        """What goes into JUDGE_BASE_URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port, backlog=_MOST_WAITING)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


class QuietHTTPServer(ThreadingHTTPServer):
    """One that says nothing of a client that went away: the next test's stderr would hold it."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
