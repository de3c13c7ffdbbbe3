"""Lines in which an application logs something else, among its calls."""

from typing import Any

import pytest

from llmops_pipelines.ingest import llm_calls
from tests.ingest.worlds import call, landed_lines, reasons

CALLS = [call(n) for n in range(1, 6)]
AT = "2026-11-10T09:10:00Z"
TIMEOUT = {"type": "timeout", "message": "too slow"}


@pytest.mark.parametrize(
    "own",
    [
        {"level": "error", "msg": "lost", "ts": 1794301502.12, "caller": "main.go:12"},
        {"level": "error", "msg": "query failed", "ts": AT, "error": "dial tcp: i/o timeout"},
        {
            "@timestamp": AT,
            "level": "ERROR",
            "message": "x",
            "logger_name": "a.B",
            "error": TIMEOUT,
        },
        {"level": 50, "time": 1794301502123, "msg": "x", "err": TIMEOUT, "request_id": "r-1"},
        {"timestamp": AT, "severity": "INFO", "message": "started"},
    ],
    ids=["zap", "slog", "logback", "pino", "no error"],
)
def test_what_a_logger_says_of_other_things_is_ignored_and_counted(own: dict[str, Any]) -> None:
    lake = landed_lines(*CALLS, own)
    assert lake.counts() == (6, 5, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "told",
    [
        {"model": "m"},
        {"request": {"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}},
        {"feature": "support"},
    ],
    ids=["model", "request", "feature"],
)
def test_an_error_of_a_call_that_a_logger_wrote_is_a_failed_call(told: dict[str, Any]) -> None:
    lake = landed_lines(*CALLS, {"level": "error", "msg": "x", "ts": AT, "error": TIMEOUT} | told)
    assert lake.counts() == (6, 6, 0, 0, 0, 0)
    assert llm_calls(lake.rows()).filter(status="error")["error_class"].to_list() == ["timeout"]


def test_an_error_without_a_logger_is_a_failed_call() -> None:
    assert landed_lines(*CALLS, {"timestamp": AT, "error": TIMEOUT}).counts()[1] == 6


def test_what_may_be_a_call_in_another_form_is_told_and_not_passed_over() -> None:
    lake = landed_lines(*CALLS, {"level": "info", "msg": "done", "ts": AT, "llm": {"in_tokens": 5}})
    (reason,) = reasons(lake)
    assert "holds no request, response, model, usage or error" in reason[1]


def test_lines_of_a_logger_stand_anywhere_among_calls_of_several_providers() -> None:
    own = {"level": "error", "msg": "lost", "ts": AT, "error": "x"}
    claude = {
        "timestamp": AT,
        "response": {
            "id": "msg_1", "type": "message", "model": "claude-haiku-4-5", "role": "assistant",
            "content": [{"type": "text", "text": "Yes."}],
            "usage": {"input_tokens": 7, "output_tokens": 3},
        },
    }  # fmt: skip
    lake = landed_lines(own, CALLS[0], own, claude, *CALLS[1:], own, "{cut off")
    assert lake.counts() == (10, 6, 0, 0, 1, 3)
    assert llm_calls(lake.rows())["uncached_input"].sum() == 5 * 10 + 7
