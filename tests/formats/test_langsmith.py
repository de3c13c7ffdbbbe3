"""Format langsmith: what the SDK sent (payloads/langsmith.jsonl), exports, and odd records."""

import json
from functools import cache
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import one_as, read_as, utc

SENT = (Path(__file__).parent / "payloads" / "langsmith.jsonl").read_text().splitlines()
RUN = {
    "id": "0b1c-run",
    "trace_id": "0b1c-root",
    "parent_run_id": "0b1c-root",
    "run_type": "llm",
    "name": "ChatOpenAI",
    "session_id": "7f0e-project",
    "start_time": "2026-11-10T09:15:02.123000",
    "end_time": "2026-11-10T09:15:03.123000",
    "first_token_time": "2026-11-10T09:15:02.373000",
    "status": "success",
    "extra": {
        "metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4.1-mini", "thread_id": "th-7"},
        "invocation_params": {"model": "gpt-4.1-mini"},
    },
    "tags": ["feature:search"],
    "inputs": {"messages": [{"role": "user", "content": "Hello"}]},
    "outputs": {"generations": [[{"text": "Hi.", "generation_info": {"finish_reason": "stop"}}]]},
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "total_tokens": 150,
    "prompt_token_details": {"cache_read": 64},
    "completion_token_details": {"reasoning": 10},
    "total_cost": "0.0123",
}


@cache
def sent():
    return read_as("langsmith", *SENT)


def run(**changes):
    return {key: value for key, value in (RUN | changes).items() if value is not None}


def one(record):
    return one_as("langsmith", record)


def says(record, expected):
    found = one(record)
    assert {name: found[name] for name in expected} == expected


def test_an_exported_run_becomes_a_call():
    says(
        run(),
        {
            "call_id": "0b1c-run",
            "trace_id": "0b1c-root",
            "parent_id": "0b1c-root",
            "project": "7f0e-project",
            "started_at": utc("2026-11-10T09:15:02.123000"),
            "latency_ms": 1000.0,
            "ttft_ms": 250.0,
            "feature": "search",
            "session_id": "th-7",
            "user_id": None,
            "provider": "openai",
            "model_requested": "gpt-4.1-mini",
            "status": "ok",
            "finish_reason": "stop",
            "uncached_input": 56,
            "cache_read": 64,
            "output_text": 20,
            "reasoning": 10,
            "answer": "Hi.",
            "messages": [{"role": "user", "content": "Hello"}],
            "is_stream": True,
        },
    )
    assert str(one(run())["cost_reported"]).startswith("0.0123")


def test_columns_of_bulk_export_hold_json_as_text():
    flat = {
        key: json.dumps(value) if isinstance(value, (dict, list)) else value
        for key, value in RUN.items()
    }
    assert one(flat) == one(run())


def test_what_the_sdk_sent_is_recognised_line_by_line():
    others = [known for name, known in FORMATS.items() if name != "langsmith"]
    for line in SENT:
        record = json.loads(line)
        assert FORMATS["langsmith"].recognises(record)
        assert not any(other.recognises(record) for other in others)
    assert sniff(SENT) == "langsmith"


def test_beginning_and_end_of_a_run_are_the_same_call():
    calls = sent().calls
    begun, ended = calls.filter(calls["call_id"] == calls["call_id"][0]).to_dicts()
    assert (begun["started_at"], begun["latency_ms"]) == (ended["started_at"], None)
    assert begun["messages"] == [{"role": "user", "content": "When does it ship?"}]
    assert (begun["uncached_input"], begun["answer"]) == (None, None)
    assert (ended["messages"], ended["answer"]) == ([], "It ships on Monday.")
    assert (ended["uncached_input"], ended["cache_read"]) == (56, 64)
    assert (ended["output_text"], ended["reasoning"]) == (20, 10)
    assert (ended["model"], ended["response_id"]) == ("gpt-4.1-mini-2025-04-14", "chatcmpl-1")


def test_a_chain_and_its_retriever_are_steps_that_carry_the_user():
    steps = sent().steps.to_dicts()
    assert {step["kind"] for step in steps} == {"chain", "retriever"}
    root = next(step for step in steps if step["kind"] == "chain")
    assert (root["user_id"], root["session_id"], root["feature"]) == ("u-42", "th-7", "support")
    assert (root["parent_id"], root["project"]) == (None, "support")
    found = next(step for step in steps if step["document_count"] is not None)
    assert found["contexts"] == [
        {"id": "kb-7", "content": "Orders ship on Mondays.", "score": None}
    ]


def test_a_stream_without_usage_has_unknown_tokens():
    calls = sent().calls
    streamed = calls.filter(calls["is_stream"] & calls["ttft_ms"].is_not_null()).to_dicts()
    (found,) = streamed
    assert (found["uncached_input"], found["output_text"]) == (None, None)
    assert (found["status"], found["answer"]) == ("ok", "It ships on Monday.")
    assert found["ttft_ms"] > 0


