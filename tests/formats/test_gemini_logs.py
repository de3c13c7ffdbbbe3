"""Gemini's answers and Vertex AI's log rows, built from the references of both APIs.

The columns are those of "Log requests and responses" in Vertex AI's documentation.
"""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, damaged, one_as, read_as, unpacked_kinds, utc, values

USAGE = {
    "promptTokenCount": 120,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 10,
    "cachedContentTokenCount": 64,
    "totalTokenCount": 150,
}
ANSWER = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "On its way."}]},
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": USAGE,
    "modelVersion": "gemini-2.5-flash",
    "createTime": "2026-11-10T09:15:02.123456Z",
    "responseId": "r-1",
}
REQUEST = {
    "contents": [{"role": "user", "parts": [{"text": "Where is my order?"}]}],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "labels": {"feature": "support_assistant", "team": "care"},
}
ROW = {
    "endpoint": "projects/shop/locations/us-central1/publishers/google/models/gemini-2.5-flash",
    "deployed_model_id": "",
    "logging_time": "2026-11-10 09:15:04.500000 UTC",
    "request_id": 7312345678901234567,
    "request_payload": [json.dumps(REQUEST)],
    "response_payload": [json.dumps(ANSWER)],
    "model": "gemini-2.5-flash",
    "model_version": "default",
    "api_method": "generateContent",
    "full_request": REQUEST,
    "full_response": ANSWER,
    "metadata": {"request_latency": 812.5},
}
BUCKETS = ("uncached_input", "cache_read", "output_text", "reasoning")
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is my order?"},
]


def one(record):
    return one_as("gemini", record)


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def test_an_answer_is_a_call():
    found = one(ANSWER)
    expected = {
        "call_id": "r-1",
        "response_id": "r-1",
        "started_at": utc("2026-11-10T09:15:02.123456"),
        "provider": "google",
        "model": "gemini-2.5-flash",
        "status": "ok",
        "finish_reason": "STOP",
        "answer": "On its way.",
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *BUCKETS) == (56, 64, 20, 10)


def test_an_answer_as_the_sdk_dumps_it_is_read_alike():
    dumped = {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "On its way."}]},
             "finish_reason": "STOP"}
        ],
        "usage_metadata": {
            "prompt_token_count": 120,
            "candidates_token_count": 20,
            "thoughts_token_count": 10,
            "cached_content_token_count": 64,
            "total_token_count": 150,
        },
        "model_version": "gemini-2.5-flash",
        "create_time": ANSWER["createTime"],
        "response_id": "r-1",
    }  # fmt: skip
    assert one(dumped) == one(ANSWER)


def test_an_answer_without_a_time_says_what_to_do():
    (reason,) = read_as("gemini", without(ANSWER, "createTime")).rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing; log when the call began")


@pytest.mark.parametrize("holder", ["sdkHttpResponse", "sdk_http_response"])
def test_an_answer_of_the_sdk_has_the_time_of_its_headers(holder):
    bare = {name: said for name, said in ANSWER.items() if name != "createTime"}
    sent = {holder: {"headers": {"date": "Tue, 10 Nov 2026 09:15:04 GMT"}}}
    assert one_as("gemini", bare | sent)["started_at"] == utc("2026-11-10T09:15:04")
    for date in ("soon", f"Tue, {'9' * 25} Nov 2026 09:15:04 GMT"):
        odd = {holder: {"headers": {"date": date}}}
        assert one_as("gemini", bare | odd, date="2026-11-10T00:00:00Z")["started_at"] == utc(
            "2026-11-10"
        )


def test_of_a_streams_pieces_only_the_last_is_a_call():
    going = {"content": {"role": "model", "parts": [{"text": "On its "}]}}
    piece = ANSWER | {"candidates": [going], "usageMetadata": {"promptTokenCount": 120}}
    assert unpacked_kinds("gemini", piece, ANSWER) == ["ignored", "call"]


def test_an_envelope_gives_an_answer_its_time_and_more():
    enveloped = {
        "id": "c-1",
        "timestamp": "2026-11-10T09:15:02Z",
        "feature": "search",
        "latency_ms": 800,
        "request": REQUEST,
        "response": without(ANSWER, "createTime"),
    }
    found = one(enveloped)
    told = values(found, "call_id", "feature", "latency_ms", "messages", "answer", *BUCKETS)
    assert told == ("c-1", "search", 800.0, MESSAGES, "On its way.", 56, 64, 20, 10)
    assert sniff([json.dumps(enveloped)]) == "gemini"


