"""Formats of batches: a line of a result file is a call at batch prices.

The objects are the SDKs' own models, written by the scripts in payloads/; those of Gemini are built
from its documentation.
"""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import (
    call,
    damaged,
    one_as,
    payload,
    read_as,
    response,
    unpacked_kinds,
    utc,
)

CHAT, RESPONSE, EMBEDDING, TOO_LONG, EXPIRED, ASKED = payload("openai_batch.jsonl")
DONE, ERRORED, CANCELED, LATE = payload("anthropic_batch.jsonl")
GEMINI = {
    "key": "row-0",
    "response": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "On its way."}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 120,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 10,
            "totalTokenCount": 150,
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    },
}

FILE = "2026-11-09T00:00:00Z"


def openai(record):
    return one_as("openai_batch", record, date=FILE)


def anthropic(record):
    return one_as("anthropic_batch", record, date=FILE)


def test_a_chat_completion_is_a_batch_call():
    expected = {
        "call_id": "row-0:batch_req_0",
        "response_id": "chatcmpl-1",
        "started_at": utc("2026-11-10T09:05:02"),
        "model": "gpt-4.1-mini-2025-04-14",
        "is_batch": True,
        "service_tier": "batch",
        "status": "ok",
        "finish_reason": "stop",
        "answer": "An answer.",
        "uncached_input": 384,
        "cache_read": 128,
        "output_text": 80,
        "reasoning": 16,
    }
    found = openai(CHAT)
    assert {name: found[name] for name in expected} == expected


def test_a_response_is_a_batch_call():
    found = openai(RESPONSE)
    assert (found["call_id"], found["response_id"]) == ("row-1:batch_req_1", "resp_1")
    assert (found["is_batch"], found["service_tier"]) == (True, "batch")
    assert (found["cache_read"], found["reasoning"], found["feature"]) == (
        1024,
        256,
        "support_assistant",
    )


def test_an_embedding_has_no_answer_and_no_time():
    found = openai(EMBEDDING)
    assert found["started_at"] == utc("2026-11-09T00:00:00")
    assert (found["model"], found["answer"]) == ("text-embedding-3-small", None)
    assert (found["uncached_input"], found["output_text"]) == (8, 0)


def test_a_refused_request_is_a_failed_call_with_its_class():
    found = openai(TOO_LONG)
    assert (found["status"], found["error_class"]) == ("error", "context_length")
    assert found["uncached_input"] is None


def test_an_expired_request_is_a_failed_call_without_usage():
    found = openai(EXPIRED)
    assert (found["call_id"], found["status"]) == ("row-4:batch_req_4", "error")
    assert (found["error_class"], found["started_at"]) == ("other", utc("2026-11-09T00:00:00"))
    assert found["uncached_input"] is None


def test_lines_that_ask_are_no_calls():
    assert unpacked_kinds("openai_batch", ASKED) == ["ignored"]
    assert unpacked_kinds("anthropic_batch", {"custom_id": "a", "params": {}}) == ["ignored"]


def test_the_same_custom_id_in_two_batches_is_two_calls():
    again = CHAT | {"id": "batch_req_9"}
    assert openai(CHAT)["call_id"] != openai(again)["call_id"]


def test_a_message_is_a_batch_call_dated_by_its_file():
    assert FORMATS["anthropic_batch"].dated_by_file
    found = anthropic(DONE)
    expected = {
        "started_at": utc("2026-11-09T00:00:00"),
        "call_id": "row-0:msg_1",
        "response_id": "msg_1",
        "is_batch": True,
        "service_tier": "batch",
        "status": "ok",
        "model": "claude-sonnet-4-5-20250929",
        "answer": "It left on Monday.",
        "uncached_input": 40,
        "cache_read": 1000,
        "cache_write_5m": 200,
        "cache_write_1h": 100,
        "output_text": 40,
        "reasoning": 80,
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("record", "name", "why"),
    [
        (ERRORED, "row-1:req_6", "server"),
        (CANCELED, "row-2", "other"),
        (LATE, "row-3", "other"),
    ],
)
def test_requests_that_were_not_answered_are_failed_calls(record, name, why):
    found = anthropic(record)
    assert (found["call_id"], found["status"], found["error_class"]) == (name, "error", why)
    assert (found["uncached_input"], found["is_batch"]) == (None, True)


@pytest.mark.parametrize("record", [CHAT, RESPONSE, EMBEDDING, TOO_LONG, EXPIRED, ASKED])
def test_openai_batch_lines_are_recognised(record):
    assert sniff([json.dumps(record)]) == "openai_batch"


@pytest.mark.parametrize("record", [DONE, ERRORED, CANCELED, LATE])
def test_anthropic_batch_lines_are_recognised(record):
    assert sniff([json.dumps(record)]) == "anthropic_batch"


@pytest.mark.parametrize("name", ["openai_batch", "anthropic_batch", "gemini_batch"])
def test_others_are_not_recognised(name):
    others = [
        call(),
        call(custom_id="row-1"),
        response(object="chat.completion"),
        {"custom_id": "row-1"},
        {"custom_id": "row-1", "result": 3},
        {},
    ]
    assert [record for record in others if FORMATS[name].recognises(record)] == []


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("openai_batch", CHAT),
        ("anthropic_batch", DONE),
        ("anthropic_batch", ERRORED),
        ("gemini_batch", GEMINI),
    ],
)
def test_nonsense_anywhere_is_read_or_rejected(name, record):
    wrong = list(damaged(record))
    rows = read_as(name, *wrong, date=FILE)
    assert rows.calls.height > len(wrong) / 2
    assert rows.calls.height + rows.rejected.height == len(wrong)


def gemini(record):
    return one_as("gemini_batch", record, date=FILE)


def test_a_result_of_gemini_s_batch_is_a_batch_call_dated_by_its_file():
    found = gemini(GEMINI)
    expected = {
        "call_id": "row-0:r-1",
        "response_id": "r-1",
        "started_at": utc("2026-11-09T00:00:00"),
        "provider": "google",
        "model": "gemini-2.5-flash",
        "status": "ok",
        "is_batch": True,
        "service_tier": "batch",
        "finish_reason": "STOP",
        "uncached_input": 120,
        "output_text": 20,
        "reasoning": 10,
        "answer": "On its way.",
    }
    assert {name: found[name] for name in expected} == expected


def test_a_status_of_gemini_s_batch_is_a_failed_call_without_usage():
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}
    found = gemini({"key": "row-1", "error": error})
    assert (found["call_id"], found["status"], found["error_class"]) == (
        "row-1",
        "error",
        "rate_limit",
    )
    assert (found["uncached_input"], found["is_batch"]) == (None, True)


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (GEMINI, "gemini_batch"),
        ({"key": "row-1", "error": {"code": 3, "message": "Invalid"}}, "gemini_batch"),
        ({"key": "row-1", "request": {"contents": [{"parts": [{"text": "Hi"}]}]}}, "gemini_batch"),
        (GEMINI | {"processed_time": "2026-11-10T09:00:00Z", "status": ""}, "gemini"),
        ({"key": "row-1", "response": {"text": "Hi"}}, None),
        ({"key": "row-1", "error": "no"}, None),
    ],
)
def test_results_of_gemini_s_batches_are_recognised(record, name):
    assert sniff([json.dumps(record)]) == name


def test_requests_of_gemini_s_batches_are_no_calls():
    asked = {"key": "row-1", "request": {"contents": [{"parts": [{"text": "Hi"}]}]}}
    assert unpacked_kinds("gemini_batch", asked) == ["ignored"]
