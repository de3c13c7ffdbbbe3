"""What an application says of a call in its metadata, whichever tool keeps that, and where."""

import json

import pytest

from llmops_pipelines.formats import sniff
from tests.formats.spans import NOON, batch, span
from tests.formats.worlds import read_as

SAID = {
    "feature": "search",
    "team": "core",
    "environment": "staging",
    "user_id": "u-1",
    "session_id": "s-1",
    "experiment_arm": "b",
    "prompt_name": "greet",
    "prompt_version": "3",
}
AT, END = "2026-11-10T09:00:00Z", "2026-11-10T09:00:01Z"


def below(prefix):
    return {f"{prefix}.{name}": value for name, value in SAID.items()}


RECORDS = {
    "anthropic": {
        "id": "c", "timestamp": AT, "metadata": SAID,
        "response": {"type": "message", "role": "assistant", "model": "m", "usage": {}},
    },
    "bedrock": {
        "schemaType": "ModelInvocationLog", "requestId": "c", "timestamp": AT, "modelId": "m",
        "requestMetadata": SAID,
    },
    "gemini": {
        "logging_time": AT, "model": "gemini-2.5-flash", "full_request": {"labels": SAID},
        "full_response": {},
    },
    "helicone": {
        "request_id": "c", "request_created_at": AT, "response_status": 200, "properties": SAID,
    },
    "langfuse": {
        "id": "c", "traceId": "t", "type": "GENERATION", "startTime": AT, "endTime": END,
        "metadata": SAID,
    },
    "langsmith": {
        "id": "c", "trace_id": "t", "run_type": "llm", "start_time": AT, "end_time": END,
        "extra": {"metadata": SAID},
    },
    "litellm": {
        "id": "c", "call_type": "completion", "startTime": AT, "response_cost": 0.1,
        "metadata": {"requester_metadata": SAID},
    },
    "mlflow": {
        "info": {"trace_id": "t", "request_time": AT, "trace_metadata": SAID},
        "data": {"spans": [span({"mlflow.spanType": '"LLM"'})]},
    },
    "openai_responses": {
        "object": "response", "id": "c", "created_at": NOON // 10**9, "status": "completed",
        "metadata": SAID,
    },
    "openinference": batch(
        span({"openinference.span.kind": "LLM", "metadata": json.dumps(SAID)})
    ),
    "opik": {
        "id": "c", "trace_id": "t", "type": "llm", "start_time": AT, "usage": {}, "metadata": SAID,
    },
    "portkey": {"id": "c", "created_at": AT, "ai_model": "m", "req_units": 1, "metadata": SAID},
    "weave": {
        "id": "c", "op_name": "openai.chat.completions.create", "started_at": AT, "inputs": {},
        "project_id": "p", "attributes": SAID,
    },
}  # fmt: skip
SPANS = {
    "attributes": {"gen_ai.request.model": "m", **SAID},
    "langfuse": {
        "langfuse.observation.type": "generation",
        **below("langfuse.observation.metadata"),
    },
    "mlflow": {"mlflow.spanType": '"LLM"', **SAID},
    "traceloop": {"llm.request.type": "chat", **below("traceloop.association.properties")},
    "vercel": {
        "ai.operationId": "ai.generateText.doGenerate",
        **below("ai.telemetry.metadata"),
    },
}


def context(name, record):
    rows = read_as(name, record)
    assert rows.rejected.is_empty(), rows.rejected["reason"].to_list()
    return rows.calls.select(list(SAID)).row(0, named=True)


@pytest.mark.parametrize("name", RECORDS)
def test_metadata_of_a_record_say_whose_call_it_is(name):
    assert sniff([json.dumps(RECORDS[name])]) == name
    assert context(name, RECORDS[name]) == SAID


@pytest.mark.parametrize("dialect", SPANS)
def test_metadata_of_a_span_say_whose_call_it_is(dialect):
    assert context("otel_genai", batch(span(SPANS[dialect]))) == SAID


@pytest.mark.parametrize("name", ["prompt.name", "prompt_name"])
def test_a_prompt_that_a_run_names_comes_before_the_hubs(name):
    metadata = {name: "greet", "lc_hub_repo": "team/greet"}
    record = RECORDS["langsmith"] | {"extra": {"metadata": metadata}}
    assert read_as("langsmith", record).calls["prompt_name"].to_list() == ["greet"]
