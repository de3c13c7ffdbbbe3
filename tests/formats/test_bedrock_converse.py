"""Answers of Bedrock's Converse, built from its API reference and from what boto3 hands over."""

import json
from datetime import datetime

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from llmops_pipelines.ingest import llm_calls, texts_of
from llmops_pipelines.tables import CALL_TEXTS
from tests.formats.worlds import call, damaged, one_as, read_as, values
from tests.ingest.worlds import landed, lines, log, reasons

ANSWER = {
    "ResponseMetadata": {
        "RequestId": "r-1",
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"date": "Tue, 10 Nov 2026 09:15:02 GMT"},
    },
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"text": "On its way."},
                {"toolUse": {"toolUseId": "t", "name": "track", "input": {"order": 7}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {
        "inputTokens": 20, "outputTokens": 5, "totalTokens": 125,
        "cacheReadInputTokens": 70, "cacheWriteInputTokens": 30,
    },
    "metrics": {"latencyMs": 300},
}  # fmt: skip
MODEL = "anthropic.claude-3-5-sonnet-20240620-v1:0"
REQUEST = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Where is it?"}]}]}
EVENTS = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"delta": {"text": "On its "}, "contentBlockIndex": 0}},
    {"contentBlockDelta": {"delta": {"text": "way."}, "contentBlockIndex": 0}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"messageStop": {"stopReason": "end_turn"}},
    {"metadata": {"usage": {"inputTokens": 20, "outputTokens": 5, "totalTokens": 25}}},
]


def streamed(*records):
    lake = landed(log("log-2026-11-10.jsonl", lines(*records)))
    calls = llm_calls(lake.rows())
    texts = texts_of(lake.rows(CALL_TEXTS).lazy(), calls.lazy()).collect()
    return lake, calls, texts


def test_an_answer_is_a_call_with_disjoint_tokens():
    found = one_as("bedrock_converse", ANSWER)
    assert values(found, "call_id", "provider", "answer", "finish_reason", "latency_ms") == (
        "r-1", "aws", "On its way.", "tool_use", 300.0,
    )  # fmt: skip
    assert values(found, "uncached_input", "cache_read", "cache_write_5m", "output_text") == (
        20, 70, 30, 5,
    )  # fmt: skip
    assert found["started_at"] == datetime.fromisoformat("2026-11-10T09:15:02")
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order":7}'}]
    assert found["model"] is None, "an answer names no model"


def test_an_envelope_tells_the_model_the_time_and_what_was_asked():
    for response in (ANSWER, EVENTS):
        record = {"timestamp": "2026-11-10T09:00:00Z", "request": REQUEST, "response": response}
        assert sniff([json.dumps(record)]) == "bedrock_converse"
        found = one_as("bedrock_converse", record)
        assert values(found, "model", "answer", "status") == (MODEL, "On its way.", "ok")
        assert found["messages"] == [{"role": "user", "content": "Where is it?"}]


def test_an_error_that_boto3_raised_is_a_failed_call():
    refused = {
        "Error": {"Message": "Too many requests", "Code": "ThrottlingException"},
        "ResponseMetadata": ANSWER["ResponseMetadata"] | {"HTTPStatusCode": 429},
    }
    found = one_as("bedrock_converse", refused)
    assert values(found, "status", "error_class", "uncached_input") == ("error", "rate_limit", None)


def test_the_events_of_a_message_are_one_call_with_its_text():
    other = {"metadata": {"usage": {"inputTokens": 21, "outputTokens": 5, "totalTokens": 26}}}
    lake, calls, texts = streamed(*EVENTS, *EVENTS[1:3], *EVENTS[:-1], other)
    told = calls.select("uncached_input", "output_text", "is_stream").sort("uncached_input")
    assert told.rows() == [(20, 5, True), (21, 5, True)]
    assert texts["answer"].to_list() == ["On its way."] * 2
    assert lake.counts("log-2026-11-10.jsonl") == (14, 2, 0, 0, 0, 12)
    assert str(calls["started_at"][0].date()) == "2026-11-10"


def test_a_stream_that_breaks_off_or_fails_keeps_what_it_had_said():
    failure = {"throttlingException": {"message": "Too many tokens"}}
    _, calls, texts = streamed(*EVENTS[:3], failure)
    assert calls.select("status", "error_class").rows() == [("error", "rate_limit")]
    assert texts["answer"].to_list() == ["On its way."]
    _, calls, texts = streamed(*EVENTS[:2])
    assert calls["uncached_input"].to_list() == [None]
    assert texts["answer"].to_list() == ["On its "]


def test_counts_without_their_message_are_rejected_not_lost():
    lake, *_ = streamed(EVENTS[-1], *EVENTS)
    ((line, why),) = reasons(lake)
    assert (line, "messageStart is missing" in why) == (1, True)


@pytest.mark.parametrize("record", [call(), call(metadata={"usage": {"inputTokens": 3}})])
def test_records_of_others_are_not_recognised(record):
    assert not FORMATS["bedrock_converse"].recognises(record)


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    envelope = {"timestamp": "2026-11-10T09:00:00Z", "request": REQUEST, "response": ANSWER}
    records = [*damaged(ANSWER), *damaged(envelope), *damaged(EVENTS[0] | EVENTS[1])]
    rows = read_as("bedrock_converse", *records)
    assert rows.calls.height + rows.rejected.height <= len(records)


def test_a_stream_that_boto3_handed_over_is_read_with_its_request():
    response = {"ResponseMetadata": ANSWER["ResponseMetadata"], "stream": EVENTS}
    record = call(request=REQUEST, response=response)
    assert sniff([json.dumps(record)]) == "bedrock_converse"
    found = one_as("bedrock_converse", record)
    assert values(found, "response_id", "answer", "finish_reason", "uncached_input") == (
        "r-1", "On its way.", "end_turn", 20,
    )  # fmt: skip
    assert values(found, "is_stream", "model_requested") == (True, MODEL)
