"""Batch APIs on loopback, as documented, with a judge behind them; they misbehave on request.

Batches do not move by themselves: a test says when one is done (`finish`), with which fate. Replies
are those of `tests.judge_stub.JudgeStub`.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.judge_stub import MALFORMED, Fault, JudgeStub
from tests.loopback import LoopbackServer

Line = dict[str, Any]


@dataclass
class Misfortune:
    """What goes wrong with the next request to a path: ``upload``, ``create``, ``content``, ..."""

    status: int | None = None
    drop_before: bool = False
    """The connection breaks, and nothing is done."""
    drop_after: bool = False
    """It is done, and the answer is lost."""
    hang: bool = False
    retry_after: str = "0"


@dataclass
class Batch:
    """One batch as the endpoint keeps it."""

    id: str
    document: dict[str, Any]
    lines: list[Line]
    output: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class BatchStub(LoopbackServer):
    """The endpoint; ``misfortunes`` maps what is asked to what goes wrong with it, in order."""

    judge: JudgeStub = field(default_factory=JudgeStub)
    misfortunes: dict[str, list[Misfortune]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    batches: dict[str, Batch] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def only(self) -> Batch:
        """The one batch that was made."""
        (batch,) = self.batches.values()
        return batch

    @property
    def requests(self) -> int:
        """Requests in all batches that were made."""
        return sum(len(batch.lines) for batch in self.batches.values())

    def goes_wrong(self, what: str, *misfortunes: Misfortune) -> None:
        """Let the next requests to ``what`` go wrong."""
        self.misfortunes.setdefault(what, []).extend(misfortunes)

    def finish(
        self,
        batch: Batch | None = None,
        *,
        state: str = "completed",
        done: int | None = None,
        fault: Callable[[int], Fault | None] = lambda _: None,
        shuffled: int | None = None,
        edit: Callable[[list[str]], list[str]] = lambda lines: lines,
    ) -> Batch:
        """Judge a batch's first ``done`` requests and close it.

        What is not done when it expires stands in the error file; what is not done when it is
        cancelled stands nowhere. ``edit`` has the last word on the lines of the output file, the
        counts of the batch stay what they were.
        """
        batch = batch or self.only
        asked = batch.lines[:done]
        for number, line in enumerate(asked):
            planned = fault(number) or Fault()
            if planned.status is None:
                body = self.judge._completion(line["body"], planned)
                batch.output.append(_result(number, line, 200, body))
            else:
                error = {"error": {"code": None, "message": planned.message, "type": "injected"}}
                batch.errors.append(_result(number, line, planned.status, error))
        completed, failed = len(batch.output), len(batch.errors)
        for number, line in enumerate(batch.lines[len(asked) :], len(asked)):
            if state == "expired":
                batch.errors.append(_expired(number, line))
        if shuffled is not None:
            random.Random(shuffled).shuffle(batch.output)
        batch.output = edit(batch.output)
        now = int(time.time())
        batch.document |= {
            "status": state,
            f"{state}_at": now,
            "request_counts": {
                "total": len(batch.lines),
                "completed": completed,
                "failed": failed,
            },
        }
        for kind, lines in (("output", batch.output), ("error", batch.errors)):
            if lines:
                self.files[f"file-{kind}-{batch.id}"] = "".join(lines).encode()
                batch.document[f"{kind}_file_id"] = f"file-{kind}-{batch.id}"
        return batch

    def _routes(self) -> list[tuple[str, str, Any, str]]:
        return [
            ("POST", "/v1/files", self._upload, "upload"),
            ("GET", "/v1/files/{id}/content", self._content, "content"),
            ("DELETE", "/v1/files/{id}", self._delete, "delete"),
            ("POST", "/v1/batches", self._create, "create"),
            ("GET", "/v1/batches", self._list, "list"),
            ("GET", "/v1/batches/{id}", self._retrieve, "retrieve"),
            ("POST", "/v1/batches/{id}/cancel", self._cancel, "cancel"),
            ("POST", "/v1/chat/completions", self._complete, "complete"),
        ]

    def application(self) -> web.Application:
        """The batch API, misbehaving as planned."""
        app = web.Application(client_max_size=256 * 1024**2, middlewares=[self._misbehave])
        for method, path, handler, name in self._routes():
            app.router.add_route(method, path, handler, name=name)
        return app

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        name = request.match_info.route.name or "unknown"
        self.asked.append(name)
        self.headers.append(dict(request.headers))
        planned = self.misfortunes.get(name)
        wrong = planned.pop(0) if planned else Misfortune()
        if wrong.hang:
            await asyncio.sleep(3600)
        if wrong.drop_before or wrong.drop_after:
            if wrong.drop_after:
                await handler(request)
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if wrong.status is not None:
            await request.read()
            return web.json_response(
                {"error": {"message": "injected", "type": "injected", "code": None}},
                status=wrong.status,
                headers={"Retry-After": wrong.retry_after},
            )
        response: web.StreamResponse = await handler(request)
        return response

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        part: Any = form["file"]
        name = f"file-{len(self.files) + 1}"
        self.files[name] = part.file.read()
        return web.json_response(
            {
                "id": name, "object": "file", "bytes": len(self.files[name]), "purpose": "batch",
                "created_at": int(time.time()), "filename": part.filename, "status": "processed",
            }
        )  # fmt: skip

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.files:
            return _no_such(name)
        return web.Response(body=self.files[name], content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.files.pop(name, None) is None:
            return _no_such(name)
        self.deleted.append(name)
        return web.json_response({"id": name, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = f"batch_{len(self.batches) + 1}"
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        ids = [line["custom_id"] for line in lines]
        assert len(set(ids)) == len(ids), "a custom_id stands in the file twice"
        assert all(line["url"] == body["endpoint"] for line in lines)
        now = int(time.time())
        self.batches[name] = Batch(
            name,
            {
                "id": name, "object": "batch", "endpoint": body["endpoint"], "errors": None,
                "input_file_id": body["input_file_id"], "completion_window": "24h",
                "status": "validating", "output_file_id": None, "error_file_id": None,
                "created_at": now, "expires_at": now + 86_400,
                "metadata": body.get("metadata"),
                "request_counts": {"total": 0, "completed": 0, "failed": 0},
            },
            lines,
        )  # fmt: skip
        return web.json_response(self.batches[name].document)

    async def _list(self, request: web.Request) -> web.Response:
        newest = [batch.document for batch in reversed(self.batches.values())]
        limit, after = int(request.query.get("limit", 20)), request.query.get("after")
        start = next((n + 1 for n, b in enumerate(newest) if b["id"] == after), 0)
        page = newest[start : start + limit]
        return web.json_response(
            {
                "object": "list", "data": page, "has_more": start + limit < len(newest),
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )  # fmt: skip

    async def _retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.batches:
            return _no_such(name)
        return web.json_response(self.batches[name].document)

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        batch.document["status"] = "cancelling"
        return web.json_response(batch.document)

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.judge.requests.append(body)
        return web.json_response(self.judge._completion(body, Fault()))


@dataclass
class PromptStub(BatchStub):
    """A batch endpoint that is done with a batch when it is looked at for the first time.

    ``fates`` are those of the batches in order; what is None stays as it is.
    """

    fates: list[dict[str, Any] | None] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    async def _retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        fate = self.fates.pop(0) if self.fates else {}
        if name in self.batches and name not in self.done and fate is not None:
            self.done.add(name)
            self.finish(self.batches[name], **fate)
        return await super()._retrieve(request)


class MessageBatchStub(BatchStub):
    """Anthropic's Message Batches on loopback, as documented."""

    def finish(
        self,
        batch: Batch | None = None,
        *,
        state: str = "completed",
        done: int | None = None,
        fault: Callable[[int], Fault | None] = lambda _: None,
        shuffled: int | None = None,
        edit: Callable[[list[str]], list[str]] = lambda lines: lines,
    ) -> Batch:
        """As of OpenAI's; what is left undone is ``expired`` or ``canceled``."""
        batch = batch or self.only
        asked = batch.lines[:done]
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for number, line in enumerate(batch.lines):
            planned = fault(number) or Fault()
            kind = "succeeded" if planned.status is None else "errored"
            result: dict[str, Any] = {"type": kind}
            if number >= len(asked):
                kind = {"cancelled": "canceled"}.get(state, state)
                result = {"type": kind}
            elif planned.status is None:
                result["message"] = self._message(line["params"], planned)
            else:
                error = {"type": "api_error", "message": planned.message}
                result["error"] = {"type": "error", "error": error, "request_id": f"req-{number}"}
            counts[kind] += 1
            batch.output.append(
                json.dumps({"custom_id": line["custom_id"], "result": result}) + "\n"
            )
        if shuffled is not None:
            random.Random(shuffled).shuffle(batch.output)
        batch.output = edit(batch.output)
        batch.document |= {
            "processing_status": "ended",
            "ended_at": _zulu(time.time()),
            "request_counts": counts,
            "results_url": f"{self.base_url}/messages/batches/{batch.id}/results",
        }
        return batch

    def _message(self, params: dict[str, Any], planned: Fault) -> dict[str, Any]:
        (tool,) = params["tools"]
        assert params["tool_choice"] == {"type": "tool", "name": tool["name"]}
        said: list[dict[str, Any]]
        if planned.text is not None:
            said = [{"type": "text", "text": planned.text}]
        else:
            verdict = self.judge.answer(params)
            said = [{"type": "tool_use", "id": "t", "name": tool["name"], "input": verdict}]
        stopped = "max_tokens" if planned.truncated else "tool_use"
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": params["model"],
            "content": [] if planned.refuse else said,
            "stop_reason": "refusal" if planned.refuse else stopped,
            "usage": {
                "input_tokens": sum(len(m["content"]) for m in params["messages"]) // 4,
                "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                "output_tokens": 40,
            },
        }  # fmt: skip

    def _routes(self) -> list[tuple[str, str, Any, str]]:
        root = "/v1/messages/batches"
        return [
            ("POST", root, self._create, "create"),
            ("GET", root, self._list, "list"),
            ("GET", root + "/{id}", self._retrieve, "retrieve"),
            ("GET", root + "/{id}/results", self._results, "content"),
            ("POST", root + "/{id}/cancel", self._cancel, "cancel"),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        assert request.headers["anthropic-version"] == "2023-06-01"
        lines = (await request.json())["requests"]
        name = f"msgbatch_{len(self.batches) + 1}"
        counts = dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
        document = {
            "id": name, "type": "message_batch", "processing_status": "in_progress",
            "request_counts": {"processing": len(lines), **counts},
            "created_at": _zulu(time.time()), "ended_at": None, "results_url": None,
            "expires_at": _zulu(time.time() + 86_400), "cancel_initiated_at": None,
        }  # fmt: skip
        self.batches[name] = Batch(name, document, lines)
        return web.json_response(document)

    async def _list(self, request: web.Request) -> web.Response:
        newest = [batch.document for batch in reversed(self.batches.values())]
        limit, after = int(request.query.get("limit", 20)), request.query.get("after_id")
        start = next((n + 1 for n, b in enumerate(newest) if b["id"] == after), 0)
        page = newest[start : start + limit]
        last = page[-1]["id"] if page else None
        return web.json_response(
            {"data": page, "has_more": start + limit < len(newest), "last_id": last}
        )

    async def _results(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        assert batch.document["processing_status"] == "ended"
        return web.Response(body="".join(batch.output).encode())

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        batch.document["processing_status"] = "canceling"
        return web.json_response(batch.document)


def _zulu(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _no_such(name: str) -> web.Response:
    error = {"message": f"No such object: {name}", "type": "invalid_request_error", "code": None}
    return web.json_response({"error": error}, status=404)


def _result(number: int, line: Line, status: int, body: Any) -> str:
    response = {"status_code": status, "request_id": f"req-{number}", "body": body}
    document = {
        "id": f"batch_req_{number}", "custom_id": line["custom_id"], "response": response,
        "error": None,
    }  # fmt: skip
    return json.dumps(document) + "\n"


def _expired(number: int, line: Line) -> str:
    error = {
        "code": "batch_expired",
        "message": "This request could not be executed before the completion window expired.",
    }
    document = {
        "id": f"batch_req_{number}", "custom_id": line["custom_id"], "response": None,
        "error": error,
    }  # fmt: skip
    return json.dumps(document) + "\n"


__all__ = [
    "MALFORMED",
    "Batch",
    "BatchStub",
    "Fault",
    "MessageBatchStub",
    "Misfortune",
    "PromptStub",
]
