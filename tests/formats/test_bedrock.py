"""Bedrock's invocation logs, built from the examples of its user guide (schema version 1.0)."""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, damaged, one_as, read_as, unpacked_kinds, utc, values

ASKED = {
    "system": [{"text": "Be brief."}],
    "messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}],
    "inferenceConfig": {"maxTokens": 512},
}
ANSWERED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "On its way."}]}},
    "stopReason": "end_turn",
    "metrics": {"latencyMs": 302},
    "usage": {
        "inputTokens": 56,
        "outputTokens": 38,
        "totalTokens": 258,
        "cacheReadInputTokens": 64,
        "cacheWriteInputTokens": 100,
    },
}
CLAUDE = {
    "id": "msg_bdrk_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "text", "text": "On its way."},
        {"type": "tool_use", "id": "t", "name": "track", "input": {"order": 7}},
    ],
    "stop_reason": "tool_use",
    "usage": {
        "input_tokens": 56,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 38,
    },
}
METRICS = {"inputTokenCount": 56, "outputTokenCount": 38, "invocationLatency": 765,
           "firstByteLatency": 690}  # fmt: skip
BUCKETS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text")
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def record(body=ANSWERED, asked=ASKED, counts=(56, 64, 100, 38), **changes):
    """One invocation; None drops a key."""
    given, read, written, made = counts
    found = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-11-10T09:15:02Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/shop/backend"},
        "region": "us-east-1",
        "requestId": "b-1",
        "operation": "Converse",
        "modelId": SONNET,
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": asked,
            "inputTokenCount": given,
            "cacheReadInputTokenCount": read,
            "cacheWriteInputTokenCount": written,
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": body,
            "outputTokenCount": made,
        },
        "inferenceRegion": "us-west-2",
        "requestMetadata": {"feature": "support_assistant", "user_id": "u-42", "traceId": "t-1"},
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def one(*parts, **changes):
    return one_as("bedrock", record(*parts, **changes))


def test_an_invocation_becomes_a_call():
    found = one()
    expected = {
        "call_id": "b-1",
        "trace_id": "t-1",
        "project": "123456789012",
        "name": "Converse",
        "started_at": utc("2026-11-10T09:15:02"),
        "latency_ms": 302.0,
        "feature": "support_assistant",
        "user_id": "u-42",
        "provider": "aws",
        "model": SONNET,
        "is_stream": False,
        "status": "ok",
        "finish_reason": "end_turn",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is my order?"},
        ],
        "answer": "On its way.",
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *BUCKETS) == (56, 64, 100, 0, 38)
    assert found["tokens_doubted"] is None


def test_tools_that_were_called_are_read():
    content = [{"toolUse": {"toolUseId": "t", "name": "track", "input": {"order": 7}}}]
    found = one(ANSWERED | {"output": {"message": {"role": "assistant", "content": content}}})
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order":7}'}]
    assert one(CLAUDE)["tool_calls"] == found["tool_calls"]


def test_a_body_of_anthropics_tells_how_long_its_cache_is_kept():
    found = one(CLAUDE, operation="InvokeModel")
    assert values(found, *BUCKETS) == (56, 64, 0, 100, 38)
    assert values(found, "response_id", "answer", "finish_reason", "model") == (
        "msg_bdrk_1", "On its way.", "tool_use", SONNET,
    )  # fmt: skip


def anthropics_stream():
    head = CLAUDE | {"content": [], "usage": CLAUDE["usage"] | {"output_tokens": 2}}
    delta = {"type": "text_delta", "text": "On its way."}
    return [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 38},
        },
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
    ]


NOVAS = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "On its "}}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "way."}}},
    {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"name": "track"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a":'}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "1}"}}}},
    {"messageStop": {"stopReason": "end_turn"}},
    {
        "metadata": {"usage": {"inputTokens": 56, "outputTokens": 38}},
        "amazon-bedrock-invocationMetrics": METRICS,
    },
]


@pytest.mark.parametrize(
    "events",
    [
        anthropics_stream(),
        NOVAS,
        [
            {"completion": "On its ", "stop_reason": None},
            {
                "completion": "way.",
                "stop_reason": "end_turn",
                "amazon-bedrock-invocationMetrics": METRICS,
            },
        ],
        [
            {"outputText": "On its way.", "index": 0, "completionReason": "end_turn"},
            {"amazon-bedrock-invocationMetrics": METRICS},
        ],
        [
            {"generation": "On its ", "prompt_token_count": 56},
            {"generation": "way.", "stop_reason": "end_turn"},
            {"amazon-bedrock-invocationMetrics": METRICS},
        ],
    ],
    ids=["anthropic", "nova", "completions", "titan", "llama"],
)
def test_the_pieces_of_a_stream_are_one_answer(events):
    found = one(events, operation="InvokeModelWithResponseStream")
    assert values(found, "answer", "finish_reason", "is_stream") == (
        "On its way.",
        "end_turn",
        True,
    )
    assert values(found, "latency_ms", "ttft_ms") == (765.0, 690.0)
    assert values(found, "uncached_input", "cache_read", "output_text") == (56, 64, 38)


