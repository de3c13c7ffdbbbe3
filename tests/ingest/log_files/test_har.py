"""HTTP archives: requests to models among everything else that a browser or proxy recorded."""

import base64
import json
from typing import Any

import pytest

from llmops_pipelines.ingest import llm_calls
from llmops_pipelines.tables import CALL_TEXTS
from tests.ingest.log_files.test_exchanges import ASKED, COMPLETION, MESSAGE, REFUSED
from tests.ingest.worlds import landed, log


def exchange(minute: int, asked: Any, body: Any, status: int = 200, **content: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "startedDateTime": f"2026-11-10T09:{minute:02d}:00.123+01:00",
        "time": 812.5,
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/chat/completions",
            "headers": [{"name": "Authorization", "value": "Bearer sk-of-somebody"}],
            "postData": {"mimeType": "application/json", "text": json.dumps(asked)},
        },
        "response": {"status": status, "headers": [], "content": {"text": text} | content},
        "timings": {"wait": 800},
    }


def archive(*entries: Any) -> Any:
    return {"log": {"version": "1.2", "pages": [{"id": "p", "title": "x"}], "entries": [*entries]}}


CHUNKS = "".join(
    f"data: {json.dumps(chunk)}\n\n"
    for chunk in (
        {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": "gpt-4.1-mini-2025-04-14",
         "choices": [{"index": 0, "delta": {"content": "On its way."}, "finish_reason": "stop"}]},
        {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": "gpt-4.1-mini-2025-04-14",
         "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
    )
) + "data: [DONE]\n\n"  # fmt: skip
PAGE = {"startedDateTime": "2026-11-10T09:00:00Z", "time": 3, "request": {"method": "GET"},
        "response": {"status": 200, "content": {"text": "<html>"}}}  # fmt: skip
PACKED = base64.b64encode(json.dumps(MESSAGE).encode()).decode()
WHOLE = archive(
    PAGE,
    exchange(1, ASKED, COMPLETION),
    exchange(2, ASKED, CHUNKS),
    exchange(3, ASKED, PACKED, encoding="base64"),
    exchange(4, ASKED, REFUSED, 429),
    exchange(5, ASKED, "", 0),
    exchange(6, {"user": "jo", "password": "x"}, {"error": "no"}, 401),
    exchange(7, {"model": "T", "colour": "red"}, {"error": "no"}, 500),
)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("path", ["log.har", "log.json"])
def test_the_calls_of_an_archive_are_read_and_all_else_is_ignored(indent: int | None, path: str):
    lake = landed(log(path, json.dumps(WHOLE, indent=indent).encode()))
    assert lake.counts(path) == (8, 5, 0, 0, 0, 3)
    calls = llm_calls(lake.rows()).sort("started_at")
    told = ("status", "uncached_input", "output_text", "latency_ms", "model_requested")
    assert calls.select(told).rows() == [
        ("ok", 7, 3, 812.5, "gpt-4.1-mini"),
        ("ok", 9, 4, 812.5, "gpt-4.1-mini"),
        ("ok", 7, 3, 812.5, "gpt-4.1-mini"),
        ("error", None, None, 812.5, "gpt-4.1-mini"),
        ("error", None, None, 812.5, "gpt-4.1-mini"),
    ]
    assert calls["error_class"].to_list()[3] == "rate_limit"
    assert [at.hour for at in calls["started_at"]] == [8] * 5
    assert "sk-of-somebody" not in str(lake.rows(CALL_TEXTS).to_dicts())


def test_an_archive_without_a_call_is_ignored_whole():
    assert landed(log("a.har", json.dumps(archive(PAGE)).encode())).counts("a.har") == (
        1, 0, 0, 0, 0, 1,
    )  # fmt: skip


def test_a_log_with_entries_of_its_own_is_no_archive():
    odd = {"log": {"entries": [{"startedDateTime": "x"}, 3]}}
    lake = landed(log("a.json", json.dumps(odd, indent=1).encode()))
    assert lake.rows().is_empty()


@pytest.mark.parametrize("status", ["bad", "500", [500], {"code": 500}, True, -1])
def test_a_status_may_be_anything(status: Any) -> None:
    odd = exchange(1, ASKED, "<html>", status)
    data = json.dumps(archive(odd, exchange(2, ASKED, COMPLETION))).encode()
    assert landed(log("log.har", data)).file("log.har")["lines"] == 2
