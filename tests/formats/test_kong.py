"""Kong's logs with AI plugins. Records are built from Kong's AI audit log reference."""

import json
from decimal import Decimal

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, one_as, read_as, response, utc, values

ASKED = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Where is my order?"}]}


def plugin(**changes):
    """What an AI plugin logs; None drops a key."""
    part = {
        "meta": {
            "request_model": "gpt-4.1-mini",
            "response_model": "gpt-4.1-mini-2025-04-14",
            "provider_name": "openai",
            "plugin_id": "546c3856-24b3-469a-bd6c-f6083babd2cd",
            "llm_latency": 2670,
            "request_mode": "oneshot",
        },
        "usage": {
            "prompt_tokens": 2048,
            "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
            "completion_tokens": 96,
            "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
            "total_tokens": 2144,
            "cost": 0.0038,
            "time_per_token": 30.14,
            "time_to_first_token": 631,
        },
        "payload": {"request": json.dumps(ASKED), "response": json.dumps(response())},
    } | changes
    return {name: value for name, value in part.items() if value is not None}


def line(**changes):
    """A line of a log plugin; None drops a key."""
    record = {
        "ai": {"proxy": plugin()},
        "started_at": 1794302102123,
        "request": {"id": "k-1", "method": "POST", "uri": "/chat"},
        "response": {"status": 200},
        "latencies": {"request": 2700, "kong": 20, "proxy": 2680},
        "route": {"name": "support", "tags": ["feature:support_assistant"]},
        "service": {"name": "openai", "tags": ["team:customer-care"]},
        "consumer": {"id": "5f1", "username": "shop-backend"},
        "workspace_name": "default",
    } | changes
    return {name: value for name, value in record.items() if value is not None}


def with_plugin(**changes):
    return line(ai={"proxy": plugin(**changes)})


def one(record):
    return one_as("kong", record)


TOKENS = ("uncached_input", "cache_read", "output_text", "reasoning")


def test_a_line_becomes_a_call():
    found = one(line())
    expected = {
        "call_id": "k-1",
        "trace_id": "k-1",
        "response_id": "chatcmpl-1",
        "started_at": utc("2026-11-10T09:15:02.123"),
        "latency_ms": 2670.0,
        "ttft_ms": 631.0,
        "name": "support",
        "project": "default",
        "feature": "support_assistant",
        "team": "customer-care",
        "user_id": "shop-backend",
        "tags": ["feature:support_assistant", "team:customer-care"],
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "is_stream": False,
        "status": "ok",
        "cost_reported": Decimal("0.0038"),
        "answer": "An answer.",
        "messages": [{"role": "user", "content": "Where is my order?"}],
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *TOKENS) == (1024, 1024, 32, 64)


def test_early_versions_name_one_token_and_keep_the_request_apart():
    early = {
        "payload": {"request": json.dumps(ASKED)},
        "ai-proxy": plugin(
            usage={"prompt_token": 28, "completion_token": 20, "total_tokens": 48, "cost": 0.0038},
            payload={"response": json.dumps(response(usage=None))},
        ),
    }
    found = one(line(ai=early))
    assert values(found, *TOKENS) == (28, 0, 20, 0)
    assert found["messages"] == [{"role": "user", "content": "Where is my order?"}]


def test_without_payloads_cost_and_health_are_still_known():
    found = one(with_plugin(payload=None))
    assert values(found, "answer", "messages") == (None, [])
    assert values(found, "uncached_input", "latency_ms", "status") == (1024, 2670.0, "ok")


def test_a_stream_that_kong_did_not_count_is_null_not_free():
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
    meta = plugin()["meta"] | {"request_mode": "stream"}
    found = one(with_plugin(usage=usage, meta=meta, payload=None))
    assert values(found, "is_stream", "cost_reported", *TOKENS) == (True, *[None] * 5)


def test_the_answers_own_usage_stands_in_where_kong_counted_nothing():
    assert values(one(with_plugin(usage={})), *TOKENS) == (512, 0, 96, 0)


def test_the_body_names_the_user_before_the_consumer():
    payload = {"request": json.dumps(ASKED | {"user": "u-42"})}
    assert one(with_plugin(payload=payload))["user_id"] == "u-42"


def test_a_failed_call_has_the_class_of_its_body():
    payload = {"response": {"error": {"type": "rate_limit_exceeded", "message": "Slow down."}}}
    record = with_plugin(payload=payload, usage={"prompt_tokens": 0, "completion_tokens": 0})
    found = one(record | {"response": {"status": 429}})
    assert values(found, "status", "error_class", *TOKENS) == ("error", "rate_limit", *[None] * 4)


def test_a_failure_without_a_body_is_told_by_its_status():
    found = one(with_plugin(payload=None) | {"response": {"status": 503}})
    assert values(found, "status", "error_class") == ("error", "server")


