"""What was asked and answered under other names than the envelope's."""

import json

import pytest

from llmops_pipelines.ingest import Sources
from llmops_pipelines.ingest.log_files.exchanges import exchanged
from llmops_pipelines.reference import parse_document
from tests.ingest.worlds import call, landed, lines, log

ASKED = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Where is it?"}]}
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4.1-mini-2025-04-14",
    "choices": [{"finish_reason": "stop", "message": {"content": "On its way."}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
}  # fmt: skip
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "end_turn",
    "model": "claude-haiku-4-5", "content": [{"type": "text", "text": "On its way."}],
    "usage": {"input_tokens": 7, "output_tokens": 3},
}  # fmt: skip
REFUSED = {"error": {"type": "rate_limit_error", "message": "Slow down."}}

SHAPES = {
    "bodies as text": lambda asked, body, status: {
        "request_body": json.dumps(asked), "response_body": json.dumps(body),
        "status_code": status, "duration_ms": 812.5,
    },
    "camel case": lambda asked, body, _: {"requestBody": asked, "responseBody": body},
    "short": lambda asked, body, _: {"req": asked, "res": body},
    "completion": lambda asked, body, _: {"request": asked, "completion": body},
    "output": lambda asked, body, _: {"request": asked, "output": body},
    "data of HTTP": lambda asked, body, status: {
        "request": asked, "response": {"status": status, "headers": {}, "data": body},
    },
    "bodies of HTTP": lambda asked, body, status: {
        "request": {"method": "POST", "url": "/v1", "body": json.dumps(asked)},
        "response": {"status": status, "body": json.dumps(body)},
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("body", [COMPLETION, MESSAGE], ids=["openai", "anthropic"])
def test_bodies_are_read_wherever_a_record_holds_them(shape, body):
    told = [SHAPES[shape](ASKED, body, 200)] * 3 + [SHAPES[shape](ASKED, REFUSED, 429)]
    records = [
        {"id": f"c-{number}", "timestamp": f"2026-11-10T09:0{number}:00Z", "user_id": "u"} | record
        for number, record in enumerate(told)
    ]
    records[1]["id"], records[2]["id"] = "other", "third"
    lake = landed(log("log.jsonl", lines(*records)))
    rows = lake.rows().sort("source_line")
    assert lake.counts() == (4, 4, 0, 0, 0, 0)
    assert rows["status"].to_list() == ["ok", "ok", "ok", "error"]
    assert rows["error_class"].to_list() == [None, None, None, "rate_limit"]
    assert rows["uncached_input"].to_list() == [7, 7, 7, None]
    assert rows["output_text"].to_list() == [3, 3, 3, None]
    assert rows["model_requested"].to_list() == ["gpt-4.1-mini"] * 4
    assert rows["question_chars"].to_list() == [12] * 4
    assert rows["answer_chars"].to_list() == [11, 11, 11, None]
    if "duration_ms" in told[0]:
        assert rows["latency_ms"].to_list() == [812.5] * 4


def test_a_failure_that_only_http_tells_is_one():
    told = {"timestamp": "2026-11-10T09:00:00Z", "request_body": json.dumps(ASKED)}
    records = [
        told | {"id": "a", "response_body": json.dumps(COMPLETION), "status_code": 200},
        told | {"id": "b", "response_body": None, "status_code": 504},
    ]
    rows = landed(log("log.jsonl", lines(*records))).rows().sort("call_id")
    assert rows.select("status", "error_class").rows() == [("ok", None), ("error", "timeout")]


@pytest.mark.parametrize(
    "record",
    [
        call(),
        call(response=None, error={"type": "timeout"}),
        call(response=None),
        {"request": ASKED, "response": [{"object": "chat.completion.chunk", "choices": []}]},
        {"request": ASKED, "response": REFUSED},
        {"input": ASKED, "output": COMPLETION},  # a chain's, perhaps
        {"id": 1, "status": 500, "path": "/orders"},
        {"result": {"rows": 3}, "response": "text"},
    ],
)
def test_other_records_stay_as_they_are(record):
    assert exchanged(record) is None


def test_an_entry_of_sources_yaml_reads_the_file_as_it_says():
    entry = """
sources:
  - {name: own, match: log.jsonl, format: mapped, fields: {started_at: at, model: res.model}}
"""
    sources = parse_document(entry, Sources, file="sources.yaml")
    record = {"at": "2026-11-10T09:00:00Z", "req": ASKED, "res": COMPLETION}
    (row,) = landed(log("log.jsonl", lines(record)), sources=sources).rows().to_dicts()
    assert (row["model"], row["source_format"]) == (COMPLETION["model"], "mapped")


def test_a_table_of_inference_has_its_own_names_beside_the_bodies():
    """As Databricks exports its inference tables."""

    def row(number, status, body):
        return {
            "databricks_request_id": f"d-{number}", "request_time": f"2026-11-10T09:0{number}:00Z",
            "status_code": status, "execution_duration_ms": 812,
            "request": json.dumps(ASKED), "response": json.dumps(body),
        }  # fmt: skip

    failure = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Exceeded the limit."}
    lake = landed(log("log.jsonl", lines(row(1, 200, COMPLETION), row(2, 429, failure))))
    rows = lake.rows().sort("source_line")
    assert rows["call_id"].to_list() == ["d-1", "d-2"]
    assert rows["status"].to_list() == ["ok", "error"]
    assert rows["error_class"].to_list() == [None, "rate_limit"]
    assert rows["latency_ms"].to_list() == [812.0, 812.0]
    assert rows["started_at"].dt.minute().to_list() == [1, 2]


def test_a_duration_beside_an_envelope_is_its_latency():
    record = {"request": ASKED, "response": COMPLETION, "duration_ms": 812.5}
    assert exchanged(record)["latency_ms"] == 812.5
    assert exchanged(record | {"latency_ms": 5})["latency_ms"] == 5
