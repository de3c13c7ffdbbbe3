"""Make ``litellm.jsonl`` and ``litellm_spend_logs.jsonl`` by driving the real LiteLLM on loopback.

Run with litellm 1.110.2 and openai 3.57.0 in an environment of their own. A small server answers as
OpenAI and Anthropic do; a logger writes down each StandardLoggingPayload and the SpendLogs row that
LiteLLM's proxy would store for it. Nothing but loopback is contacted.
"""

import asyncio
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_TELEMETRY"] = "False"

import litellm
import openai
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload

HERE = Path(__file__).parent
_BEGIN = 1794302102.0
_ROWS = ("chat", "stream_estimated", "limited", "claude", "responses", "cache_hit")
_MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is my order?"},
]
_CHAT = {
    "id": "chatcmpl-real-1",
    "object": "chat.completion",
    "created": 1794301502,
    "model": "gpt-4.1-mini-2025-04-14",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "On its way."},
        }
    ],
    "usage": {
        "prompt_tokens": 2048,
        "completion_tokens": 96,
        "total_tokens": 2144,
        "prompt_tokens_details": {"cached_tokens": 1024},
        "completion_tokens_details": {"reasoning_tokens": 64},
    },
}
_TOOL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "track", "arguments": '{"order": 7}'},
}
_CLAUDE = {
    "id": "msg_real_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "On its way."}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 100,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 600,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 50,
    },
}
_RESPONSE = {
    "id": "resp_real_1",
    "object": "response",
    "created_at": 1794301502,
    "status": "completed",
    "model": "gpt-4.1-mini-2025-04-14",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "On its way.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 40,
        "input_tokens_details": {"cached_tokens": 16},
        "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 52,
    },
}
_EMBEDDING = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}