def test_tool_calls_of_a_stream_are_put_together():
    found = one(NOVAS, operation="InvokeModelWithResponseStream")
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"a":1}'}]


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (
            {"inputText": "Hello"},
            {
                "inputTextTokenCount": 5,
                "results": [{"tokenCount": 9, "outputText": "Hi.", "completionReason": "FINISH"}],
            },
        ),
        ({"prompt": "Hello"}, {"generation": "Hi.", "stop_reason": "stop"}),
        ({"prompt": "Hello"}, {"outputs": [{"text": "Hi.", "stop_reason": "stop"}]}),
        ({"prompt": "Hello"}, {"generations": [{"text": "Hi.", "finish_reason": "COMPLETE"}]}),
        (
            {"messages": [{"role": "user", "content": "Hello"}]},
            {"choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}]},
        ),
    ],
    ids=["titan", "llama", "mistral", "cohere", "openai"],
)
def test_bodies_of_other_models_have_their_texts(asked, body):
    found = one(body, asked, operation="InvokeModel", counts=(5, None, None, 9))
    assert found["messages"] == [{"role": "user", "content": "Hello"}]
    assert found["answer"] == "Hi."
    assert found["finish_reason"].lower() in ("stop", "finish", "complete")
    assert values(found, "uncached_input", "cache_read", "output_text") == (5, 0, 9)


def test_an_embedding_has_no_output():
    found = one({"embedding": [0.1], "inputTextTokenCount": 5}, counts=(5, None, None, None))
    assert values(found, "uncached_input", "output_text") == (5, 0)


def test_bodies_that_lie_elsewhere_leave_the_counts():
    paths = {"inputBodyS3Path": "s3://b/data/b-1_input.json.gz", "inputTokenCount": 9}
    made = {"outputBodyS3Path": "s3://b/data/b-1_output.json.gz", "outputTokenCount": 4}
    found = one(input=paths, output=made)
    assert values(found, "uncached_input", "output_text", "answer") == (9, 4, None)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        (f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}", SONNET),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
            "amazon.nova-pro-v1:0",
        ),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", CLAUDE["model"]),
    ],
)
def test_a_model_is_named_out_of_its_arn(name, model):
    assert one(CLAUDE, modelId=name)["model"] == model


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", "rate_limit"),
        ("AccessDeniedException", "auth"),
        ("ModelTimeoutException", "timeout"),
        ("ServiceUnavailableException", "server"),
        ("ValidationException", "other"),
    ],
)
def test_a_failed_invocation_has_its_class_and_no_tokens(code, kind):
    found = one(errorCode=code, output={"outputContentType": "application/json"})
    assert values(found, "status", "error_class", "uncached_input") == ("error", kind, None)


@pytest.mark.parametrize(
    "held",
    [
        {"timestamp": 1794302102000, "message": json.dumps(record()), "ingestionTime": 1},
        {"@timestamp": "2026-11-10 09:15:02.000", "@message": record()},
    ],
    ids=["filter-log-events", "insights"],
)
def test_cloudwatch_holds_the_record_as_a_message(held):
    assert sniff([json.dumps(held)]) == "bedrock"
    found = one_as("bedrock", held)
    assert values(found, "call_id", "uncached_input") == ("b-1", 56)


def test_another_event_of_the_log_group_is_ignored():
    other = {"timestamp": 1, "message": "Permissions are correctly set for Bedrock logs."}
    assert unpacked_kinds("bedrock", other) == ["ignored"]


def test_its_records_are_recognised_and_others_are_not():
    assert sniff([json.dumps(record())]) == "bedrock"
    found = [known.name for known in FORMATS.values() if known.recognises(record())]
    assert found == ["bedrock"]
    assert not FORMATS["bedrock"].recognises(call())
    assert not FORMATS["bedrock"].recognises({"message": "hello", "timestamp": 1})


@pytest.mark.parametrize("body", [ANSWERED, CLAUDE, anthropics_stream(), NOVAS])
def test_a_record_with_anything_anywhere_is_read_or_rejected(body):
    records = list(damaged(record(body)))
    rows = read_as("bedrock", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 4


def test_a_record_without_a_time_says_what_is_missing():
    (reason,) = read_as("bedrock", record(timestamp=None)).rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")
