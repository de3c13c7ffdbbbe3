"""LiteLLM's payloads and SpendLogs rows, as the real LiteLLM wrote them (``make_litellm.py``)."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, one_as, read_as, utc, values

PAYLOADS = Path(__file__).parent / "payloads"


def cases(name):
    """The records of a payload file, by what each of them shows."""
    names = json.loads((PAYLOADS / "litellm_cases.json").read_text())[name]
    lines = (PAYLOADS / f"{name}.jsonl").read_text().splitlines()
    return dict(zip(names, map(json.loads, lines), strict=True))


PAYLOAD = cases("litellm")
ROW = cases("litellm_spend_logs")


def one(record):
    return one_as("litellm", record)


TOKENS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text",
          "reasoning")  # fmt: skip


def test_a_payload_becomes_a_call():
    found = one(PAYLOAD["chat"])
    expected = {
        "call_id": "chatcmpl-real-1",
        "response_id": "chatcmpl-real-1",
        "trace_id": "s-7",
        "session_id": None,
        "started_at": utc("2026-11-10T09:15:02"),
        "name": "shop-backend",
        "team": "customer-care",
        "feature": "support_assistant",
        "environment": "production",
        "tags": ["feature:support_assistant", "env:production"],
        "user_id": "u-42",
        "prompt_version": "3",
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "is_stream": None,
        "status": "ok",
        "error_class": None,
        "finish_reason": "stop",
        "ttft_ms": None,
        "cost_reported": Decimal("0.0006656"),
        "answer": "On its way.",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is my order?"},
        ],
        "instrumentation": "litellm",
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *TOKENS) == (1024, 1024, 0, 0, 32, 64)


def test_a_spend_logs_row_becomes_the_same_call_without_texts():
    found = one(ROW["chat"])
    assert values(found, *TOKENS) == (1024, 1024, 0, 0, 32, 64)
    assert values(found, "call_id", "response_id") == ("chatcmpl-real-1", "chatcmpl-real-1")
    assert values(found, "trace_id", "session_id") == ("s-7", "s-7")
    assert values(found, "feature", "team") == ("support_assistant", "customer-care")
    assert values(found, "messages", "answer") == ([], None)
    assert found["started_at"] == utc("2026-11-10T09:15:02")
    assert found["cost_reported"] == Decimal("0.0006656")


def test_a_row_out_of_a_csv_export_reads_like_the_row():
    cells = {name: str(value) for name, value in ROW["chat"].items() if value not in (None, "")}
    found, expected = one(cells), one(ROW["chat"])
    names = ("started_at", "cost_reported", "feature", "model", "is_stream", *TOKENS)
    assert values(found, *names) == values(expected, *names)


def test_a_row_out_of_a_table_has_its_json_as_objects():
    row = ROW["chat"] | {
        "metadata": json.loads(ROW["chat"]["metadata"]),
        "request_tags": ["feature:search"],
        "messages": [{"role": "user", "content": "Hi"}],
        "response": {"choices": [{"message": {"content": "Hello."}}]},
    }
    found = one(row)
    assert values(found, "feature", "answer") == ("search", "Hello.")
    assert found["messages"] == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("record", [PAYLOAD["claude"], PAYLOAD["claude_messages"], ROW["claude"]])
def test_anthropic_through_litellm_counts_the_cache_in_the_prompt(record):
    assert values(one(record), *TOKENS) == (100, 600, 200, 100, 50, 0)


def test_responses_are_read_and_their_id_is_unwrapped():
    found = one(PAYLOAD["responses"])
    assert values(found, *TOKENS) == (24, 16, 0, 0, 8, 4)
    assert values(found, "response_id", "answer") == ("resp_real_1", "On its way.")


def test_tools_that_the_answer_calls_are_kept():
    assert one(PAYLOAD["tool"])["tool_calls"] == [{"name": "track", "arguments": '{"order": 7}'}]


def test_an_embedding_is_a_call():
    found = one(PAYLOAD["embedding"])
    assert values(found, "model", "uncached_input", "output_text", "response_id") == (
        "text-embedding-3-small", 7, 0, None,
    )  # fmt: skip


def test_a_stream_has_a_first_token():
    found = one(PAYLOAD["stream_usage"])
    assert found["is_stream"] is True
    assert 0 < found["ttft_ms"] < found["latency_ms"]
    assert values(found, *TOKENS) == (1024, 1024, 0, 0, 32, 64)


@pytest.mark.parametrize("record", [PAYLOAD["stream_estimated"], ROW["stream_estimated"]])
def test_a_stream_without_usage_is_null_not_free(record):
    found = one(record)
    assert values(found, "status", "cost_reported", *TOKENS) == ("ok", *[None] * 7)


@pytest.mark.parametrize("record", [PAYLOAD["limited"], ROW["limited"]])
def test_a_failure_has_a_class_and_neither_tokens_nor_cost(record):
    found = one(record)
    assert values(found, "status", "error_class") == ("error", "rate_limit")
    assert values(found, "cost_reported", "answer", *TOKENS) == (None,) * 8


def test_a_context_that_was_too_long_is_named():
    assert one(PAYLOAD["mock_failed"])["error_class"] == "context_length"


@pytest.mark.parametrize("record", [PAYLOAD["cache_hit"], ROW["cache_hit"]])
def test_an_answer_out_of_litellms_cache_is_tagged_and_is_not_the_first_answer(record):
    found = one(record)
    assert found["tags"] == ["cache_hit"]
    assert values(found, "cost_reported", "response_id") == (Decimal(0), None)
    assert values(found, *TOKENS) == (0,) * len(TOKENS)
    assert found["call_id"].startswith("chatcmpl-real-1_cache_hit")


def test_an_alias_is_what_was_asked_for_and_what_was_sent_stands_in_for_what_served():
    row = ROW["chat"] | {"model_group": "support-model", "model": "openai/gpt-4.1-mini"}
    assert values(one(row), "model_requested", "model") == ("support-model", "gpt-4.1-mini")


def test_an_alias_that_a_proxy_wrote_into_the_response_is_not_the_served_model():
    """As LiteLLM 1.108's proxy logs a request for its model group ``main``."""
    answered = PAYLOAD["chat"]["response"] | {"model": "main"}
    record = PAYLOAD["chat"] | {"model_group": "main", "response": answered}
    known = {"model_map_information": {"model_map_value": {"key": "openai/gpt-4.1-mini"}}}
    assert values(one(record | known), "model_requested", "model") == ("main", "gpt-4.1-mini")
    kept_apart = record["metadata"] | known
    assert one(record | {"metadata": kept_apart})["model"] == "gpt-4.1-mini"
    unknown = {"model_map_information": {"model_map_value": None}}
    assert one(record | unknown)["model"] == "main"