def test_an_answer_out_of_the_semantic_cache_is_tagged_and_took_as_long_as_its_look_up():
    meta = {key: value for key, value in plugin()["meta"].items() if key != "llm_latency"}
    cache = {"cache_status": "Hit", "fetch_latency": 21}
    found = one(with_plugin(meta=meta, cache=cache))
    assert found["tags"][-1] == "cache_hit"
    assert values(found, *TOKENS) == (0, 0, 0, 0)
    assert values(found, "latency_ms", "response_id") == (21.0, None)


def test_each_plugin_that_asked_a_model_is_a_call_of_one_trace():
    asked = {"ai-request-transformer": plugin(), "proxy": plugin(), "audit": {"hate": "High"}}
    rows = read_as("kong", line(ai=asked, trace_id={"w3c": "4bf9"}))
    assert rows.calls["call_id"].to_list() == ["k-1:ai-request-transformer", "k-1"]
    assert rows.calls["trace_id"].to_list() == ["4bf9", "4bf9"]


def test_retrieval_and_guardrails_are_steps():
    part = plugin(
        **{
            "rag-inject": {"injected": True, "fetch_latency": 154, "chunk_ids": ["a", "b"]},
            "aws-guardrails": {
                "guardrails_id": "g",
                "inputput_processing_latency": 134,
                "output_processing_latency": 278,
            },
        }
    )
    rows = read_as("kong", line(ai={"proxy": part, "sanitizer": {"duration": 65}}))
    assert (rows.calls.height, rows.rejected.height) == (1, 0)
    steps = rows.steps.select("kind", "name", "latency_ms", "document_count", "trace_id").rows()
    assert steps == [
        ("retriever", "ai-rag-injector", 154.0, 2, "k-1"),
        ("guardrail", "ai-aws-guardrails", 412.0, None, "k-1"),
        ("guardrail", "ai-sanitizer", 65.0, None, "k-1"),
    ]


def target(provider, model=None):
    said = {"provider": provider, "host": "example.org", "route_type": "llm/v1/chat"}
    return said | ({"model": model} if model else {})


def test_a_request_of_which_kong_logs_only_the_targets_it_tried_is_a_call():
    """As Kong's guides show it for requests to the Responses API."""
    tried = [target("azure", "gpt-4.1"), target("openai", "gpt-4.1-mini")]
    record = line(ai={"proxy": {"tried_targets": tried}})
    assert sniff([json.dumps(record)]) == "kong"
    found = one(record)
    assert values(found, "provider", "model", "status") == ("openai", "gpt-4.1-mini", "ok")
    assert values(found, "call_id", *TOKENS) == ("k-1", *[None] * 4)
    unnamed = one(line(ai={"proxy": {"tried_targets": [target("openai")]}}))
    assert values(unnamed, "provider", "model") == ("openai", None)


def test_what_kong_says_of_the_answer_counts_before_the_target():
    found = one(with_plugin(tried_targets=[target("gemini", "gemini-2.0-flash")]))
    assert values(found, "provider", "model") == ("openai", "gpt-4.1-mini-2025-04-14")


def test_an_embedding_that_retrieval_paid_for_is_a_call():
    retrieval = {"injected": True, "chunk_ids": ["chunk-1"], "embeddings_tokens": 62,
                 "embeddings_provider": "openai", "embeddings_model": "text-embedding-ada-002",
                 "embeddings_latency": 37}  # fmt: skip
    rows = read_as("kong", with_plugin(**{"rag-inject": retrieval}))
    embedded = rows.calls.row(1, named=True)
    assert values(embedded, "provider", "model") == ("openai", "text-embedding-ada-002")
    assert values(embedded, "parent_id", "trace_id", "latency_ms") == ("k-1", "k-1", 37.0)
    assert values(embedded, "uncached_input", "output_text", "user_id") == (62, 0, "shop-backend")
    assert rows.steps["kind"].to_list() == ["retriever"]
    uncounted = with_plugin(**{"rag-inject": retrieval | {"embeddings_tokens": None}})
    assert read_as("kong", uncounted).calls.height == 1


def test_a_line_without_ai_is_ignored():
    assert list(FORMATS["kong"].unpack(line(ai=None))) == [{"kind": "ignored"}]


def test_its_records_are_recognised_and_others_are_not():
    assert sniff([json.dumps(line())]) == "kong"
    assert not FORMATS["kong"].recognises(call())
    assert not FORMATS["kong"].recognises(line(ai=None))


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    odd = (None, 3, "x", [], {}, [3], {"a": 1})
    records = [line() | {name: value} for name in line() if name != "ai" for value in odd]
    records += [with_plugin(**{name: value}) for name in ("usage", "payload") for value in odd]
    for part in ("meta", "usage"):
        inner = plugin()[part]
        records += [with_plugin(**{part: inner | {name: value}}) for name in inner for value in odd]
    rows = read_as("kong", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 3


def test_a_line_of_an_ai_plugin_alone_says_what_is_missing():
    rows = read_as("kong", {"ai": {"proxy": {"meta": {}}}})
    (reason,) = rows.rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")
