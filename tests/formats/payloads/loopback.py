"""A server on loopback that answers like model providers and keeps what tools send to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1794301502,
    "model": "gpt-4.1-mini-2025-04-14",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "It ships on Monday.", "refusal": None},
        }
    ],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 0},
    },
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "It ships on Monday."}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 56,
        "output_tokens": 30,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
    },
}


def _chunks(*, usage: bool) -> Iterator[dict[str, Any]]:
    head = {key: COMPLETION[key] for key in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    for text in ("It ships ", "on Monday."):
        delta = {"role": "assistant", "content": text}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if usage:
        yield head | {"choices": [], "usage": COMPLETION["usage"]}


class _Handler(BaseHTTPRequestHandler):
    kept: list[dict[str, Any]]
    replies: dict[str, Any]

    def _body(self) -> Any:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            return json.loads(raw)
        except ValueError:
            return {}

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> None:
        body = self._body()
        if self.path.endswith("/chat/completions"):
            self._complete(body)
        elif self.path.endswith("/messages"):
            self._send(200, json.dumps(MESSAGE).encode())
        else:
            self.kept.append({"method": self.command, "path": self.path, "body": body})
            self._send(200, json.dumps(self.replies.get(self.path, {})).encode())

    do_POST = do_PATCH = do_PUT = do_GET = _answer  # noqa: N815

    def _complete(self, body: dict[str, Any]) -> None:
        if body.get("model") == "limited":
            error = {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}
            self._send(429, json.dumps({"error": error}).encode())
        elif body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(usage=usage)]
            self._send(200, "".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")
        else:
            self._send(200, json.dumps(COMPLETION).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def loopback(
    replies: dict[str, Any] | None = None,
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The server's address and the requests it kept, which grow while it runs.

    Args:
        replies: Answers by path, where a tool expects more than an empty object.
    """
    kept: list[dict[str, Any]] = []
    handler = type("Handler", (_Handler,), {"kept": kept, "replies": replies or {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