def test_a_cost_that_litellm_could_not_work_out_is_unknown():
    record = PAYLOAD["chat"] | {
        "response_cost": 0.0,
        "response_cost_failure_debug_info": {"error_str": "no price"},
    }
    assert one(record)["cost_reported"] is None


def test_the_payloads_own_session_is_the_session():
    found = one(PAYLOAD["chat"] | {"session_id": "s-9"})
    assert values(found, "trace_id", "session_id") == ("s-7", "s-9")


def test_the_feature_may_stand_in_the_requests_metadata():
    metadata = {"requester_metadata": {"feature": "search"}, "user_api_key_team_alias": "web"}
    found = one(PAYLOAD["mock"] | {"metadata": metadata})
    assert values(found, "feature", "team") == ("search", "web")


def test_retrieved_documents_are_contexts():
    search = {
        "data": [
            {
                "file_id": "kb-1",
                "score": 0.9,
                "content": [{"type": "text", "text": "Orders ship daily."}],
            }
        ]
    }
    stores = [{"query": "order", "vector_store_search_response": search}]
    found = one(PAYLOAD["mock"] | {"metadata": {"vector_store_request_metadata": stores}})
    assert found["contexts"] == [{"id": "kb-1", "content": "Orders ship daily.", "score": 0.9}]


