"""Format opik: what the SDK sent (payloads/opik.jsonl), and records as its REST API types them.

Those are built from ``SpanPublic``, ``TracePublic`` and ``FeedbackScorePublic`` of opik 2.2.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import one_as, read_as, unpacked_kinds, utc, values

SENT = (Path(__file__).parent / "payloads" / "opik.jsonl").read_text().splitlines()
SPAN = {
    "id": "0198-span",
    "project_id": "0198-project",
    "trace_id": "0198-trace",
    "parent_span_id": "0198-parent",
    "name": "chat_completion_create",
    "type": "llm",
    "start_time": "2026-11-10T09:15:02.123Z",
    "end_time": "2026-11-10T09:15:03.123Z",
    "input": {"messages": [{"role": "user", "content": "Hello"}]},
    "output": {
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hi."}}]
    },
    "metadata": {
        "created_from": "openai",
        "type": "openai_chat",
        "id": "chatcmpl-1",
        "feature": "search",
        "user_id": "u-42",
    },
    "model": "gpt-4.1-mini-2025-04-14",
    "provider": "openai",
    "tags": ["beta"],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "original_usage.prompt_tokens": 120,
        "original_usage.completion_tokens": 30,
        "original_usage.total_tokens": 150,
        "original_usage.prompt_tokens_details.cached_tokens": 64,
        "original_usage.completion_tokens_details.reasoning_tokens": 10,
    },
    "feedback_scores": [
        {
            "name": "helpful",
            "value": 1.0,
            "category_name": "👍",
            "reason": "Right.",
            "source": "ui",
            "created_at": "2026-11-10T10:00:00Z",
        },
        {"name": "hallucination", "value": 0.2, "source": "online_scoring"},
    ],
    "total_estimated_cost": 0.0001,
    "ttft": 240.5,
    "duration": 1000.0,
}
TRACE = {
    "id": "0198-trace",
    "project_id": "0198-project",
    "name": "answer",
    "start_time": "2026-11-10T09:15:02.000Z",
    "end_time": "2026-11-10T09:15:04.000Z",
    "input": {"text": "Hello"},
    "output": {"output": "Hi."},
    "metadata": {"feature": "search"},
    "thread_id": "th-7",
    "span_count": 2,
    "feedback_scores": [{"name": "stars", "value": 4, "source": "sdk"}],
}
BUCKETS = ("uncached_input", "cache_read", "cache_write_5m", "output_text", "reasoning")


@cache
def sent():
    return read_as("opik", *SENT)


def span(**changes):
    """A span; None drops a key."""
    return {name: value for name, value in (SPAN | changes).items() if value is not None}


def one(**changes):
    return one_as("opik", span(**changes))


def counted(**usage):
    found = one(usage=usage)
    return values(found, *BUCKETS, "tokens_doubted")


def test_a_span_of_a_model_is_a_call():
    found = one()
    expected = {
        "call_id": "0198-span",
        "trace_id": "0198-trace",
        "parent_id": "0198-parent",
        "response_id": "chatcmpl-1",
        "project": "0198-project",
        "instrumentation": "openai",
        "name": "chat_completion_create",
        "started_at": utc("2026-11-10T09:15:02.123"),
        "latency_ms": 1000.0,
        "ttft_ms": 240.5,
        "feature": "search",
        "user_id": "u-42",
        "tags": ["beta"],
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "status": "ok",
        "finish_reason": "stop",
        "messages": [{"role": "user", "content": "Hello"}],
        "answer": "Hi.",
    }
    assert {name: found[name] for name in expected} == expected
    assert values(found, *BUCKETS) == (56, 64, 0, 20, 10)
    assert float(found["cost_reported"]) == 0.0001


def test_scores_of_people_are_feedback_and_those_of_judges_are_not():
    rows = read_as("opik", SPAN, TRACE, TRACE | {"source": "experiment"})
    found = rows.feedback.select("call_id", "about_call", "name", "rating", "comment").rows()
    assert found == [
        ("0198-span:helpful", "0198-span", "helpful", 5.0, "Right."),
        ("0198-trace:stars", None, "stars", 4.0, None),
    ]


def test_a_trace_is_the_root_step_and_carries_the_session():
    rows = read_as("opik", TRACE, span(parent_span_id=None))
    (step,) = rows.steps.to_dicts()
    told = values(step, "call_id", "name", "kind", "session_id", "feature", "latency_ms")
    assert told == ("0198-trace", "answer", "chain", "th-7", "search", 2000.0)
    assert rows.calls["parent_id"].to_list() == ["0198-trace"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "tool"}, "tool"),
        ({"type": "guardrail"}, "guardrail"),
        ({"type": "general"}, "chain"),
        ({"type": "general", "name": "support_agent"}, "agent"),
        ({"type": "tool", "name": "VectorStoreRetriever"}, "retriever"),
    ],
)
def test_other_spans_are_steps(changes, kind):
    rows = read_as("opik", span(**changes))
    assert (rows.calls.height, rows.steps["kind"].to_list()) == (0, [kind])


def test_a_retrievers_documents_are_kept():
    output = {"documents": [{"id": "kb-7", "page_content": "Mondays."}]}
    rows = read_as("opik", span(type="tool", name="retrieve", output=output))
    assert rows.steps["document_count"].to_list() == [1]


def test_counts_of_each_provider_are_read_by_its_own_names():
    anthropic = {
        "prompt_tokens": 220,
        "completion_tokens": 30,
        "total_tokens": 250,
        "original_usage.input_tokens": 56,
        "original_usage.output_tokens": 30,
        "original_usage.cache_creation_input_tokens": 100,
        "original_usage.cache_read_input_tokens": 64,
    }
    assert counted(**anthropic) == (56, 64, 100, 30, 0, None)
    gemini = {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "original_usage.prompt_token_count": 120,
        "original_usage.candidates_token_count": 20,
        "original_usage.thoughts_token_count": 10,
        "original_usage.cached_content_token_count": 64,
        "original_usage.total_token_count": 150,
    }
    assert counted(**gemini) == (56, 64, 0, 20, 10, None)
    bedrock = {
        "original_usage.inputTokens": 56,
        "original_usage.outputTokens": 30,
        "original_usage.cacheReadInputTokens": 64,
        "total_tokens": 150,
    }
    assert counted(**bedrock) == (56, 64, 0, 30, 0, None)


def test_without_the_providers_own_names_opiks_three_are_taken():
    assert counted(prompt_tokens=120, completion_tokens=30, total_tokens=150)[:4] == (120, 0, 0, 30)
    assert counted(completion_tokens=0, prompt_tokens=0, total_tokens=0)[0] is None
    assert one(usage=None)["uncached_input"] is None


def test_a_total_that_says_more_than_the_counts_is_doubted():
    usage = {"original_usage.input_tokens": 56, "original_usage.output_tokens": 30}
    assert counted(**usage, total_tokens=500)[-1] == 414


def test_a_failed_call_has_its_class_and_status():
    raised = {
        "exception_type": "RateLimitError",
        "message": "Error code: 429 - slow down",
        "traceback": "Traceback (most recent call last):",
    }
    found = one(error_info=raised, usage=None, output=None)
    assert values(found, "status", "error_class", "uncached_input") == ("error", "rate_limit", None)


@pytest.mark.parametrize("cost", [0, 0.0, "0", "0.0"])  # of a CSV, each is a text
def test_an_estimate_of_nothing_is_no_cost(cost):
    assert one(total_estimated_cost=cost)["cost_reported"] is None


def test_an_export_holds_a_trace_with_its_spans():
    times = {"start_time": "2026-11-10 09:15:02.123000+00:00", "end_time": None}
    rows = read_as("opik", {"trace": TRACE, "spans": [SPAN, SPAN | times | {"id": "b"}]})
    assert (rows.calls.height, rows.steps.height, rows.rejected.height) == (2, 1, 0)


def test_what_the_sdk_sent_are_calls_and_steps():
    rows = sent()
    assert rows.rejected.is_empty()
    assert rows.calls.select("model", *BUCKETS).sort("model", *BUCKETS).rows() == [
        ("claude-sonnet-4-5-20250929", 56, 64, 100, 30, 0),
        ("gpt-4.1-mini-2025-04-14", 56, 64, 0, 20, 10),
        ("gpt-4.1-mini-2025-04-14", 56, 64, 0, 20, 10),
        ("limited", None, None, None, None, None),
    ]
    failed = rows.calls.filter(status="error").row(0, named=True)
    assert values(failed, "error_class", "error_status") == ("rate_limit", "429")
    streamed = rows.calls.filter(is_stream=True).row(0, named=True)
    assert values(streamed, "answer", "response_id") == ("It ships on Monday.", "chatcmpl-1")


def test_a_span_that_has_only_begun_is_ignored_until_it_is_typed():
    begun = span(type="general", end_time=None, output=None)
    assert unpacked_kinds("opik", begun) == ["ignored"]


def test_its_records_are_recognised_as_its_own():
    exported = {"trace": TRACE, "spans": []}
    for record in (SPAN, TRACE, span(type="tool"), span(type="guardrail"), exported):
        assert sniff([json.dumps(record)]) == "opik"
    langfuse = {"id": "o", "traceId": "t", "type": "TOOL", "startTime": "2026-11-10T09:15:02Z"}
    assert not FORMATS["opik"].recognises(langfuse)


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    odd = (None, 3, "x", [], {}, [3], {"a": 1})
    records = [SPAN | {name: value} for name in SPAN if name != "type" for value in odd]
    records += [
        span(usage=SPAN["usage"] | {name: value}) for name in SPAN["usage"] for value in odd
    ]
    records = [record | {"feedback_scores": []} for record in records]
    rows = read_as("opik", *records)
    assert rows.calls.height + rows.rejected.height == len(records)
    assert rows.rejected.height < len(records) / 3


def test_a_span_without_a_time_says_what_is_missing():
    (reason,) = read_as("opik", span(start_time="")).rejected["reason"].to_list()
    assert reason.startswith("started_at: is missing")
