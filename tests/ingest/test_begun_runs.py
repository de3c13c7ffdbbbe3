"""Runs that SDKs of LangSmith and Langfuse send twice, when they begin and when they end."""

from itertools import permutations
from typing import Any

import pytest

from llmops_pipelines.ingest import llm_calls, texts_of, trace_steps, unaccounted_rows, unclaimed
from llmops_pipelines.tables import CALL_TEXTS, LANDED_STEPS
from tests.ingest.worlds import Lake, landed, lines, log

RUN = {
    "id": "0b1c-run",
    "trace_id": "0b1c-root",
    "run_type": "llm",
    "name": "ChatOpenAI",
    "session_name": "shop",
    "start_time": "2026-11-10T09:15:02.123000",
}
POST = RUN | {
    "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4.1-mini"}},
    "tags": ["feature:search"],
    "inputs": {"messages": [{"role": "user", "content": "Does it fit?"}]},
    "outputs": {},
}
USAGE = {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150}
PATCH = RUN | {
    "end_time": "2026-11-10T09:15:03.123000",
    "outputs": {"role": "assistant", "content": "It does.", "usage_metadata": USAGE},
}
FAILED = RUN | {
    "end_time": "2026-11-10T09:15:03.123000",
    "error": "RateLimitError(\"Error code: 429 - {'error': {'message': 'slow down'}}\")",
}


def day(lake: Lake) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The day's calls and their texts; nothing is lost or invented."""
    calls = llm_calls(lake.rows())
    assert unaccounted_rows(lake.rows().lazy(), calls).is_empty()
    assert unclaimed(lake.rows().lazy(), calls).is_empty()
    texts = texts_of(lake.rows(CALL_TEXTS).drop("day").lazy(), calls.lazy()).collect()
    return calls.to_dicts(), texts.to_dicts()


def ways(*records: Any) -> list[Lake]:
    """These records as lines, files and the SDK's own requests, in every order."""
    found = [
        landed(log("a.jsonl", lines({"post": [POST], "patch": [records[1]]}))),
        landed(log("a.jsonl", lines({"post": [POST]}, {"patch": [records[1]]}))),
    ]
    for order in permutations(records):
        found.append(landed(log("a.jsonl", lines(*order))))
        found.append(landed(*(log(f"{n}.jsonl", lines(one)) for n, one in enumerate(order))))
    return found


def test_beginning_and_end_are_one_call_with_messages_answer_usage_and_outcome():
    for lake in ways(POST, PATCH):
        (call,), (texts,) = day(lake)
        assert (call["status"], call["error_class"], call["latency_ms"]) == ("ok", None, 1000.0)
        assert (call["uncached_input"], call["output_text"]) == (120, 30)
        assert (call["feature"], call["model_requested"]) == ("search", "gpt-4.1-mini")
        assert texts["messages"] == [{"role": "user", "content": "Does it fit?"}]
        assert texts["answer"] == "It does."


def test_the_beginning_does_not_hide_the_error_at_the_end():
    for lake in ways(POST, FAILED):
        (call,), (texts,) = day(lake)
        assert (call["status"], call["error_class"]) == ("error", "rate_limit")
        assert (call["feature"], call["latency_ms"]) == ("search", 1000.0)
        assert texts["messages"] == [{"role": "user", "content": "Does it fit?"}]


@pytest.mark.parametrize("more", [{}, {"status": "pending"}, {"inputs": None}])
def test_a_run_whose_end_never_comes_is_a_failed_call(more: dict[str, Any]):
    lake = landed(log("a.jsonl", lines(POST | more)), log("b.jsonl", lines(POST | more | {"x": 1})))
    (call,), texts = day(lake)
    assert (call["status"], call["error_class"]) == ("error", "other")
    assert (call["uncached_input"], call["feature"]) == (None, "search")
    assert len(texts) == (more != {"inputs": None})
    assert lake.counts("a.jsonl") == (1, 1, 0, 0, 0, 0)


def test_an_export_that_hung_gives_way_to_a_later_one_that_failed():
    hung = POST | {"status": "pending", "prompt_tokens": 7, "total_tokens": 7}
    lake = landed(log("a.jsonl", lines(hung)), log("b.jsonl", lines(FAILED | {"status": "error"})))
    (call,), _ = day(lake)
    assert call["error_class"] == "rate_limit"


def test_of_a_step_the_end_is_kept_whatever_its_digest():
    for number in range(8):
        step = RUN | {"run_type": "retriever", "name": f"search {number}"}
        end = {"end_time": PATCH["end_time"], "outputs": {"documents": [{"page_content": "A."}]}}
        lake = landed(log("a.jsonl", lines(step, step | end)))
        (row,) = trace_steps(lake.rows(LANDED_STEPS).drop("day")).to_dicts()
        assert (row["status"], row["latency_ms"], row["document_count"]) == ("ok", 1000.0, 1)


CREATED: dict[str, Any] = {
    "id": "g-1", "traceId": "t-1", "startTime": "2026-11-10T09:15:02.123Z", "name": "answer",
    "metadata": {"feature": "search"}, "model": "gpt-4.1-mini",
    "input": [{"role": "user", "content": "Does it fit?"}],
}  # fmt: skip
ENDED = {"id": "g-1", "traceId": "t-1", "endTime": "2026-11-10T09:15:03.123Z"}
ANSWERED = ENDED | {"output": "It does.", "usage": {"input": 120, "output": 30, "total": 150}}
THROWN = ENDED | {"level": "ERROR", "statusMessage": "Error: 500 Something of ours broke."}


def ingested(*bodies: dict[str, Any], kinds: tuple[str, ...] = ("create", "update")) -> Lake:
    """Events of one generation as Langfuse's SDK for JavaScript sends them, each by itself."""
    events = [
        {"type": f"generation-{kind}", "timestamp": "2026-11-10T09:15:03.124Z", "body": body}
        for kind, body in zip(kinds, bodies, strict=False)
    ]
    return landed(log("a.jsonl", lines(*({"batch": [event]} for event in events))))


def test_a_generation_that_langfuses_sdk_sends_in_two_batches_is_one_call():
    (call,), (texts,) = day(ingested(CREATED, ANSWERED))
    assert (call["status"], call["uncached_input"], call["output_text"]) == ("ok", 120, 30)
    assert call["latency_ms"] is None  # the end alone does not say when it began
    assert call["feature"] == "search"
    assert texts["messages"] == [{"role": "user", "content": "Does it fit?"}]
    assert texts["answer"] == "It does."


def test_the_error_of_a_generation_in_a_later_batch_is_kept():
    (call,), (texts,) = day(ingested(CREATED, THROWN))
    assert (call["status"], call["error_class"]) == ("error", "server")
    assert texts["messages"] == [{"role": "user", "content": "Does it fit?"}]


def test_a_generation_whose_end_never_comes_is_a_failed_call():
    (call,), _ = day(ingested(CREATED))
    assert (call["status"], call["error_class"]) == ("error", "other")


def test_a_generation_in_one_event_is_a_call():
    (call,), _ = day(ingested(CREATED | ANSWERED))
    assert (call["status"], call["latency_ms"], call["uncached_input"]) == ("ok", 1000.0, 120)
