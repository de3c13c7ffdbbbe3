"""A webhook on loopback that answers as told and keeps what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from tests.loopback import QuietHTTPServer


class Hook:
    """Answers with ``status``; ``received`` holds the messages, oldest first."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def keys(self) -> list[str]:
        return [message["key"] for message in self.received]

    def __enter__(self) -> Self:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append(json.loads(content))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
