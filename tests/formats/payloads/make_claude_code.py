"""Writes claude_code.jsonl: a session of Claude Code against a stub of the Messages API.

Run with ``claude`` (npm @anthropic-ai/claude-code 2.1.197) on the path:
``python make_claude_code.py``. The session asks with two tools in one answer, goes on, is refused,
and is forked: the transcript of the fork, which holds the lines of the first again, is written
after that of the first. Attachments, which list the tools of the program, are left out.
"""

import json
import os
import subprocess
import tempfile
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

USAGE = {
    "input_tokens": 4,
    "cache_creation_input_tokens": 1000,
    "cache_read_input_tokens": 5000,
    "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
    "output_tokens": 2,
    "service_tier": "standard",
}
TOOLS = [
    {
        "type": "tool_use",
        "id": f"toolu_{word}",
        "name": "Bash",
        "input": {"command": f"echo {word}"},
    }
    for word in ("one", "two")
]
REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "message": "Not like this."}}
NUMBERS = count(1)


def events(number, model, blocks, reason):
    """The stream of one message."""
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model}
    open_ = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": USAGE}
    yield {"type": "message_start", "message": head | open_}
    for index, block in enumerate(blocks):
        delta = {"type": "text_delta", "text": block.get("text")}
        empty = {"text": ""}
        if block["type"] == "tool_use":
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            empty = {"input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": block | empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 200}}
    yield {"type": "message_stop"}


class Handler(BaseHTTPRequestHandler):
    """Answers with tools first, then with text, and refuses what says REFUSE."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        if not self.path.split("?")[0].endswith("/messages"):
            self.reply(200, "application/json", "{}")
            return
        said = json.dumps(request["messages"])
        if "REFUSE" in said:
            self.reply(400, "application/json", json.dumps(REFUSED))
            return
        with_tools = "TOOLS" in said and "tool_result" not in said
        blocks = [{"type": "text", "text": "I look."}, *(TOOLS if with_tools else ())]
        reason = "tool_use" if with_tools else "end_turn"
        stream = events(next(NUMBERS), request["model"], blocks, reason)
        text = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in stream)
        self.reply(200, "text/event-stream", text)

    def reply(self, status, kind, text):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.send_header("request-id", f"req_{next(NUMBERS)}")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Keep quiet."""


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        work = Path(home, "shop")
        work.mkdir()
        told = {
            "HOME": home,
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",
        }

        def claude(*words):
            command = ["claude", "-p", "--model", "claude-sonnet-4-5", *words]
            subprocess.run(
                command, check=False, cwd=work, env=os.environ | told, stdout=subprocess.DEVNULL
            )

        claude("TOOLS, please", "--allowedTools", "Bash")
        claude("--continue", "Thanks")
        claude("--continue", "--fork-session", "REFUSE")
        files = sorted(
            Path(home).glob(".claude/projects/*/*.jsonl"), key=lambda file: file.stat().st_mtime
        )
        kept = [
            line.replace(str(work), "/shop").replace(str(datetime.now(UTC).date()), "2026-11-10")
            for file in files
            for line in file.read_text().splitlines()
            if json.loads(line)["type"] != "attachment"
        ]
    Path(__file__).with_name("claude_code.jsonl").write_text("\n".join(kept) + "\n")


main()
