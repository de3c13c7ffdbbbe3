"""Format mlflow: traces as ``Trace.to_json`` and ``search_traces`` write them.

The payloads were recorded from the versions named in ``payloads/make_mlflow.py``.
"""

import json
from pathlib import Path

import pytest

from llmops_pipelines.formats import sniff
from tests.formats.spans import batch, span
from tests.formats.worlds import read_as, utc

PAYLOADS = Path(__file__).parent / "payloads"


def lines(name):
    return (PAYLOADS / f"{name}.jsonl").read_text().splitlines()


def judged_trace():
    return json.loads(lines("mlflow_openai")[-1])


def picked(frame, *columns):
    return frame.select(columns).rows()


def trace(*spans, **info):
    return {
        "info": {"trace_id": "tr-1", "trace_metadata": {}, "tags": {}} | info,
        "data": {"spans": list(spans)},
    }


def llm(**says):
    attributes = {"mlflow.spanType": "CHAT_MODEL"} | {
        key.replace("__", "."): value for key, value in says.items()
    }
    return span() | {"attributes": {key: json.dumps(item) for key, item in attributes.items()}}


def usage(**counts):
    (row,) = read_as("mlflow", trace(llm(mlflow__chat__tokenUsage=counts))).calls.to_dicts()
    return row


def test_a_recorded_trace_is_a_call_among_steps():
    rows = read_as("mlflow", json.dumps(judged_trace()))
    (found,) = rows.calls.to_dicts()
    expected = {
        "trace_id": judged_trace()["info"]["trace_id"],
        "response_id": "chatcmpl-1",
        "project": "1",
        "name": "Completions",
        "instrumentation": "mlflow",
        "feature": "support_assistant",
        "user_id": "u-42",
        "session_id": "s-7",
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "is_stream": False,
        "service_tier": "default",
        "status": "ok",
        "finish_reason": "stop",
        "uncached_input": 56,
        "cache_read": 64,
        "output_text": 18,
        "reasoning": 12,
        "messages": [{"role": "user", "content": "How long may I return it?"}],
        "answer": "Within 30 days.",
    }
    assert {name: found[name] for name in expected} == expected
    root, retriever = rows.steps.to_dicts()
    assert (root["kind"], root["parent_id"], root["user_id"]) == ("chain", None, "u-42")
    assert root["call_id"] == found["parent_id"] == retriever["parent_id"]
    assert (retriever["kind"], retriever["name"]) == ("retriever", "kb_search")
    passage = {"id": "kb-1", "content": "Returns within 30 days.", "score": 0.9}
    assert retriever["contexts"] == [passage]


def test_recorded_streams_and_failures_have_no_usage():
    calls = read_as("mlflow", *lines("mlflow_openai")).calls
    found = picked(calls, "status", "error_class", "is_stream", "uncached_input")
    assert sorted(found, key=str) == [
        ("error", "rate_limit", False, None),
        ("ok", None, False, 56),
        ("ok", None, True, None),
    ]


def test_a_row_of_the_data_frame_is_the_same_trace():
    frame = read_as("mlflow", *lines("mlflow_frame"))
    whole = read_as("mlflow", json.dumps(judged_trace()))
    names = ("call_id", "trace_id", "user_id", "uncached_input", "answer", "feature")
    assert picked(frame.calls, *names) == picked(whole.calls, *names)
    assert frame.steps.height == 2
    assert frame.feedback.height == 1


def test_a_row_without_its_trace_has_spans_in_a_column():
    row = json.loads(lines("mlflow_frame")[0])
    del row["trace"]
    rows = read_as("mlflow", row)
    assert picked(rows.calls, "user_id", "uncached_input") == [("u-42", 56)]


def test_what_a_person_said_is_feedback_and_a_judge_is_ignored():
    rows = read_as("mlflow", json.dumps(judged_trace()))
    (found,) = rows.feedback.to_dicts()
    assert found["trace_id"] == judged_trace()["info"]["trace_id"]
    assert (found["name"], found["rating"], found["comment"]) == ("helpful", 5.0, "Clear.")
    assert found["started_at"] == utc("2026-11-10T13:00:00")


@pytest.mark.parametrize(
    ("value", "rating"),
    [
        (True, 5.0), (False, 1.0), ("yes", 5.0), ("no", 1.0),
        (0, 1.0), (0.5, 3.0), (4, 4.0),
        (1, None), (7, None), ("fine", None), ({"a": 1}, None),
    ],
)  # fmt: skip
def test_a_rating_is_scaled_where_its_scale_is_clear(value, rating):
    record = judged_trace()
    record["info"]["assessments"][0]["feedback"]["value"] = value
    assert read_as("mlflow", record).feedback["rating"].to_list() == [rating]


def test_an_unclear_rating_without_a_remark_is_ignored():
    record = judged_trace()
    record["info"]["assessments"][0] |= {"feedback": {"value": 1}, "rationale": None}
    assert read_as("mlflow", record).feedback.is_empty()