def test_a_guardrail_is_a_step_of_the_calls_trace():
    guardrails = [
        {
            "guardrail_name": "pii",
            "guardrail_status": "guardrail_intervened",
            "start_time": 1794302102.0,
            "duration": 0.25,
        },
        {"guardrail_name": "toxic", "guardrail_status": "guardrail_failed_to_respond"},
    ]
    rows = read_as("litellm", PAYLOAD["chat"] | {"guardrail_information": guardrails})
    assert rows.rejected.is_empty()
    assert rows.calls.height == 1
    first, second = rows.steps.to_dicts()
    assert values(first, "kind", "name", "status", "latency_ms", "trace_id", "parent_id") == (
        "guardrail", "pii", "ok", 250.0, "s-7", "chatcmpl-real-1",
    )  # fmt: skip
    assert values(first, "tags", "feature") == (["guardrail_intervened"], "support_assistant")
    assert values(second, "status", "started_at") == ("error", utc("2026-11-10T09:15:02"))


@pytest.mark.parametrize(
    "changes",
    [
        {"call_type": "amoderation"},
        {"call_type": "alist_models", "total_tokens": 0, "response_cost": 0.0},
        {"call_type": "aretrieve_batch"},
        {"metadata": {"user_api_key_alias": "litellm-internal-health-check"}},
    ],
)
def test_what_asks_no_model_for_a_user_is_ignored(changes):
    assert unpacked(PAYLOAD["chat"] | changes) == [{"kind": "ignored"}]


@pytest.mark.parametrize("kind", ["", "acompletion", "aanthropic_messages", "_arealtime", "anew"])
def test_what_costs_tokens_is_a_call_whatever_it_is_named(kind):
    assert unpacked(PAYLOAD["chat"] | {"call_type": kind})[0]["kind"] == "call"


def unpacked(record):
    return list(FORMATS["litellm"].unpack(record))


@pytest.mark.parametrize("record", [PAYLOAD["chat"], PAYLOAD["limited"], ROW["chat"]])
def test_its_records_are_recognised(record):
    assert sniff([json.dumps(record)]) == "litellm"


@pytest.mark.parametrize(
    "record",
    [call(), {"startTime": 1, "id": "o", "type": "GENERATION"}, {"call_type": "chat"}],
)
def test_other_records_are_not_recognised(record):
    assert not FORMATS["litellm"].recognises(record)


@pytest.mark.parametrize("record", [PAYLOAD["chat"], PAYLOAD["limited"], ROW["chat"]])
def test_a_record_with_anything_anywhere_is_read_or_rejected(record):
    records = [
        record | {name: value} for name in record for value in (None, 3, "x", [], {}, [3], {"a": 1})
    ]
    rows = read_as("litellm", *records)
    assert rows.calls.height + rows.rejected.height > 0.9 * len(records)


def test_a_record_without_anything_says_what_is_missing():
    rows = read_as("litellm", {"call_type": "acompletion"})
    (reason,) = rows.rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")


def test_a_row_without_usage_objects_has_its_three_numbers():
    found = one(ROW["chat"] | {"metadata": "{}"})
    assert values(found, *TOKENS) == (2048, 0, 0, 0, 96, 0)


def test_what_litellm_was_told_to_leave_out_is_no_text():
    hidden = "redacted-by-litellm"
    record = PAYLOAD["chat"] | {"messages": [{"role": "user", "content": hidden}]}
    response = {"choices": [{"message": {"role": "assistant", "content": hidden}}]}
    found = one(record | {"response": response})
    assert values(found, "messages", "answer") == ([], None)


def test_a_row_without_an_end_says_how_long_it_took():
    row = ROW["chat"] | {"endTime": None, "request_duration_ms": 1234}
    assert one(row)["latency_ms"] == 1234.0


def test_a_user_may_stand_in_the_metadata():
    metadata = PAYLOAD["chat"]["metadata"] | {"user_api_key_end_user_id": "u-7"}
    assert one(PAYLOAD["chat"] | {"end_user": None, "metadata": metadata})["user_id"] == "u-7"


@pytest.mark.parametrize("name", ["completionStartTime", "spend", "prompt_tokens"])
def test_an_empty_text_says_nothing(name):
    assert one(ROW["chat"] | {name: ""})["call_id"]


def test_a_row_of_an_older_proxy_has_the_rest_of_its_usage_beside_its_three_numbers():
    beside = {
        "prompt_tokens_details": {"cached_tokens": 1024},
        "completion_tokens_details": {"reasoning_tokens": 32},
    }
    metadata = json.dumps({"additional_usage_values": beside})
    found = one(ROW["chat"] | {"metadata": metadata})
    assert values(found, *TOKENS) == (1024, 1024, 0, 0, 64, 32)