def test_an_envelope_may_hold_the_pieces_of_a_stream():
    begun = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Well. "}]}}]}
    found = one_as("gemini", call(response=[begun, ANSWER]))
    assert values(found, "call_id", "feature", "answer", "is_stream", "uncached_input") == (
        "c-1", "support_assistant", "Well. On its way.", True, 56,
    )  # fmt: skip
    error = {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}
    broken = call(response=[begun | {"usageMetadata": {"promptTokenCount": 5}}, {"error": error}])
    assert values(one_as("gemini", broken), "status", "error_class") == ("error", "server")
    assert FORMATS["gemini"].recognises(call(response=[begun, ANSWER]))


def test_a_prompt_that_was_refused_was_counted():
    refused = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        "createTime": ANSWER["createTime"],
    }
    found = one(refused)
    told = values(found, "finish_reason", "answer", "uncached_input", "output_text")
    assert told == ("SAFETY", None, 9, 0)


def test_a_batch_prediction_is_a_batch():
    batched = {
        "status": "",
        "processed_time": "2026-11-10T09:16:00.826+00:00",
        "request": REQUEST,
        "response": without(ANSWER, "createTime"),
    }
    found = one(batched)
    told = values(found, "is_batch", "started_at", "answer", "status")
    assert told == (True, utc("2026-11-10T09:16:00.826"), "On its way.", "ok")


def test_a_batch_prediction_that_failed_says_why():
    failed = {"status": "Bad Request: too long", "processed_time": ROW["logging_time"]}
    found = one(failed | {"request": REQUEST, "response": {}})
    told = values(found, "status", "error_message", "uncached_input")
    assert told == ("error", "Bad Request: too long", None)


def test_a_row_of_vertex_is_a_call():
    found = one(ROW)
    expected = {
        "call_id": "7312345678901234567",
        "response_id": "r-1",
        "project": "shop",
        "name": "generateContent",
        "started_at": utc("2026-11-10T09:15:02.123456"),
        "latency_ms": 812.5,
        "feature": "support_assistant",
        "team": "care",
        "provider": "google",
        "model": "gemini-2.5-flash",
        "is_stream": False,
        "messages": MESSAGES,
        "answer": "On its way.",
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *BUCKETS) == (56, 64, 20, 10)


def test_columns_of_json_may_be_text_or_payloads_alone():
    texts = ROW | {name: json.dumps(ROW[name]) for name in ("full_request", "full_response")}
    assert one(texts) == one(ROW)
    assert one(without(ROW, "full_request", "full_response")) == one(ROW)


def test_without_the_answers_time_a_row_is_dated_by_its_logging():
    found = one(ROW | {"full_response": without(ANSWER, "createTime")})
    assert found["started_at"] == utc("2026-11-10T09:15:04.5")


def test_pieces_of_a_stream_are_one_answer():
    pieces = [
        {"candidates": [{"content": {"parts": [{"text": "On its "}]}}],
         "usageMetadata": {"promptTokenCount": 120}},
        ANSWER | {"candidates": [
            {"content": {"parts": [{"text": "way."}]}, "finishReason": "STOP"}]},
    ]  # fmt: skip
    streamed = ROW | {"api_method": "streamGenerateContent", "full_response": pieces}
    found = one(streamed)
    told = values(found, "answer", "finish_reason", "is_stream", *BUCKETS)
    assert told == ("On its way.", "STOP", True, 56, 64, 20, 10)


def test_a_row_of_claude_on_vertex_is_a_call():
    message = {
        "id": "msg_vrtx_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "On its way."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 56, "cache_read_input_tokens": 64, "output_tokens": 30},
    }
    asked = {"messages": [{"role": "user", "content": "Where?"}], "max_tokens": 9}
    found = one(ROW | {"api_method": "rawPredict", "full_request": asked, "full_response": message})
    told = values(found, "model", "answer", "response_id", *BUCKETS)
    assert told == (message["model"], "On its way.", "msg_vrtx_1", 56, 64, 30, 0)


def test_a_failed_row_has_its_class():
    error = {"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED"}}
    found = one(ROW | {"full_response": error})
    told = values(found, "status", "error_class", "error_status", "uncached_input")
    assert told == ("error", "rate_limit", "429", None)


def test_its_records_are_recognised_and_others_are_not():
    for record in (ANSWER, ROW):
        found = [known.name for known in FORMATS.values() if known.recognises(record)]
        assert found == ["gemini"]
    assert not FORMATS["gemini"].recognises(call())


@pytest.mark.parametrize("record", [ANSWER, ROW], ids=["answer", "row"])
def test_a_record_with_anything_anywhere_is_read_or_rejected(record):
    records = list(damaged(record))
    rows = read_as("gemini", *records)
    ignored = unpacked_kinds("gemini", *records).count("ignored")
    assert rows.calls.height + rows.rejected.height + ignored == len(records)
    assert ignored < len(records) / 4
    assert rows.rejected.height < len(records) / 3
