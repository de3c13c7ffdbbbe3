"""Lines that an application writes among its calls, of which no word speaks of a model."""

import pytest

from tests.formats.worlds import one_as, read_as

ENVELOPED = ["openai", "anthropic", "openai_responses", "gemini"]
REASON = "record: holds no request, response, model, usage or error: it is no call"


@pytest.mark.parametrize("name", ENVELOPED)
@pytest.mark.parametrize(
    "line",
    [
        {"level": "info", "message": "server started"},
        {"event": "healthcheck", "status": "ok", "latency_ms": 3},
        {"id": "r-7", "path": "/orders", "user_id": "u-42"},
    ],
)
def test_a_line_that_speaks_of_no_call_is_rejected_and_no_failed_call(name, line):
    rows = read_as(name, {"timestamp": "2026-11-10T09:15:02Z"} | line)
    assert rows.calls.is_empty()
    assert rows.rejected["reason"].to_list() == [REASON]


ASKED = {"request": {"messages": [{"role": "user", "content": "Hi?"}]}}
FAILURES = [
    {"error": {"type": "timeout"}},
    {"error": "Request timed out."},
    {"request": {"model": "m"}},
]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((name, told) for name in ENVELOPED for told in FAILURES),
        *((name, ASKED) for name in ("openai", "anthropic")),  # requests of others hold no messages
    ],
)
def test_a_call_that_failed_before_it_was_answered_is_one(name, told):
    found = one_as(name, {"timestamp": "2026-11-10T09:15:02Z"} | told)
    assert found["status"] == "error"


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_messages_at_the_top_of_a_record_are_those_of_its_request(name):
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi?"}]}
    failed = {"error": {"type": "timeout"}}
    found = one_as(name, {"timestamp": "2026-11-10T09:15:02Z", "response": failed} | asked)
    assert (found["status"], found["error_class"], found["model"]) == ("error", "timeout", "m")
    assert found["messages"] == asked["messages"]


def test_a_line_that_calls_itself_one_is_a_call():
    found = one_as("openai", {"timestamp": "2026-11-10T09:15:02Z", "kind": "call"})
    assert found["status"] == "error"
