"""Portkey's log export. Records are built from the columns that Portkey's manual documents."""

import json
from decimal import Decimal

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, one_as, read_as, response, usage, utc, values


def log(**changes):
    """One exported log; None drops a key."""
    record = {
        "id": "p-1",
        "trace_id": "t-1",
        "created_at": "2026-11-10T09:15:02.123Z",
        "request": {
            "url": "https://api.openai.com/v1/chat/completions",
            "body": {
                "model": "gpt-4.1-mini",
                "messages": [{"role": "user", "content": "Where is my order?"}],
            },
        },
        "response": {
            "body": response(usage=usage(2048, 96, prompt_tokens_details={"cached_tokens": 1024}))
        },
        "is_success": 1,
        "ai_org": "openai",
        "ai_model": "gpt-4.1-mini",
        "req_units": 2048,
        "res_units": 96,
        "total_units": 2144,
        "cost": 0.12,
        "cost_currency": "USD",
        "response_time": 812,
        "response_status_code": 200,
        "cache_status": "MISS",
        "stream_mode": "FALSE",
        "prompt_slug": "support_answer",
        "prompt_version_id": "3",
        "metadata": {
            "_user": "u-42",
            "_environment": "production",
            "feature": "support_assistant",
            "session_id": "s-7",
        },
    } | changes
    return {name: value for name, value in record.items() if value is not None}


def one(record):
    return one_as("portkey", record)


def test_a_log_becomes_a_call():
    found = one(log())
    expected = {
        "call_id": "p-1",
        "trace_id": "t-1",
        "response_id": "chatcmpl-1",
        "started_at": utc("2026-11-10T09:15:02.123"),
        "latency_ms": 812.0,
        "feature": "support_assistant",
        "environment": "production",
        "user_id": "u-42",
        "session_id": "s-7",
        "prompt_name": "support_answer",
        "prompt_version": "3",
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "is_stream": False,
        "status": "ok",
        "cost_reported": Decimal("0.0012"),
        "uncached_input": 1024,
        "cache_read": 1024,
        "output_text": 96,
        "answer": "An answer.",
        "messages": [{"role": "user", "content": "Where is my order?"}],
    }
    assert {name: found[name] for name in expected} == expected


def test_bodies_may_stand_under_dotted_names_as_text():
    flat = log(
        request=None,
        response=None,
        **{
            "request.body": json.dumps(log()["request"]["body"]),
            "response.body": json.dumps(response()),
        },
    )
    found = one(flat)
    assert values(found, "answer", "uncached_input") == ("An answer.", 512)
    assert found["messages"] == [{"role": "user", "content": "Where is my order?"}]


def test_bodies_may_be_the_request_and_the_response_themselves():
    found = one(log(request=log()["request"]["body"], response=response()))
    assert values(found, "answer", "model_requested") == ("An answer.", "gpt-4.1-mini")


def test_without_a_body_portkeys_own_counts_are_taken():
    found = one(log(request=None, response=None))
    assert values(found, "uncached_input", "output_text", "model", "answer") == (
        2048, 96, "gpt-4.1-mini", None,
    )  # fmt: skip


def test_counts_that_contradict_their_total_are_doubted():
    found = one(log(response=None, total_units=9))
    counted = ("uncached_input", "output_text", "tokens_doubted")
    assert values(found, *counted) == (2048, 96, -2135)


def test_a_stream_without_usage_is_null_not_free():
    counts = dict.fromkeys(("req_units", "res_units", "total_units", "cost"))
    found = one(log(response={"body": response(usage=None)}, **counts))
    assert values(found, "uncached_input", "output_text", "cost_reported") == (None, None, None)


@pytest.mark.parametrize(
    ("cost", "currency", "dollars"),
    [(0.12, "USD", "0.0012"), ("0.0003", None, "0.000003"), (0.12, "EUR", None), (0, "USD", "0")],
)
def test_a_cost_is_in_cents(cost, currency, dollars):
    found = one(log(cost=cost, cost_currency=currency))["cost_reported"]
    assert found == (None if dollars is None else Decimal(dollars))


def test_a_failed_call_has_its_class_and_no_tokens():
    body = {"error": {"type": "server_error", "message": "Try again."}}
    zero = dict.fromkeys(("req_units", "res_units", "total_units"), 0)
    found = one(log(response={"body": body}, is_success=0, response_status_code=500, **zero))
    assert values(found, "status", "error_class", "uncached_input") == ("error", "server", None)


def test_a_status_alone_says_that_a_call_failed():
    found = one(log(response=None, is_success=None, response_status_code=429))
    assert values(found, "status", "error_class") == ("error", "rate_limit")


@pytest.mark.parametrize("status", ["HIT", "SEMANTIC HIT"])
def test_an_answer_out_of_portkeys_cache_is_tagged(status):
    found = one(log(cache_status=status))
    assert values(found, "tags", "response_id") == (["cache_hit"], None)
    assert values(found, "uncached_input", "cache_read", "output_text") == (0, 0, 0)


@pytest.mark.parametrize(
    "metadata",
    [
        {"metadata": {"key": ["_user", "feature"], "value": ["u-1", "search"]}},
        {"metadata": [{"key": "_user", "value": "u-1"}, {"key": "feature", "value": "search"}]},
        {
            "metadata": None,
            "metadata.key": ["_user", "feature"],
            "metadata.value": ["u-1", "search"],
        },
    ],
    ids=["two lists", "pairs", "dotted names"],
)
def test_metadata_comes_in_several_shapes(metadata):
    assert values(one(log(**metadata)), "user_id", "feature") == ("u-1", "search")


def test_a_list_of_models_is_ignored():
    listed = log(request_url="https://api.openai.com/v1/models")
    assert list(FORMATS["portkey"].unpack(listed)) == [{"kind": "ignored"}]


def test_its_records_are_recognised_and_others_are_not():
    assert sniff([json.dumps(log())]) == "portkey"
    assert not FORMATS["portkey"].recognises(call())
    assert not FORMATS["portkey"].recognises({"created_at": 1, "request": {}, "response": {}})


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    records = [
        log() | {name: value} for name in log() for value in (None, 3, "x", [], {}, [3], {"a": 1})
    ]
    rows = read_as("portkey", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 4


def test_a_record_of_counts_alone_says_what_is_missing():
    rows = read_as("portkey", {"req_units": 1, "res_units": 1})
    (reason,) = rows.rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")
