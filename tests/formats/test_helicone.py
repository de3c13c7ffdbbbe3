"""Helicone's requests. Records are built from its documented schema, ``HeliconeRequest``."""

import json
from decimal import Decimal

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, one_as, read_as, response, usage, utc, values

CLAUDE = {
    "id": "msg_1",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "On its way."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 100, "cache_read_input_tokens": 600, "output_tokens": 50},
}


def request(**changes):
    """One request as exported; None drops a key."""
    record = {
        "request_id": "r-1",
        "response_id": "h-1",
        "request_created_at": "2026-11-10T09:15:02.123Z",
        "response_created_at": "2026-11-10T09:15:03.000Z",
        "response_status": 200,
        "request_path": "https://oai.helicone.ai/v1/chat/completions",
        "request_user_id": "u-42",
        "request_properties": {
            "Feature": "support_assistant",
            "Environment": "production",
            "Helicone-Session-Id": "s-7",
            "Helicone-Session-Name": "Support",
        },
        "request_model": "gpt-4.1-mini",
        "response_model": "gpt-4.1-mini-2025-04-14",
        "provider": "OPENAI",
        "delay_ms": 812,
        "time_to_first_token": 240,
        "prompt_tokens": 512,
        "completion_tokens": 96,
        "total_tokens": 608,
        "costUSD": 0.0012,
        "prompt_id": "support_answer",
        "prompt_version": "3",
        "request_body": {
            "model": "gpt-4.1-mini",
            "stream": True,
            "messages": [{"role": "user", "content": "Where is my order?"}],
        },
        "response_body": response(
            usage=usage(2048, 96, prompt_tokens_details={"cached_tokens": 1024})
        ),
    } | changes
    return {name: value for name, value in record.items() if value is not None}


def one(record):
    return one_as("helicone", record)


def test_a_request_becomes_a_call():
    found = one(request())
    expected = {
        "call_id": "r-1",
        "response_id": "chatcmpl-1",
        "session_id": "s-7",
        "name": "Support",
        "started_at": utc("2026-11-10T09:15:02.123"),
        "latency_ms": 812.0,
        "ttft_ms": 240.0,
        "feature": "support_assistant",
        "environment": "production",
        "user_id": "u-42",
        "prompt_name": "support_answer",
        "prompt_version": "3",
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "is_stream": True,
        "status": "ok",
        "cost_reported": Decimal("0.0012"),
        "uncached_input": 1024,
        "cache_read": 1024,
        "output_text": 96,
        "answer": "An answer.",
        "messages": [{"role": "user", "content": "Where is my order?"}],
    }
    assert {name: found[name] for name in expected} == expected


def test_anthropics_body_counts_the_cache_apart():
    found = one(request(provider="ANTHROPIC", response_body=CLAUDE))
    assert values(found, "uncached_input", "cache_read", "output_text") == (100, 600, 50)
    assert values(found, "model", "answer") == ("claude-sonnet-4-5-20250929", "On its way.")


@pytest.mark.parametrize(
    ("changes", "uncached"),
    [
        ({"provider": "ANTHROPIC"}, 512),
        ({"prompt_audio_tokens": 0, "completion_audio_tokens": 0}, 512),
        ({}, 412),
    ],
    ids=["anthropic", "openai, columns for audio", "openai before"],
)
def test_without_a_body_the_columns_count_the_cache_as_their_age_says(changes, uncached):
    found = one(request(response_body=None, prompt_cache_read_tokens=100, **changes))
    assert values(found, "uncached_input", "cache_read", "output_text") == (uncached, 100, 96)


def test_audio_of_the_answer_is_added_to_the_columns_that_leave_it_out():
    found = one(request(response_body=None, prompt_audio_tokens=8, completion_audio_tokens=4))
    assert values(found, "uncached_input", "audio_input", "output_text", "audio_output") == (
        512, 8, 96, 4,
    )  # fmt: skip


def test_reasoning_of_the_answer_is_added_to_the_columns_that_leave_it_out():
    """As the query behind Helicone's export has it: the total is the sum of all three columns."""
    counts = {"prompt_tokens": 400, "completion_tokens": 96, "reasoning_tokens": 64}
    cached = {"prompt_cache_read_tokens": 100, "total_tokens": 560}
    found = one(request(response_body=None, **counts, **cached))
    assert values(found, "uncached_input", "cache_read", "output_text", "reasoning") == (
        400, 100, 96, 64,
    )  # fmt: skip
    assert found["tokens_doubted"] is None


def test_a_body_that_lies_elsewhere_tells_no_text():
    """What the query writes in place of bodies that Helicone keeps in object storage."""
    away = {"helicone_message": "fetching body from signed_url... contact engineering@helicone.ai"}
    found = one(request(request_body=away, response_body=json.dumps(away)))
    assert values(found, "messages", "answer", "model") == ([], None, "gpt-4.1-mini-2025-04-14")


def test_a_stream_without_usage_is_null_not_free():
    counts = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "costUSD"))
    found = one(request(response_body=response(usage=None), **counts))
    assert values(found, "uncached_input", "output_text", "cost_reported") == (None, None, None)


