"""Bare answers of providers, with what the application knows of the call beside their keys."""

import pytest

from tests.formats.worlds import one_as, usage, utc

BESIDE = {
    "timestamp": "2026-11-10T09:15:02.5Z",
    "user_id": "u-42",
    "feature": "search",
    "session_id": "s-7",
    "environment": "staging",
    "latency_ms": 812.5,
}
ANSWERS = {
    "anthropic": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "On its way."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    "openai_responses": {
        "id": "resp_1", "object": "response", "created_at": 1_794_300_000, "status": "completed",
        "model": "gpt-5-2025-08-07", "usage": {"input_tokens": 10, "output_tokens": 5},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "On it."}]}],
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "On its way."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
        "modelVersion": "gemini-2.5-flash",
    },
    "cohere": {
        "id": "co-1", "finish_reason": "COMPLETE", "model": "command-a-03-2025",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "On its way."}]},
        "usage": {"billed_units": {"input_tokens": 10, "output_tokens": 5}},
    },
    "bedrock_converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "On its way."}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 10, "outputTokens": 5},
        "modelId": "amazon.nova-lite-v1:0",
    },
    "ollama": {
        "model": "gemma3:270m", "created_at": "2026-11-10T09:15:03.5Z", "done": True,
        "message": {"role": "assistant", "content": "On its way."}, "total_duration": 812_500_000,
        "prompt_eval_count": 10, "eval_count": 5,
    },
    "openai_chunks": {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_794_300_000,
        "model": "gpt-4.1-mini", "usage": usage(10, 5),
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_what_stands_beside_a_bare_answer_is_told_of_the_call(name):
    found = one_as(name, ANSWERS[name] | BESIDE, date="2026-11-12")
    assert found["started_at"].date() == utc("2026-11-10").date()
    told = {key: found[key] for key in BESIDE if key != "timestamp"}
    assert told == {key: value for key, value in BESIDE.items() if key != "timestamp"}
    assert (found["status"], found["uncached_input"], found["output_text"]) == ("ok", 10, 5)
    assert found["model"]


@pytest.mark.parametrize("name", ["anthropic", "cohere", "gemini", "openai_responses"])
def test_the_time_beside_a_bare_answer_is_when_the_call_began(name):
    found = one_as(name, ANSWERS[name] | BESIDE, date="2026-11-12")
    assert found["started_at"] == utc("2026-11-10T09:15:02.5")


@pytest.mark.parametrize("name", ["gemini", "ollama", "openai_chunks"])
def test_what_stands_beside_the_pieces_of_a_stream_is_told_of_the_call(name):
    pieces = [ANSWERS[name] | BESIDE, ANSWERS[name] | BESIDE]
    assert one_as(name, {"stream": pieces})["feature"] == "search"


def test_the_status_of_a_bare_response_is_no_word_of_an_envelope():
    asked = {"user": "of-the-request", "safety_identifier": "safe"}
    found = one_as("openai_responses", ANSWERS["openai_responses"] | asked)
    assert (found["status"], found["user_id"]) == ("ok", "safe")


def test_a_refused_request_of_gemini_keeps_its_number():
    error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}
    found = one_as("gemini", {"error": error} | BESIDE)
    assert (found["error_class"], found["feature"]) == ("rate_limit", "search")
