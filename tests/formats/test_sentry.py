"""Spans of Sentry's SDK for Python: alone, and in its transactions as older versions send
them; shapes as sentry-sdk 2.75 and 2.43 sent them to a transport of their own."""

import pytest

from tests.formats.spans import call_of
from tests.formats.worlds import one_as, utc, values

TOKENS = ("uncached_input", "cache_read", "cache_write_5m", "output_text", "reasoning")
SAID = {
    "gen_ai.system": "anthropic",
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.response.model": "claude-sonnet-4-5-20250929",
    "gen_ai.response.streaming": True,
    "gen_ai.response.time_to_first_token": 0.25,
    "gen_ai.request.messages": '[{"role": "user", "content": "Where is my order?"}]',
    "gen_ai.response.text": '{"content": "On its way.", "refusal": "None", "role": "assistant"}',
    "gen_ai.usage.input_tokens": 2793,
    "gen_ai.usage.input_tokens.cached": 2048,
    "gen_ai.usage.input_tokens.cache_write": 700,
    "gen_ai.usage.output_tokens": 260,
    "gen_ai.usage.output_tokens.reasoning": 128,
    "gen_ai.usage.total_tokens": 3053,
}
KINDS = {str: "string", bool: "boolean", int: "integer", float: "double"}


def alone(said=SAID, **changes):
    typed = {key: {"value": value, "type": KINDS[type(value)]} for key, value in said.items()}
    return {
        "status": "ok",
        "is_segment": False,
        "trace_id": "27a4a215ef7b46a9a0862e1d4eef1a11",
        "span_id": "8220675be097e0ea",
        "name": "chat claude-sonnet-4-5",
        "start_timestamp": 1794301200.5,
        "end_timestamp": 1794301202.0,
        "parent_span_id": "afaa859ae1b68810",
        "attributes": typed | {"user.id": {"value": "u2", "type": "string"}},
    } | changes


def older(said=SAID, **changes):
    return {
        "trace_id": "0c855061c4394ecc8f111dc450bedc5d",
        "span_id": "819304aa5038bec3",
        "parent_span_id": "b2f86857e267646a",
        "op": "gen_ai.chat",
        "description": "chat claude-sonnet-4-5",
        "start_timestamp": "2026-11-10T09:00:00.500000Z",
        "timestamp": "2026-11-10T09:00:02.000000Z",
        "data": said,
    } | changes


def in_a_transaction(span):
    return {
        "type": "transaction",
        "transaction": "POST /ticket",
        "start_timestamp": "2026-11-10T09:00:00.400000Z",
        "timestamp": "2026-11-10T09:00:02.100000Z",
        "user": {"id": "u2"},
        "environment": "prod",
        "spans": [span],
    }


@pytest.mark.parametrize("record", [alone(), older(), in_a_transaction(older())])
def test_a_span_tells_all_that_its_attributes_hold(record):
    found = call_of("otel_genai", record)
    assert values(found, *TOKENS) == (45, 2048, 700, 132, 128)
    assert values(found, "provider", "model", "status") == (
        "anthropic", "claude-sonnet-4-5-20250929", "ok",
    )  # fmt: skip
    assert values(found, "started_at", "latency_ms", "ttft_ms", "is_stream") == (
        utc("2026-11-10T09:00:00.500"), 1500.0, 250.0, True,
    )  # fmt: skip
    assert found["answer"] == "On its way."
    assert "Where is my order?" in str(found["messages"])


def test_user_and_environment_stand_beside_the_spans():
    found = call_of("otel_genai", in_a_transaction(older()))
    assert values(found, "user_id", "environment") == ("u2", "prod")
    told = SAID | {"sentry.environment": "prod"}
    assert values(call_of("otel_genai", alone(told)), "user_id", "environment") == ("u2", "prod")


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (alone(status="error"), "other"),
        (older(tags={"status": "error"}), "other"),
        (older(status="resource_exhausted"), "rate_limit"),
        (older(status="deadline_exceeded"), "timeout"),
        (older(status="internal_error"), "server"),
    ],
)
def test_a_status_is_a_word_that_may_tell_the_kind_of_error(record, error):
    assert values(call_of("otel_genai", record), "status", "error_class") == ("error", error)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Plain.", "Plain."),
        ('["One.", "Two."]', "One.\nTwo."),
        ('{"total": 3}', '{"total": 3}'),
        ('[{"role": "assistant", "content": "Said."}]', "Said."),
    ],
)
def test_an_answer_is_text_or_messages(text, answer):
    found = one_as("otel_genai", alone(SAID | {"gen_ai.response.text": text}))
    assert found["answer"] == answer