def test_a_failed_request_has_the_class_of_its_body():
    body = {"error": {"type": "insufficient_quota", "message": "Pay."}}
    found = one(request(response_status=400, response_body=body))
    assert values(found, "status", "error_class", "answer") == ("error", "rate_limit", None)


@pytest.mark.parametrize("status", [-1, -2, -3, -4])
def test_a_request_without_an_answer_has_failed(status):
    counts = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    found = one(request(response_status=status, response_body=None, **counts))
    assert values(found, "status", "error_class", "uncached_input") == ("error", "other", None)


def test_helicones_own_message_tells_the_class_of_a_failure():
    body = {"error": {"heliconeMessage": "The request timed out."}}
    found = one(request(response_status=-1, response_body=body))
    assert values(found, "status", "error_class") == ("error", "timeout")


def test_a_failure_without_a_body_is_told_by_its_status():
    found = one(request(response_status=503, response_body=None))
    assert values(found, "status", "error_class") == ("error", "server")


def test_texts_may_only_stand_in_helicones_own_schema():
    schema = {
        "request": {"messages": [{"role": "user", "content": "Hi"}]},
        "response": {"messages": [{"role": "assistant", "content": "Hello."}]},
    }
    found = one(request(request_body=None, response_body=None, llmSchema=schema))
    assert values(found, "messages", "answer") == ([{"role": "user", "content": "Hi"}], "Hello.")


def test_an_override_is_the_model_that_served():
    assert one(request(model_override="gpt-4.1"))["model"] == "gpt-4.1"


def test_an_answer_out_of_helicones_cache_is_tagged():
    found = one(request(cache_reference_id="r-0"))
    assert values(found, "tags", "response_id") == (["cache_hit"], None)
    assert values(found, "uncached_input", "cache_read", "output_text") == (0, 0, 0)
    never = one(request(cache_reference_id="00000000-0000-0000-0000-000000000000"))
    assert values(never, "tags", "response_id") == ([], "chatcmpl-1")


@pytest.mark.parametrize(("said", "rating"), [(True, 5.0), (False, 1.0), ("true", 5.0)])
def test_a_rating_is_feedback_beside_the_call(said, rating):
    rows = read_as(
        "helicone",
        request(
            feedback_id="f-1", feedback_rating=said, feedback_created_at="2026-11-10T10:00:00Z"
        ),
    )
    assert (rows.calls.height, rows.rejected.height) == (1, 0)
    (found,) = rows.feedback.to_dicts()
    assert values(found, "call_id", "about_call", "rating", "started_at") == (
        "f-1", "r-1", rating, utc("2026-11-10T10:00:00"),
    )  # fmt: skip


def test_no_rating_is_no_feedback():
    assert read_as("helicone", request(scores={"quality": 80})).feedback.is_empty()


def test_a_vector_database_query_is_a_retriever_of_the_session():
    body = {"_type": "vector_db", "operation": "search", "text": "order", "databaseName": "kb"}
    rows = read_as("helicone", request(request_body=body, response_body={}))
    assert (rows.calls.height, rows.rejected.height) == (0, 0)
    (step,) = rows.steps.to_dicts()
    assert values(step, "kind", "name", "trace_id", "input_chars", "latency_ms") == (
        "retriever", "kb", "s-7", 5, 812.0,
    )  # fmt: skip


def test_a_list_of_models_is_ignored():
    listed = request(request_path="https://oai.helicone.ai/v1/models?limit=3")
    assert list(FORMATS["helicone"].unpack(listed)) == [{"kind": "ignored"}]


def test_a_row_out_of_a_csv_export_reads_like_the_record():
    cells = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in request().items()
    }
    assert one(cells) == one(request())


def test_its_records_are_recognised_and_others_are_not():
    assert sniff([json.dumps(request())]) == "helicone"
    assert not FORMATS["helicone"].recognises(call())
    assert not FORMATS["helicone"].recognises({"request_id": "r-1", "call_type": "completion"})


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    records = [
        request() | {name: value}
        for name in request()
        for value in (None, 3, "x", [], {}, [3], {"a": 1})
    ]
    rows = read_as("helicone", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 4


def test_a_record_of_ids_alone_says_what_is_missing():
    rows = read_as("helicone", {"request_id": "r-1", "request_created_at": None})
    (reason,) = rows.rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")


@pytest.mark.parametrize(
    "said",
    [{"helicone_user": "u-7"}, {"request_properties": {"userId": "u-7", "sessionId": "s-7"}}],
)
def test_the_user_may_be_named_elsewhere(said):
    assert one(request(request_user_id=None, **said))["user_id"] == "u-7"


def test_a_cache_that_exceeds_the_prompt_was_counted_apart():
    cloud = {"provider": "BEDROCK", "response_body": None, "request_body": None}
    counts = {"prompt_tokens": 10, "prompt_cache_read_tokens": 100, "prompt_cache_write_tokens": 20}
    counts["total_tokens"] = 106
    found = one(request(**cloud, **counts))
    assert values(found, "uncached_input", "cache_read", "cache_write_5m") == (10, 100, 20)
