"""Answers of several providers in one log: each is read as what it is, whoever has most lines."""

import json

import pytest

from llmops_pipelines.ingest import Sources, llm_calls, texts_of
from llmops_pipelines.ingest.previewing.preview import preview, preview_json
from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import CALL_TEXTS, LANDED_STEPS
from tests.ingest.worlds import call, landed, lines, log, options

ANSWERS = {
    "anthropic": {
        "id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "end_turn",
        "model": "claude-sonnet-4-5", "content": [{"type": "text", "text": "Hi, I am Claude."}],
        "usage": {"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 4},
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "Hi."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10},
        "modelVersion": "gemini-2.0-flash",
    },
    "openai_responses": {
        "id": "resp_1", "object": "response", "created_at": 1794300000, "status": "completed",
        "model": "gpt-5-mini", "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
        "output": [{"type": "message", "role": "assistant",
                    "content": [{"type": "output_text", "text": "Hi."}]}],
    },
    "bedrock_converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi."}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
    },
    "cohere": {
        "id": "c-1", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
        "usage": {"billed_units": {"input_tokens": 7.0, "output_tokens": 3.0}},
    },
    "openai_chunks": [
        {"object": "chat.completion.chunk", "id": "s-1", "created": 1794300000, "model": "m-1",
         "choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]},
        {"object": "chat.completion.chunk", "id": "s-1", "choices": [],
         "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    ],
    "openai": call()["response"] | {"usage": {"prompt_tokens": 7, "completion_tokens": 3}},
}  # fmt: skip


def answered(number: int, name: str, **changes):
    asked = f"Question {number}?"
    if name == "openai_responses":
        changes["request"] = {"model": "m", "input": asked}
    return call(number, **{"response": ANSWERS[name]} | changes)


@pytest.mark.parametrize("most", ANSWERS)
@pytest.mark.parametrize("batch_lines", [1, 100])
def test_whoever_has_most_lines_all_are_read_with_counts_and_texts(most, batch_lines):
    records = [answered(number, most) for number in range(6)]
    records += [answered(10 + place, name) for place, name in enumerate(ANSWERS)]
    lake = landed(log("log.jsonl", lines(*records)), batch_lines=batch_lines)
    calls = llm_calls(lake.rows())
    texts = texts_of(lake.rows(CALL_TEXTS).lazy(), calls.lazy()).collect()
    count = len(records)
    assert lake.counts() == (count, count, 0, 0, 0, 0)
    assert lake.file()["source_format"] == most
    rows = lake.rows()
    assert rows["uncached_input"].to_list() == [7] * count
    assert rows["source_line"].to_list() == list(range(1, count + 1))
    assert rows["answer_chars"].null_count() == 0
    assert texts["question"].null_count() == 0


@pytest.mark.parametrize("most", ANSWERS)
def test_no_answer_becomes_that_of_the_provider_that_most_lines_are_of(most):
    alone = {"anthropic": None, "bedrock_converse": "aws", "cohere": "cohere", "gemini": "google",
             "openai": None, "openai_chunks": None, "openai_responses": None}  # fmt: skip
    records = [answered(number, most) for number in range(8)]
    records += [answered(10 + place, name) for place, name in enumerate(alone)]
    unnamed = [{k: v for k, v in each.items() if k != "provider"} for each in records]
    rows = landed(log("log.jsonl", lines(*unnamed))).rows().sort("source_line")
    assert rows["provider"].tail(len(alone)).to_list() == list(alone.values())
    ids = rows["response_id"].tail(len(alone)).to_list()
    assert ids[:1] == ["msg_1"]
    assert ids[-1:] == ["resp_1"]


TOOLS = {
    "litellm": {
        "id": "l-1", "call_type": "acompletion", "startTime": 1794300000.5, "response_cost": 0.1,
        "endTime": 1794300001.5, "model": "m-1", "prompt_tokens": 7, "completion_tokens": 3,
    },
    "langfuse": {
        "id": "o-1", "traceId": "t-1", "type": "GENERATION", "startTime": "2026-11-10T10:00:00Z",
        "model": "m-1", "usageDetails": {"input": 7, "output": 3},
    },
    "langsmith": {
        "id": "s-1", "trace_id": "s-1", "run_type": "llm", "start_time": "2026-11-10T11:00:00",
        "end_time": "2026-11-10T11:00:01", "prompt_tokens": 7, "completion_tokens": 3,
        "status": "success", "extra": {"metadata": {"ls_model_name": "m-1"}},
    },
    "helicone": {
        "request_id": "h-1", "request_created_at": "2026-11-10T12:00:00Z", "response_status": 200,
        "request_model": "m-1", "prompt_tokens": 7, "completion_tokens": 3,
    },
    "otel_genai": {
        "resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": "1794300000000000000",
            "endTimeUnixNano": "1794300001000000000", "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "m-1"}},
                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
                {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "3"}},
            ],
        }]}]}],
    },
    "openai": call(9, response=ANSWERS["openai"]),
}  # fmt: skip