class Provider(BaseHTTPRequestHandler):
    """Answers by path, and by the model where one path has several answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = body.get("model", "")
        if "limited" in model:
            error = {"message": "Slow down.", "type": "rate_limit_exceeded", "code": "rate_limit"}
            self._answer(429, {"error": error})
        elif "embeddings" in self.path:
            self._answer(200, _EMBEDDING)
        elif "responses" in self.path:
            self._answer(200, _RESPONSE)
        elif "messages" in self.path:
            self._answer(200, _CLAUDE)
        elif body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            self._stream(with_usage=usage)
        elif body.get("tools"):
            message = {"role": "assistant", "content": None, "tool_calls": [_TOOL]}
            choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
            self._answer(200, _CHAT | {"id": "chatcmpl-tool-1", "choices": [choice]})
        else:
            self._answer(200, _CHAT)

    def _answer(self, status: int, value: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _stream(self, *, with_usage: bool) -> None:
        base = {key: _CHAT[key] for key in ("created", "model")}
        base |= {"id": "chatcmpl-stream-1", "object": "chat.completion.chunk"}
        deltas = [{"role": "assistant", "content": "On "}, {"content": "its way."}]
        chunks = [base | {"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        chunks.append(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if with_usage:
            chunks.append(base | {"choices": [], "usage": _CHAT["usage"]})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send(200, "text/event-stream", ("".join(lines) + "data: [DONE]\n\n").encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Keeper(CustomLogger):
    """Keeps every payload and its SpendLogs row under the name of the case that is running."""

    def __init__(self) -> None:
        super().__init__()
        self.case = ""
        self.payloads: dict[str, Any] = {}
        self.rows: dict[str, Any] = {}

    def _keep(self, kwargs: Any, response: Any, start: datetime, end: datetime) -> None:
        self.payloads[self.case] = payload = kwargs.get("standard_logging_object")
        if isinstance(response, BaseException):  # as the proxy does before it stores a failure
            error = {"status": "failure", "error_information": payload["error_information"]}
            params = kwargs["litellm_params"]
            metadata = (params.get("metadata") or {}) | error
            kwargs = {key: part for key, part in kwargs.items() if part is not None}
            kwargs["litellm_params"] = params | {"metadata": metadata}
        self.rows[self.case] = dict(get_logging_payload(kwargs, response, start, end))

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self._keep(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        error = kwargs.get("exception")
        self._keep(kwargs, error if error is not None else response_obj, start_time, end_time)


async def drive(base: str) -> Keeper:
    """One call per case; each waits until its payload was logged."""
    keeper = Keeper()
    litellm.callbacks = [keeper]
    gpt = {"api_base": f"{base}/v1", "api_key": "none", "num_retries": 0}
    claude = {"api_base": base, "api_key": "none", "num_retries": 0}
    said = {
        "metadata": {
            "tags": ["feature:support_assistant", "env:production"],
            "spend_logs_metadata": {"prompt_version": "3"},
            "session_id": "s-7",
            "user_api_key_alias": "shop-backend",
            "user_api_key_team_alias": "customer-care",
        },
        "user": "u-42",
    }
    chat = {"model": "openai/gpt-4.1-mini", "messages": _MESSAGES}
    tools = [{"type": "function", "function": {"name": "track", "parameters": {}}}]
    cases = {
        "chat": lambda: litellm.acompletion(**chat, **gpt, **said),
        "tool": lambda: litellm.acompletion(**chat, **gpt, tools=tools),
        "stream_estimated": lambda: litellm.acompletion(**chat, **gpt, stream=True),
        "stream_usage": lambda: litellm.acompletion(
            **chat, **gpt, stream=True, stream_options={"include_usage": True}
        ),
        "limited": lambda: litellm.acompletion(
            model="openai/limited", messages=_MESSAGES, max_retries=0, **gpt
        ),
        "mock": lambda: litellm.acompletion(
            model="gpt-4.1-mini", messages=_MESSAGES, mock_response="On its way."
        ),
        "mock_failed": lambda: litellm.acompletion(
            model="gpt-4.1-mini",
            messages=_MESSAGES,
            mock_response=litellm.ContextWindowExceededError(
                "too long", model="gpt-4.1-mini", llm_provider="openai"
            ),
        ),
        "claude": lambda: litellm.acompletion(
            model="anthropic/claude-sonnet-4-5", messages=_MESSAGES, **claude
        ),
        "claude_messages": lambda: litellm.anthropic_messages(
            model="anthropic/claude-sonnet-4-5", messages=_MESSAGES[1:], max_tokens=64, **claude
        ),
        "responses": lambda: litellm.aresponses(
            model="openai/gpt-4.1-mini", input="Where is my order?", **gpt
        ),
        "embedding": lambda: litellm.aembedding(
            model="openai/text-embedding-3-small", input=["Where is my order?"], **gpt
        ),
    }
    for name, call in cases.items():
        await run(keeper, name, call)
    litellm.cache = litellm.Cache()
    for name in ("cache_miss", "cache_hit"):
        await run(keeper, name, lambda: litellm.acompletion(**chat, **gpt, caching=True))
    return keeper


async def run(keeper: Keeper, name: str, call: Any) -> None:
    keeper.case = name
    try:
        answer = await call()
        if hasattr(answer, "__aiter__"):
            async for _ in answer:
                pass
    except openai.APIError as error:
        sys.stderr.write(f"{name} fails with {type(error).__name__}, as it should\n")
    until = time.monotonic() + 10
    while name not in keeper.payloads and time.monotonic() < until:
        await asyncio.sleep(0.05)


def scrubbed(value: Any, base: str) -> Any:
    """``value`` as JSON that starts at ``_BEGIN``, without tracebacks, prices, headers and port."""
    read = json.loads(json.dumps(value, default=str).replace(base, "http://provider.test"))
    _shift(read)
    metadata = read.get("metadata")
    inner = json.loads(metadata) if isinstance(metadata, str) else metadata
    for part in (read, inner):
        part.pop("model_map_information", None)
        if isinstance(error := part.get("error_information"), dict):
            error["traceback"] = ""
    if "hidden_params" in read:
        read["hidden_params"]["additional_headers"] = None
    read["metadata"] = json.dumps(inner) if isinstance(metadata, str) else inner
    return read


def _shift(record: dict[str, Any]) -> None:
    """Move the three times of a record so that it starts at ``_BEGIN``; durations stay."""
    said = record["startTime"]
    start = said if isinstance(said, float) else datetime.fromisoformat(said).timestamp()
    for name in ("startTime", "endTime", "completionStartTime"):
        time = record[name]
        if isinstance(time, float):
            record[name] = time - start + _BEGIN
        else:
            moved = datetime.fromisoformat(time).timestamp() - start + _BEGIN
            record[name] = datetime.fromtimestamp(moved, UTC).isoformat(sep=" ")


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    keeper = asyncio.run(drive(base))
    for name, kept in (("litellm", keeper.payloads), ("litellm_spend_logs", keeper.rows)):
        lines = [
            json.dumps({"case": case, "record": scrubbed(record, base)})
            for case, record in kept.items()
            if kept is keeper.payloads or case in _ROWS
        ]
        (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    server.shutdown()


if __name__ == "__main__":
    main()