def test_cached_tokens_are_within_the_input_and_writes_for_an_hour_within_writes():
    found = usage(
        input_tokens=120,
        output_tokens=30,
        total_tokens=150,
        cache_read_input_tokens=60,
        cache_creation_input_tokens=40,
        cache_creation_input_tokens_above_1hr=30,
    )
    names = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text")
    assert tuple(found[name] for name in names) == (20, 60, 10, 30, 30)


def test_a_trace_without_usage_has_unknown_tokens():
    assert usage()["uncached_input"] is None


def test_the_model_of_a_traced_function_does_not_make_it_a_call():
    record = trace(llm(mlflow__spanType="CHAIN", mlflow__llm__model="gpt-4.1-mini"))
    rows = read_as("mlflow", record)
    assert (rows.calls.height, rows.steps["kind"].to_list()) == (0, ["chain"])


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("TOOL", "tool"), ("RERANKER", "reranker"), ("PARSER", "parser"), ("AGENT", "agent"),
        ("CHAIN", "chain"), ("UNKNOWN", "chain"), ("MEMORY", "chain"),
    ],
)  # fmt: skip
def test_every_other_type_is_a_step(kind, read):
    assert read_as("mlflow", trace(llm(mlflow__spanType=kind))).steps["kind"].to_list() == [read]


def test_a_wrapper_of_a_call_is_a_chain():
    inner = llm(mlflow__chat__tokenUsage={"input_tokens": 3})
    outer = llm() | {"spanId": "a0b0c0d000000001", "parentSpanId": None}
    rows = read_as("mlflow", trace(outer, inner))
    assert (rows.calls.height, rows.steps["kind"].to_list()) == (1, ["chain"])


def test_a_trace_of_mlflow_two_is_read():
    record = {
        "info": {
            "request_id": "tr-1",
            "experiment_id": "7",
            "timestamp_ms": 1794312000000,
            "status": "OK",
            "request_metadata": {"mlflow.trace.user": "u-42"},
            "tags": {"mlflow.traceName": "answer"},
        },
        "data": {
            "spans": [
                {
                    "name": "Completions",
                    "context": {"span_id": "0xa0b0c0d000000002", "trace_id": "0x5b"},
                    "parent_id": None,
                    "start_time": 1794312000000000000,
                    "end_time": 1794312001000000000,
                    "status_code": "OK",
                    "attributes": {"mlflow.spanType": '"LLM"'},
                }
            ]
        },
    }
    (found,) = read_as("mlflow", record).calls.to_dicts()
    assert (found["call_id"], found["trace_id"]) == ("a0b0c0d000000002", "tr-1")
    assert (found["project"], found["user_id"], found["latency_ms"]) == ("7", "u-42", 1000.0)


def test_a_trace_exported_without_spans_is_a_chain_that_says_who_asked():
    record = judged_trace()
    record["data"]["spans"] = []
    (step,) = read_as("mlflow", record).steps.to_dicts()
    assert (step["kind"], step["name"], step["user_id"]) == ("chain", "answer", "u-42")
    assert step["started_at"] == utc("2026-11-10T12:00:00")


@pytest.mark.parametrize("name", ["mlflow_openai", "mlflow_frame"])
def test_recorded_traces_are_recognised(name):
    assert sniff(lines(name)) == "mlflow"


def test_other_records_are_not_recognised():
    others = [{"info": {"a": 1}, "data": {}}, {"trace": "t", "spans": []}, batch(span())]
    assert [sniff([json.dumps(record)]) for record in others] == [None, None, "otel_genai"]


ANSWERED = {
    "choices": [{"message": {"role": "assistant", "content": "Hi."}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
    },
}


@pytest.mark.parametrize(
    "counted", [{}, {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}]
)
def test_what_older_versions_did_not_count_stands_in_the_response(counted):
    span = llm(mlflow__chat__tokenUsage=counted, mlflow__spanOutputs=ANSWERED)
    (found,) = read_as("mlflow", trace(span)).calls.to_dicts()
    buckets = [found[name] for name in ("uncached_input", "cache_read", "output_text")]
    assert buckets == [40, 60, 20]


def test_an_answer_of_the_responses_api_is_read():
    said = {"type": "message", "content": [{"type": "output_text", "text": "Hi."}]}
    span = llm(mlflow__spanOutputs={"id": "resp_1", "output": [said]})
    assert read_as("mlflow", trace(span)).calls["answer"].to_list() == ["Hi."]


def test_the_response_tells_the_served_model_where_the_span_does_not():
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi?"}]}
    served = {"model": "gpt-4o-2024-08-06", "choices": [{"message": {"content": "Hello."}}]}
    said = llm(mlflow__spanInputs=asked, mlflow__spanOutputs=served)
    (found,) = read_as("mlflow", trace(said)).calls.to_dicts()
    assert (found["model_requested"], found["model"]) == ("gpt-4o", "gpt-4o-2024-08-06")
