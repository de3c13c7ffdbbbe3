"""Services on loopback that speak Langfuse's and LangSmith's protocols, well or badly.

Paths, parameters and shapes of the answers are those of the services' own API definitions; nobody
can run the services here.
"""

import json
import threading
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import QuietHTTPServer

DAY = date(2026, 11, 10)
PAGED = (
    "/api/public/v2/observations",
    "/api/public/v3/scores",
    "/api/v1/runs/query",
    "/api/v1/feedback",
)
"""What troubles are met by."""


@dataclass
class Service(ABC):
    """Records, and what goes wrong: ``troubles`` are met by the next requests for pages, in turn.

    A trouble is a status, a pair of status and Retry-After, or ``torn``: half an answer. So many as
    ``repeats`` come again on the next page; ``late_end`` also gives records of the next midnight.
    """

    records: list[dict[str, Any]]
    troubles: list[Any] = field(default_factory=list)
    repeats: int = 0
    late_end: bool = False
    limits: list[int] = field(default_factory=list)
    cursors: list[str | None] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    tokens: int = 10
    cursor_gone: bool = False
    url: str = ""
    content_type: str = "application/json"
    scores: list[dict[str, Any]] = field(default_factory=list)

    time = "startTime"

    @abstractmethod
    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of the answer to one request."""

    def during(self, start: str, end: str) -> list[dict[str, Any]]:
        """Records of a window, oldest first, as the server tells time."""
        return sorted(
            (
                record
                for record in self.records
                if start <= record[self.time] < end or (self.late_end and record[self.time] == end)
            ),
            key=lambda record: (record[self.time], record["id"]),
        )

    def page(
        self, found: list[dict[str, Any]], limit: int, cursor: str | None
    ) -> tuple[int, list[dict[str, Any]], str | None]:
        """Status, records and next cursor."""
        self.limits.append(limit)
        self.cursors.append(cursor)
        if cursor is not None and self.cursor_gone:
            self.cursor_gone = False
            return 400, [], None
        first = int(cursor or 0)
        last = first + limit
        return (
            200,
            found[max(0, first - self.repeats) : last],
            str(last) * (last < len(found)) or None,
        )


class LangfuseService(Service):
    """``/api/public/v2/observations`` and ``/api/public/v2/metrics``; keys are pk and sk."""

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, Any]:
        if handler.headers["Authorization"] != "Basic " + b64encode(b"pk:sk").decode():
            return 401, {"message": "Invalid credentials"}
        url = urlsplit(handler.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/public/v2/metrics":
            query = json.loads(asked["query"])
            assert query["view"] == "observations"
            count = len(self.during(query["fromTimestamp"], query["toTimestamp"]))
            sums = {"count_count": str(count), "sum_totalTokens": self.tokens, "sum_totalCost": 0.5}
            return 200, {"data": [sums]}
        if url.path == "/api/public/v3/scores":
            return self.scores_page(asked)
        if url.path != "/api/public/v2/observations":
            return 404, {}
        found = self.during(asked["fromStartTime"], asked["toStartTime"])
        status, data, after = self.page(found, int(asked["limit"]), asked.get("cursor"))
        return status, {"data": data, "meta": {"cursor": after} if after else {}}

    def scores_page(self, asked: dict[str, str]) -> tuple[int, Any]:
        """Latest first; unknown groups of fields and too large pages are refused."""
        groups = set(asked["fields"].split(","))
        if int(asked["limit"]) > 100 or groups - {"details", "subject", "annotation"}:
            return 400, {"message": "Invalid request data"}
        found = sorted(
            (
                score
                for score in self.scores
                if asked["fromTimestamp"] <= score["timestamp"] < asked["toTimestamp"]
            ),
            key=lambda score: score["timestamp"],
            reverse=True,
        )
        status, data, after = self.page(found, int(asked["limit"]), asked.get("cursor"))
        meta = {"limit": int(asked["limit"])} | ({"cursor": after} if after else {})
        return status, {"data": data, "meta": meta}


class LangSmithService(Service):
    """``/api/v1/sessions``, ``/runs/query``, ``/runs/stats``, ``/feedback``; the key is ``sk``."""

    time = "start_time"

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> tuple[int, Any]:
        if handler.headers["x-api-key"] != "sk":
            return 403, {"detail": "Forbidden"}
        url = urlsplit(handler.path)
        if url.path == "/api/v1/sessions":
            name = parse_qs(url.query)["name"][0]
            return 200, [{"id": "project-1", "name": name}] if name == "shop" else []
        if url.path == "/api/v1/feedback":
            return self.feedback_page({n: v[0] for n, v in parse_qs(url.query).items()})
        assert body["session"] == ["project-1"]
        start, end = body["filter"].split('"')[1::2]
        assert body["filter"] == f'and(gte(start_time, "{start}"), lt(start_time, "{end}"))'
        assert body["start_time"] == start
        found = self.during(start, end)
        if url.path == "/api/v1/runs/stats":
            return 200, {"run_count": len(found), "total_tokens": self.tokens}
        if url.path != "/api/v1/runs/query":
            return 404, {}
        status, runs, after = self.page(found, body["limit"], body.get("cursor"))
        return status, {"runs": runs, "cursors": {"next": after}}

    def feedback_page(self, asked: dict[str, str]) -> tuple[int, Any]:
        """An array of what was said, latest first; both bounds belong to the time."""
        offset, limit = int(asked["offset"]), int(asked["limit"])
        if asked["session"] != "project-1" or limit > 100:
            return 422, {"detail": "Validation error"}
        found = [
            said
            for said in sorted(self.scores, key=lambda said: said["created_at"], reverse=True)
            if asked["min_created_at"] <= said["created_at"] <= asked["max_created_at"]
        ]
        self.limits.append(limit)
        self.cursors.append(asked["offset"])
        return 200, found[offset : offset + limit]


@contextmanager
def serving(service: Service, *, keeps: bool = False) -> Iterator[Service]:
    """``service`` on a port of its own, at ``service.url``; it ``keeps`` connections or not."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            service.seen.append(f"{self.command} {urlsplit(self.path).path}")
            pages = urlsplit(self.path).path in PAGED
            trouble = service.troubles.pop(0) if pages and service.troubles else None
            status, answer = service.answer(self, body)
            headers = {"Content-Type": service.content_type}
            if trouble not in (None, "torn"):
                status, answer = (trouble, {}) if isinstance(trouble, int) else (trouble[0], {})
            if isinstance(trouble, tuple):
                headers["Retry-After"] = trouble[1]
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if trouble == "torn" else content)
            self.close_connection = trouble == "torn"

        do_POST = do_GET  # noqa: N815 - http.server's name

    server = QuietHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def observation(number: int, at: str = "", **changes: Any) -> dict[str, Any]:
    """A generation of Langfuse, by default ``number`` minutes after nine."""
    start = at or f"{DAY}T{9 + number // 60:02d}:{number % 60:02d}:00.000Z"
    return {
        "id": f"o-{number:03d}",
        "traceId": f"t-{number}",
        "type": "GENERATION",
        "startTime": start,
        "providedModelName": "gpt-4.1-mini",
        "usageDetails": {"input": 8, "output": 2, "total": 10},
        **changes,
    }


def run(number: int, at: str = "", **changes: Any) -> dict[str, Any]:
    """A model run of LangSmith, by default ``number`` minutes after nine."""
    start = at or f"{DAY}T{9 + number // 60:02d}:{number % 60:02d}:00.000Z"
    return {
        "id": f"r-{number:03d}",
        "trace_id": f"t-{number}",
        "run_type": "llm",
        "start_time": start,
        "status": "success",
        **changes,
    }
