"""Format weave: what the SDK sent (payloads/weave.jsonl), exported calls, and odd records."""

import json
from functools import cache
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import one_as, read_as, utc

SENT = (Path(__file__).parent / "payloads" / "weave.jsonl").read_text().splitlines()
CALL = {
    "id": "0b1c-call",
    "project_id": "acme/support",
    "op_name": "weave:///acme/support/op/openai.chat.completions.create:v0",
    "display_name": "openai.chat.completions.create",
    "trace_id": "0b1c-trace",
    "parent_id": "0b1c-parent",
    "started_at": "2026-11-10T09:15:02.123000Z",
    "ended_at": "2026-11-10T09:15:03.123000Z",
    "exception": None,
    "attributes": {"weave": {"client_version": "0.54.0"}, "feature": "search", "user_id": "u-42"},
    "inputs": {
        "model": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": "Hello"}],
        "response_format": {"type": "json_object"},
    },
    "output": {
        "id": "chatcmpl-1",
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hi."}}],
    },
    "summary": {
        "usage": {
            "gpt-4.1-mini-2025-04-14": {
                "requests": 1,
                "prompt_tokens": 120,
                "completion_tokens": 30,
                "total_tokens": 150,
                "cache_read_input_tokens": 64,
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 10},
            }
        },
        "weave": {"status": "success", "latency_ms": 1000},
    },
    "wb_user_id": "VXNlcjox",
}
TOKENS = {"uncached_input": 56, "cache_read": 64, "output_text": 20, "reasoning": 10}


@cache
def sent():
    return read_as("weave", *SENT)


def call(**changes):
    return CALL | changes


def says(record, expected):
    found = one_as("weave", record)
    assert {name: found[name] for name in expected} == expected


def test_an_exported_call_becomes_a_call_and_names_no_wandb_user():
    says(
        call(),
        {
            **TOKENS,
            "call_id": "0b1c-call",
            "trace_id": "0b1c-trace",
            "parent_id": "0b1c-parent",
            "response_id": "chatcmpl-1",
            "project": "acme/support",
            "started_at": utc("2026-11-10T09:15:02.123000"),
            "latency_ms": 1000.0,
            "feature": "search",
            "user_id": "u-42",
            "provider": "openai",
            "model": "gpt-4.1-mini-2025-04-14",
            "model_requested": "gpt-4.1-mini",
            "status": "ok",
            "format_requested": "json_object",
            "answer": "Hi.",
            "messages": [{"role": "user", "content": "Hello"}],
        },
    )
    says(call(attributes={}), {"user_id": None})


def test_what_the_sdk_sent_is_recognised_by_no_other_format():
    for line in SENT:
        record = json.loads(line)
        assert [name for name, known in FORMATS.items() if known.recognises(record)] == ["weave"]
    assert sniff(SENT) == "weave"


def test_a_function_around_a_model_is_a_step_whose_usage_counts_nothing():
    rows = sent()
    steps = {step["name"]: step for step in rows.steps.to_dicts()}
    assert set(steps) == {"search", "answer"}
    assert (steps["answer"]["kind"], steps["answer"]["user_id"]) == ("chain", "u-42")
    assert (steps["answer"]["session_id"], steps["answer"]["parent_id"]) == ("th-7", None)
    assert steps["search"]["contexts"][0]["id"] == "kb-7"
    inside = [call for call in rows.calls.to_dicts() if call["parent_id"]]
    assert [call["parent_id"] for call in inside] == [steps["search"]["parent_id"]]
    assert {name: inside[0][name] for name in TOKENS} == TOKENS


def test_anthropic_counts_its_cache_beside_the_input():
    (found,) = (call for call in sent().calls.to_dicts() if call["provider"] == "anthropic")
    assert (found["uncached_input"], found["cache_read"], found["cache_write_5m"]) == (56, 64, 100)
    assert (found["output_text"], found["model"]) == (30, "claude-sonnet-4-5-20250929")
    assert found["messages"] == [{"role": "user", "content": "When does it ship?"}]


def test_a_stream_without_usage_has_unknown_tokens_and_a_first_token():
    (found,) = (call for call in sent().calls.to_dicts() if call["is_stream"])
    assert (found["uncached_input"], found["output_text"]) == (None, None)
    assert 0 < found["ttft_ms"] <= found["latency_ms"] * 2
    assert found["answer"] == "It ships on Monday."


def test_a_failed_call_keeps_the_class_of_its_exception():
    (found,) = (call for call in sent().calls.to_dicts() if call["status"] == "error")
    assert (found["error_class"], found["model_requested"]) == ("rate_limit", "limited")
    assert (found["model"], found["uncached_input"]) == ("limited", None)


def test_an_op_that_returned_a_provider_s_response_is_a_call():
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    asked = call(
        op_name="weave:///acme/support/op/ask:v1", output=CALL["output"] | {"usage": usage}
    )
    says(asked, {"uncached_input": 5, "output_text": 2, "provider": None})
    rows = read_as("weave", call(op_name="weave:///acme/support/op/ask:v1"))
    assert (rows.calls.height, rows.steps["kind"].to_list()) == (0, ["chain"])


def test_beginning_and_end_in_one_request_are_one_call():
    first = ("id", "op_name", "trace_id", "started_at", "inputs", "attributes", "project_id")
    begin = {key: CALL[key] for key in first}
    end = {key: CALL[key] for key in ("id", "ended_at", "output", "summary", "exception")}
    batch = {
        "batch": [
            {"mode": "start", "req": {"start": begin}},
            {"mode": "end", "req": {"end": end}},
        ]
    }
    assert FORMATS["weave"].recognises(batch)
    says(batch, {**TOKENS, "answer": "Hi.", "latency_ms": 1000.0})


def test_a_call_without_texts_still_has_cost_and_health():
    says(call(inputs={}, output=None), {**TOKENS, "answer": None, "messages": []})


@pytest.mark.parametrize("record", [{}, {"op_name": "ask"}, {"batch": []}, {"op_name": 3}])
def test_records_of_others_are_not_recognised(record):
    assert not FORMATS["weave"].recognises(record)


def test_odd_values_are_rows_or_rejections():
    records = []
    for odd in (None, 3, "x", [], {}, [3], True):
        records += [CALL | {key: odd} for key in CALL]
        for key in ("attributes", "output", "summary", "inputs"):
            records += [CALL | {key: CALL[key] | {inner: odd}} for inner in CALL[key]]
        records.append({"batch": odd})
    rows = read_as("weave", *records)
    assert rows.calls.height > len(records) / 2
    assert not rows.rejected.is_empty()
