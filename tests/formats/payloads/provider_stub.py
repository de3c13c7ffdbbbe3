"""A provider on loopback that answers as OpenAI and Anthropic do, for the scripts beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1794301502,
    "model": "gpt-4.1-mini-2025-04-14",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Within 30 days.", "refusal": None},
        }
    ],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 0},
    },
}
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_order", "arguments": '{"order": 7}'},
}
EMBEDDING = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
LIMIT = {
    "error": {
        "message": "Rate limit reached.",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "Within 30 days."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 20,
        "output_tokens": 30,
        "cache_creation_input_tokens": 40,
        "cache_read_input_tokens": 60,
        "cache_creation": {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    },
}


def _chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    head = {key: CHAT[key] for key in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    for text in ("Within ", "30 days."):
        delta = {"role": "assistant", "content": text}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": CHAT["usage"]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request["model"] == "overloaded":
            self._reply(429, "application/json", json.dumps(LIMIT))
        elif self.path.endswith("/embeddings"):
            self._reply(200, "application/json", json.dumps(EMBEDDING))
        elif self.path.endswith("/messages"):
            self._reply(200, "application/json", json.dumps(MESSAGE))
        elif request.get("stream"):
            events = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(request)]
            self._reply(200, "text/event-stream", "".join([*events, "data: [DONE]\n\n"]))
        else:
            answer = json.loads(json.dumps(CHAT))
            if request.get("tools"):
                answer["choices"][0]["finish_reason"] = "tool_calls"
                answer["choices"][0]["message"] |= {"content": None, "tool_calls": [TOOL_CALL]}
            self._reply(200, "application/json", json.dumps(answer))

    def _reply(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def provider() -> Iterator[str]:
    """Run the provider; gives its address, without a path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