def test_a_failed_run_keeps_class_and_last_line_of_its_traceback():
    calls = sent().calls
    (found,) = calls.filter(calls["status"] == "error", ~calls["only_asked"]).to_dicts()
    assert (found["error_class"], found["model_requested"]) == ("rate_limit", "limited")
    assert (found["uncached_input"], found["answer"]) == (None, None)
    (record,) = FORMATS["langsmith"].unpack(
        run(error="Traceback (most recent call last):\n  File 'x.py'\n\nhttpx.ReadTimeout: slow")
    )
    assert (record["error_class"], record["error_message"]) == (
        "ReadTimeout",
        "httpx.ReadTimeout: slow",
    )


def test_a_langchain_message_in_either_serialisation_gives_the_same_answer():
    message = {
        "content": "Hi.",
        "type": "ai",
        "usage_metadata": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11,
                           "input_token_details": {"ephemeral_5m_input_tokens": 3,
                                                   "ephemeral_1h_input_tokens": 4}},
        "response_metadata": {"model_name": "claude-sonnet-4-5", "stop_reason": "end_turn",
                              "id": "msg_1"},
        "tool_calls": [{"name": "find", "args": {"q": "x"}, "id": "call_1"}],
    }  # fmt: skip
    built = {"lc": 1, "type": "constructor", "id": ["langchain", "AIMessage"], "kwargs": message}
    plain = {"type": "ai", "data": message}
    expected = {
        "answer": "Hi.", "model": "claude-sonnet-4-5", "finish_reason": "end_turn",
        "response_id": "msg_1", "uncached_input": 2, "cache_write_5m": 3, "cache_write_1h": 4,
        "tool_calls": [{"name": "find", "arguments": '{"q":"x"}'}],
    }  # fmt: skip
    for said in (built, plain):
        says(run(outputs={"generations": [[{"text": "Hi.", "message": said}]]}), expected)
    says(run(outputs={"messages": [built]}), expected)


def test_an_end_without_a_time_is_dated_by_its_order_or_its_id():
    began = "20261110T091502123456Z01a1c733-0000-7000-8000-000000000001"
    dated = run(start_time=None, dotted_order=f"20261110T091501000000Zroot.{began}")
    assert one(dated)["started_at"] == utc("2026-11-10T09:15:02.123456")
    by_id = run(start_time=None, id="019a6d2c-5f2b-7000-8000-000000000001")
    (record,) = FORMATS["langsmith"].unpack(by_id)
    assert record["started_at"].startswith("2025-11-10T")


@pytest.mark.parametrize("named", [{}, {"run_type": None}])
def test_an_end_that_names_no_type_is_of_the_type_that_its_metadata_tell(named):
    end = {key: value for key, value in RUN.items() if key not in ("run_type", "inputs")} | named
    end |= {"dotted_order": "20261110T091502123000Z01a1c733-0000-7000-8000-000000000001"}
    assert sniff([json.dumps(end)]) == "langsmith"
    assert one(end) == one(end | {"run_type": "llm"})
    assert one(end)["output_text"] == 20
    found = {"ls_retriever_name": "kb"}
    for metadata, kind in (({}, "chain"), (found, "retriever")):
        rows = read_as("langsmith", end | {"extra": {"metadata": metadata}})
        assert rows.steps["kind"].to_list() == [kind]


def test_tokens_of_a_chain_are_those_of_its_children_and_count_nothing():
    rows = read_as("langsmith", run(run_type="chain", name="agent"))
    assert rows.calls.is_empty()
    assert rows.steps["kind"].to_list() == ["chain"]


def test_a_run_without_texts_still_has_cost_and_health():
    says(
        run(inputs=None, outputs=None),
        {"messages": [], "answer": None, "uncached_input": 56, "latency_ms": 1000.0},
    )


def test_a_cost_of_zero_is_an_unpriced_model():
    assert one(run(total_cost=0))["cost_reported"] is None


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ({"score": 1}, 5.0),
        ({"score": 0}, 1.0),
        ({"score": True}, 5.0),
        ({"score": None, "value": "thumbs_down"}, 1.0),
        ({"score": 4}, 4.0),
        ({"score": 42, "comment": "Thanks"}, None),
    ],
)
def test_feedback_of_people_is_kept(said, rating):
    record = {
        "id": "f-1",
        "run_id": "r-1",
        "key": "user_score",
        "created_at": "2026-11-10T10:00:00Z",
        "feedback_source": {"type": "app"},
    }
    rows = read_as("langsmith", record | said)
    assert rows.feedback["rating"].to_list() == [rating]
    assert rows.feedback["about_call"].to_list() == ["r-1"]