@pytest.mark.parametrize("most", TOOLS)
def test_records_of_several_tools_in_one_log_are_each_read_as_what_they_are(most):
    records = [TOOLS[most], *TOOLS.values()]
    lake = landed(log("log.jsonl", lines(*records)))
    count = len(records)
    assert lake.counts() == (count, count, 0, 0, 0, 0)
    assert lake.file()["source_format"] == most
    assert lake.rows().select("uncached_input", "output_text").rows() == [(7, 3)] * count


def test_a_log_that_people_said_is_a_tools_is_read_as_that_alone():
    entry = {"name": "g", "match": "log.jsonl", "format": "helicone"}
    sources = Sources.model_validate({"sources": [entry]})
    records = [TOOLS["helicone"], TOOLS["litellm"]]
    lake = landed(log("log.jsonl", lines(*records)), sources=sources)
    assert lake.rows()["source_format"].to_list() == ["helicone"]


def test_answers_without_an_envelope_may_be_mixed_and_are_dated_as_each_would_be():
    bare = [
        call()["response"] | {"object": "chat.completion", "id": "c", "created": 1794300000},
        ANSWERS["openai_responses"],
        ANSWERS["anthropic"],
        ANSWERS["gemini"],
    ]
    for records in (bare, bare[::-1]):
        lake = landed(log("2026-11-09.jsonl", lines(*records)))
        assert lake.counts("2026-11-09.jsonl") == (4, 4, 0, 0, 0, 0)
        days = sorted(str(at.date()) for at in lake.rows()["started_at"])
        assert days == ["2026-11-09", "2026-11-09", "2026-11-10", "2026-11-10"]


def test_what_a_trace_says_of_its_feature_holds_for_them_too():
    step = {"kind": "step", "id": "s", "trace_id": "t", "step": "retriever", "feature": "hr"}
    other = answered(3, "anthropic", trace_id="t", feature=None)
    records = [
        answered(1, "openai"),
        answered(2, "openai"),
        step | {"timestamp": call()["timestamp"]},
    ]
    features = Features.model_validate({"features": {"hr": {"team": "hr", "content": "none"}}})
    lake = landed(log("log.jsonl", lines(*records, other)), features=features)
    assert lake.rows(LANDED_STEPS).height == 1
    assert lake.rows().filter(source_format="anthropic")["feature"].to_list() == ["hr"]
    assert "Claude" not in str(lake.rows(CALL_TEXTS).to_dicts())


def test_lines_that_nobody_reads_stay_rejected_once():
    records = ["{", answered(1, "openai"), answered(2, "anthropic", timestamp="soon"), "[]"]
    lake = landed(log("log.jsonl", lines(*records)))
    assert lake.counts() == (4, 1, 0, 0, 3, 0)


def test_a_preview_says_where_the_fields_of_each_come_from():
    records = [answered(1, "openai"), answered(2, "openai"), answered(3, "anthropic")]
    found = preview_json(
        preview(log("log.jsonl", lines(*records)), options(), price_book(PriceOverrides()))
    )
    assert found["tokens"]["uncached_input"] == 21
    assert found["tokens_unknown"] == 0
    assert "response.usage.input_tokens" not in found["dropped"]
    assert "response.usage.prompt_tokens" not in found["dropped"]


@pytest.mark.parametrize("name", ANSWERS)
def test_bodies_that_a_database_holds_as_text_are_read(name):
    texts = {field: json.dumps(answered(1, name)[field]) for field in ("request", "response")}
    lake = landed(log("log.jsonl", lines(call(1, **texts), call(2, **texts), "{", "no JSON")))
    assert lake.counts() == (4, 2, 0, 0, 2, 0)
    assert lake.file()["source_format"] == name
    assert lake.rows()["uncached_input"].to_list() == [7, 7]
    assert lake.rows()["question_chars"].to_list() == [len("Question 1?")] * 2