def test_feedback_of_a_model_is_ignored():
    rows = sent()
    assert rows.feedback["comment"].to_list() == ["Thanks"]


def test_odd_values_are_rows_or_rejections():
    records = []
    for line in [json.dumps(RUN), *SENT]:
        for odd in (None, 3, "x", [], {}, [3], True):
            record = json.loads(line)
            records += [record | {key: odd} for key in record]
            for key in ("extra", "outputs"):
                for inner in record.get(key) or {}:
                    records.append(record | {key: record[key] | {inner: odd}})
    rows = read_as("langsmith", *records)
    assert rows.calls.height > len(records) / 3
    assert not rows.rejected.is_empty()


def test_a_record_of_nothing_but_a_type_is_rejected_by_name():
    rows = read_as("langsmith", {"run_type": "llm"})
    (why,) = rows.rejected["reason"].to_list()
    assert why.startswith("started_at: is missing")


def test_usage_may_stand_beside_the_outputs():
    details = {
        "cache_read": 1000,
        "ephemeral_5m_input_tokens": 150,
        "ephemeral_1h_input_tokens": 50,
    }
    usage = {"input_tokens": 1260, "output_tokens": 50, "total_tokens": 1310}
    record = run() | {"outputs": {"role": "assistant", "content": "Hi."}}
    record |= {"usage_metadata": usage | {"input_token_details": details}}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        record.pop(name, None)
    found = one(record)
    buckets = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text")
    assert [found[name] for name in buckets] == [60, 1000, 150, 50, 50]


def test_an_embedding_is_a_call():
    record = run() | {"run_type": "embedding", "outputs": None, "inputs": None}
    record |= {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}
    del record["prompt_token_details"], record["completion_token_details"]
    assert (one(record)["uncached_input"], one(record)["output_text"]) == (8, 0)


def test_a_cost_in_two_halves_is_their_sum():
    halves = {"total_cost": None, "prompt_cost": "0.001", "completion_cost": 0.002}
    assert str(one(run() | halves)["cost_reported"]).startswith("0.003")


def test_feedback_without_a_source_is_recognised():
    record = {"id": "f-1", "run_id": "r-1", "key": "thumbs", "score": 0}
    record |= {"created_at": "2026-11-10T09:16:00Z"}
    assert sniff([json.dumps(record)]) == "langsmith"
    assert read_as("langsmith", record).feedback["rating"].to_list() == [1.0]


def test_feedback_is_named_by_its_key():
    record = {"id": "f-1", "run_id": "r-1", "key": "thumbs", "score": 0}
    record |= {"created_at": "2026-11-10T09:16:00Z"}
    rows = read_as("langsmith", record, record | {"id": "f-2", "key": 7})
    assert rows.feedback["name"].to_list() == ["thumbs", "7"]


def test_a_run_that_never_ended_is_no_success():
    begun = run(status="pending", end_time=None, outputs=None)
    found = one(begun)
    assert (found["status"], found["only_asked"]) == ("error", True)
    assert found["error_message"] == "the run began, and its end was not logged"
    assert one(run(status="pending"))["status"] == "ok", "it ended, whoever exported it"


def test_the_first_word_on_a_run_does_not_know_its_outcome():
    counts = {f"{name}_tokens": None for name in ("prompt", "completion", "total")}
    first = run(status=None, end_time=None, outputs={}, error=None, total_cost=None, **counts)
    assert (one(first)["status"], one(first)["only_asked"]) == ("error", True)
    for name, told in {"outputs": {"output": "Hi."}, "total_tokens": 150, "total_cost": 1}.items():
        assert not one(first | {name: told})["only_asked"], "an export without this and that"
    assert one(first | {"error": "ValueError()"})["error_class"] == "other"
    step = read_as("langsmith", first | {"run_type": "retriever"}).steps
    assert step["status"].to_list() == ["error"]


def test_a_call_of_vercels_sdk_has_its_provider_and_no_words_for_tools():
    said = {"type": "text", "text": "I look."}
    called = {"type": "tool-call", "toolName": "find_order", "input": {"order": 7}}
    tool = {"type": "function", "function": {"name": "find_order", "arguments": "{}"}}
    run = RUN | {
        "name": "anthropic.messages",
        "extra": {"metadata": {"ls_integration": "vercel-ai-sdk", "ls_model_name": "claude"}},
        "outputs": {
            "role": "assistant", "content": [said, called], "tool_calls": [tool],
            "finishReason": "tool-calls",
        },
    }  # fmt: skip
    found = read_as("langsmith", run).calls.to_dicts()[0]
    assert (found["provider"], found["answer"]) == ("anthropic", "I look.")
    assert (found["finish_reason"], len(found["tool_calls"])) == ("tool-calls", 1)
