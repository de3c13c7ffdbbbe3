"""Format otel_genai: GenAI spans, OpenLLMetry's and Langfuse's among them, become calls and steps.

The payloads were recorded from the instrumentations named in ``payloads/make_otlp.py``; spans of
older names and of agents are built as their documentation says.
"""

import json
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.spans import (
    CHAT,
    NOON,
    PARENT,
    SPAN,
    TRACE,
    attributes,
    batch,
    call_of,
    span,
    step_of,
)
from tests.formats.worlds import read_as, utc

PAYLOADS = Path(__file__).parent / "payloads"


def recorded(name):
    return read_as("otel_genai", *(PAYLOADS / f"{name}.jsonl").read_text().splitlines())


def picked(frame, *columns):
    return frame.select(columns).rows()


def chat(**more):
    return batch(span(CHAT | {key.replace("__", "."): value for key, value in more.items()}))


def genai(attributes_, **changes):
    return call_of("otel_genai", batch(span(CHAT | attributes_, **changes)))


def test_a_span_becomes_a_call():
    resource = {"service.name": "shop", "deployment.environment.name": "production"}
    record = batch(
        span(CHAT | {"gen_ai.response.id": "chatcmpl-1", "user.id": "u-42", "app.tenant": "acme"}),
        resource=resource,
        scope="opentelemetry.instrumentation.openai_v2",
    )
    found = call_of("otel_genai", record)
    expected = {
        "call_id": SPAN,
        "trace_id": TRACE,
        "parent_id": PARENT,
        "response_id": "chatcmpl-1",
        "project": "shop",
        "instrumentation": "opentelemetry.instrumentation.openai_v2",
        "environment": "production",
        "user_id": "u-42",
        "started_at": utc("2026-11-10T12:00:00"),
        "latency_ms": 1000.0,
        "provider": "openai",
        "model_requested": "gpt-4.1-mini",
        "model": "gpt-4.1-mini-2025-04-14",
        "status": "ok",
        "uncached_input": 120,
        "output_text": 30,
        "messages": [],
        "answer": None,
    }
    assert {name: found[name] for name in expected} == expected


def test_traceloop_counts_cached_and_reasoning_tokens_within():
    calls = recorded("otel_genai_traceloop").calls
    assert picked(calls, "uncached_input", "cache_read", "output_text", "reasoning") == [
        (56, 64, 18, 12),
        (56, 64, 18, 12),
        (None, None, None, None),  # streamed without usage
        (56, 64, 30, 0),
        (None, None, None, None),  # failed
        (8, 0, 0, 0),  # embeddings: the total says that nothing came out
    ]


def test_traceloop_tells_texts_tools_and_failures():
    calls = recorded("otel_genai_traceloop").calls
    question = {"role": "user", "content": "How long may I return it?"}
    assert calls["messages"][0].to_list()[1] == question
    assert calls["answer"].to_list()[:3] == ["Within 30 days.", None, "Within 30 days."]
    tool = [{"name": "find_order", "arguments": '{"order":7}'}]
    assert calls["tool_calls"][1].to_list() == tool
    assert picked(calls, "status", "error_class", "error_status")[4] == (
        "error", "rate_limit", "429",
    )  # fmt: skip


def test_the_workflow_of_traceloop_is_a_chain_that_says_who_asked():
    (step,) = recorded("otel_genai_traceloop").steps.to_dicts()
    expected = {
        "kind": "chain", "name": "answer", "user_id": "u-42", "feature": "support_assistant",
        "project": "shop", "environment": "production", "parent_id": None, "call_id": PARENT,
    }  # fmt: skip
    assert {name: step[name] for name in expected} == expected


def test_openai_v2_has_usage_and_the_parent_has_the_user():
    rows = recorded("otel_genai_openai_v2")
    assert picked(rows.calls, "uncached_input", "output_text", "status")[:3] == [
        (120, 30, "ok"),
        (120, 30, "ok"),
        (None, None, "ok"),
    ]
    assert picked(rows.steps, "kind", "user_id", "session_id") == [("chain", "u-42", "s-7")]


def test_the_console_prints_the_same_spans():
    rows = recorded("otel_genai_console")
    assert picked(rows.calls, "call_id", "trace_id", "latency_ms") == [(SPAN, TRACE, 1000.0)]
    assert picked(rows.steps, "call_id", "parent_id") == [(PARENT, None)]


def test_the_sdk_of_anthropic_counts_its_cache_within_and_splits_its_writes():
    rows = recorded("otel_genai_anthropic")
    columns = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text")
    assert picked(rows.calls, *columns)[0] == (20, 60, 40, 0, 30)
    assert picked(rows.calls, "finish_reason", "response_id", "service_tier")[0] == (
        "end_turn", "msg_1", "standard",
    )  # fmt: skip
    assert picked(rows.calls, "status", "error_class")[1] == ("error", "rate_limit")


def test_writes_for_an_hour_are_taken_out_of_all_writes():
    found = genai(
        {
            "gen_ai.usage.cache_write.input_tokens": 40,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 30,
        }
    )
    assert (found["uncached_input"], found["cache_write_5m"], found["cache_write_1h"]) == (
        80,
        10,
        30,
    )


def test_an_input_smaller_than_its_cached_part_was_counted_apart():
    found = genai({"gen_ai.usage.cache_read.input_tokens": 500})
    assert (found["uncached_input"], found["cache_read"]) == (120, 500)


def test_names_of_before_are_read_too():
    old = {
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-haiku-4-5",
        "gen_ai.usage.prompt_tokens": 10,
        "gen_ai.usage.completion_tokens": 4,
        "gen_ai.usage.cache_read_input_tokens": 6,
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": "Hi",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Hello",
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.completion.0.tool_calls.0.name": "wave",
        "gen_ai.completion.0.tool_calls.0.arguments": "{}",
    }
    found = call_of("otel_genai", batch(span(old)))
    assert (found["provider"], found["model"]) == ("anthropic", "claude-haiku-4-5")
    assert (found["uncached_input"], found["cache_read"], found["output_text"]) == (4, 6, 4)
    assert found["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert (found["answer"], found["finish_reason"]) == ("Hello", "stop")
    assert found["tool_calls"] == [{"name": "wave", "arguments": "{}"}]


def test_messages_may_be_structured_values():
    parts = [{"type": "text", "content": "Hi"}]
    found = genai(
        {
            "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
            "gen_ai.input.messages": [{"role": "user", "parts": parts}],
            "gen_ai.output.messages": [
                {"role": "assistant", "finish_reason": "stop", "parts": parts}
            ],
        }
    )
    assert [message["content"] for message in found["messages"]] == ["Be brief.", "Hi"]
    assert (found["answer"], found["finish_reason"]) == ("Hi", "stop")


def test_messages_may_be_events_of_the_span():
    def event(name, **said):
        return {"name": name, "attributes": attributes(said)}

    events = [
        event("gen_ai.system.message", content="Be brief."),
        event("gen_ai.user.message", content="Hi"),
        event("gen_ai.choice", message='{"role": "assistant", "content": "Hello"}'),
    ]
    found = genai({}, events=events)
    assert [message["role"] for message in found["messages"]] == ["system", "user"]
    assert found["answer"] == "Hello"


@pytest.mark.parametrize("seconds", [0.25, "0.25"])
def test_seconds_to_the_first_chunk_are_milliseconds_to_the_first_token(seconds):
    found = genai({"gen_ai.response.time_to_first_chunk": seconds, "gen_ai.request.stream": True})
    assert (found["ttft_ms"], found["is_stream"]) == (250.0, True)


def test_a_failed_span_says_what_was_thrown():
    thrown = {"exception.type": "openai.APITimeoutError", "exception.message": "Request timed out."}
    events = [{"name": "exception", "attributes": attributes(thrown)}]
    found = genai({}, events=events, status={"code": 2})
    assert (found["status"], found["error_class"]) == ("error", "timeout")
    assert found["error_message"] == "Request timed out."


@pytest.mark.parametrize(
    ("operation", "kind", "named"),
    [
        ("execute_tool", "tool", {"gen_ai.tool.name": "n"}),
        ("invoke_agent", "agent", {"gen_ai.agent.name": "n"}),
        ("create_agent", "agent", {"gen_ai.agent.name": "n"}),
        ("retrieval", "retriever", {"gen_ai.data_source.id": "n"}),
    ],
)
def test_an_operation_that_is_no_inference_is_a_step(operation, kind, named):
    usage = {
        "gen_ai.usage.input_tokens": 5
    }  # an agent's sum over its calls, which count themselves
    record = batch(span({"gen_ai.operation.name": operation} | named | usage))
    step = step_of("otel_genai", record)
    assert (step["kind"], step["name"]) == (kind, "n")


def test_a_retrieval_keeps_its_documents():
    documents = '[{"id": "kb-1", "score": 0.9}, {"id": "kb-2", "score": 0.4}]'
    says = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": documents}
    step = step_of("otel_genai", batch(span(says)))
    assert (step["document_count"], step["output_chars"]) == (2, len(documents))
    assert step["contexts"][0] == {"id": "kb-1", "content": "", "score": 0.9}


@pytest.mark.parametrize("operation", ["generate_content", "text_completion", "embeddings"])
def test_every_inference_is_a_call(operation):
    assert genai({"gen_ai.operation.name": operation})["uncached_input"] == 120


def test_a_retriever_of_traceloop_keeps_its_documents():
    says = {
        "traceloop.span.kind": "retriever",
        "traceloop.entity.name": "kb_search",
        "traceloop.entity.output": '[{"page_content": "Within 30 days.", "metadata": {"id": "k"}}]',
        "traceloop.prompt.key": "answer",
        "traceloop.prompt.version": 3,
    }
    step = step_of("otel_genai", batch(span(says)))
    assert (step["kind"], step["name"]) == ("retriever", "kb_search")
    assert step["contexts"] == [{"id": "k", "content": "Within 30 days.", "score": None}]
    assert (step["prompt_name"], step["prompt_version"]) == ("answer", "3")


def test_recorded_generations_of_langfuse_are_calls():
    calls = recorded("otel_genai_langfuse").calls
    counts = ("uncached_input", "cache_read", "output_text", "reasoning")
    assert picked(calls, *counts) == [
        (56, 64, 18, 12),  # the wrapper of OpenAI counts cached tokens within
        (None, None, None, None),
        (None, None, None, None),
        (56, 64, 30, 0),  # by hand they are counted apart
    ]
    assert picked(calls, "status", "error_class", "finish_reason", "answer")[1:3] == [
        ("ok", None, "stop", "Within 30 days."),
        ("error", "rate_limit", None, None),
    ]
    assert [0 < ms < 200 for ms in calls["ttft_ms"].drop_nulls()] == [True]
    assert [str(cost)[:4] for cost in calls["cost_reported"].drop_nulls()] == ["0.25"]


def test_a_recorded_retriever_of_langfuse_keeps_documents_and_people():
    retriever, root = recorded("otel_genai_langfuse").steps.to_dicts()
    assert retriever["contexts"] == [{"id": "kb-1", "content": "Within 30 days.", "score": 0.9}]
    for step in (retriever, root):
        assert (step["user_id"], step["session_id"], step["feature"], step["tags"]) == (
            "u-42", "s-7", "support_assistant", ["team:care"],
        )  # fmt: skip


LANGFUSE = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.model.name": "gpt-4.1-mini-2025-04-14",
    "langfuse.observation.input": '[{"role": "user", "content": "Hi"}]',
    "langfuse.observation.output": '{"role": "assistant", "content": "Hello"}',
    "langfuse.observation.prompt.name": "answer",
    "langfuse.observation.prompt.version": 3,
    "langfuse.observation.completion_start_time": '"2026-11-10T12:00:00.250000Z"',
    "langfuse.trace.tags": ["team:care"],
    "langfuse.trace.metadata.feature": "support_assistant",
    "langfuse.environment": "production",
    "user.id": "u-42",
    "session.id": "s-7",
}


def langfuse(usage, **more):
    says = LANGFUSE | {"langfuse.observation.usage_details": json.dumps(usage)} | more
    return call_of("otel_genai", batch(span(says)))


def test_a_generation_of_langfuse_becomes_a_call():
    found = langfuse({"input": 120, "output": 30})
    expected = {
        "model": "gpt-4.1-mini-2025-04-14", "prompt_name": "answer", "prompt_version": "3",
        "team": "care", "feature": "support_assistant", "environment": "production",
        "user_id": "u-42", "session_id": "s-7", "ttft_ms": 250.0, "answer": "Hello",
        "messages": [{"role": "user", "content": "Hi"}],
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("usage", "buckets"),
    [
        (  # the OpenAI wrapper passes the provider's usage on
            {
                "prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 12},
            },
            (56, 64, 18, 12),
        ),
        (  # counted apart
            {"input": 56, "input_cached_tokens": 64, "output": 18, "output_reasoning_tokens": 12,
             "total": 150},
            (56, 64, 18, 12),
        ),
        ({"input": 120, "input_cached_tokens": 64, "output": 30, "total": 150}, (56, 64, 30, 0)),
        ({"input_tokens": 20, "cache_read_input_tokens": 60, "output_tokens": 30}, (20, 60, 30, 0)),
    ],
)  # fmt: skip
def test_usage_of_langfuse_is_read_in_the_convention_of_its_source(usage, buckets):
    found = langfuse(usage)
    names = ("uncached_input", "cache_read", "output_text", "reasoning")
    assert tuple(found[name] for name in names) == buckets


def test_an_error_level_of_langfuse_is_a_failure():
    error = {
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.status_message": "Rate limit reached.",
    }
    found = langfuse({}, **error)
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert found["uncached_input"] is None


@pytest.mark.parametrize(
    ("kind", "read"), [("span", "chain"), ("retriever", "retriever"), ("evaluator", "chain")]
)
def test_other_observations_of_langfuse_are_steps(kind, read):
    assert step_of("otel_genai", batch(span({"langfuse.observation.type": kind})))["kind"] == read


VERCEL = {
    "ai.operationId": "ai.streamText.doStream",
    "ai.model.provider": "openai.responses",
    "ai.model.id": "gpt-4.1-mini",
    "ai.response.model": "gpt-4.1-mini-2025-04-14",
    "ai.response.id": "resp_1",
    "ai.response.finishReason": "stop",
    "ai.response.text": "Hello",
    "ai.response.msToFirstChunk": 250,
    "ai.response.toolCalls": '[{"toolName": "wave", "args": "{}"}]',
    "ai.prompt.messages": '[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]',
    "ai.telemetry.functionId": "greet",
    "ai.telemetry.metadata.userId": "u-42",
    "ai.telemetry.metadata.feature": "support_assistant",
    "ai.usage.promptTokens": 120,
    "ai.usage.completionTokens": 30,
}


def test_an_inner_span_of_vercels_sdk_is_a_call():
    found = call_of("otel_genai", batch(span(VERCEL)))
    expected = {
        "name": "greet", "model_requested": "gpt-4.1-mini", "model": "gpt-4.1-mini-2025-04-14",
        "response_id": "resp_1", "finish_reason": "stop", "answer": "Hello", "ttft_ms": 250.0,
        "is_stream": True, "user_id": "u-42", "feature": "support_assistant",
        "messages": [{"role": "user", "content": "Hi"}], "uncached_input": 120, "output_text": 30,
        "tool_calls": [{"name": "wave", "arguments": "{}"}],
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("usage", "buckets"),
    [
        ({"ai.usage.cachedInputTokens": 64}, (56, 64, 0)),
        (
            {"ai.model.provider": "anthropic.messages", "ai.usage.cachedInputTokens": 64},
            (120, 64, 0),
        ),
        (
            {
                "ai.model.provider": "anthropic.messages",
                "ai.usage.inputTokenDetails.noCacheTokens": 20,
                "ai.usage.inputTokenDetails.cacheReadTokens": 60,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 40,
            },
            (20, 60, 40),
        ),
    ],
)
def test_cached_tokens_of_vercels_sdk_are_counted_once(usage, buckets):
    found = call_of("otel_genai", batch(span(VERCEL | usage)))
    names = ("uncached_input", "cache_read", "cache_write_5m")
    assert tuple(found[name] for name in names) == buckets


def test_an_embedding_of_vercels_sdk_received_nothing():
    says = {
        "ai.operationId": "ai.embedMany.doEmbed",
        "ai.model.id": "text-embedding-3-small",
        "ai.model.provider": "openai.embedding",
        "ai.usage.tokens": 58,
    }
    found = call_of("otel_genai", batch(span(says)))
    assert (found["uncached_input"], found["output_text"], found["provider"]) == (58, 0, "openai")


@pytest.mark.parametrize(
    ("operation", "kind", "name"),
    [("ai.streamText", "chain", "greet"), ("ai.toolCall", "tool", "lookup")],
)
def test_outer_spans_and_tools_of_vercels_sdk_are_steps(operation, kind, name):
    says = VERCEL | {"ai.operationId": operation, "ai.toolCall.name": "lookup"}
    step = step_of("otel_genai", batch(span(says)))
    assert (step["kind"], step["name"], step["user_id"]) == (kind, name, "u-42")


def test_a_span_in_no_dialect_is_a_chain_and_plumbing_is_ignored():
    own = span({"app.step": "plan"}, spanId="b" * 16, parentSpanId=None)
    http = span({"http.request.method": "GET"}, spanId="c" * 16)
    database = span({"db.system": "postgresql"}, spanId="d" * 16)
    rows = read_as("otel_genai", batch(own, http, database, span(CHAT)))
    assert rows.steps["kind"].to_list() == ["chain"]
    assert rows.calls.height == 1


def test_plumbing_that_says_who_asked_is_kept():
    step = step_of("otel_genai", batch(span({"http.request.method": "POST", "session.id": "s-7"})))
    assert (step["kind"], step["session_id"]) == ("chain", "s-7")


def test_a_call_without_usage_around_another_call_is_a_chain():
    outer = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1-mini"}
    wrapper = span(outer, spanId=PARENT, parentSpanId=None)
    rows = read_as("otel_genai", batch(wrapper, span(CHAT)))
    assert rows.calls["call_id"].to_list() == [SPAN]
    assert picked(rows.steps, "call_id", "kind") == [(PARENT, "chain")]


def test_a_wrapper_may_be_further_out():
    outer = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1-mini"}
    wrapper = span(outer, spanId="b" * 16, parentSpanId=None)
    between = span({"app.step": "plan"}, spanId=PARENT, parentSpanId="b" * 16)
    rows = read_as("otel_genai", batch(wrapper, between, span(CHAT)))
    assert rows.calls["call_id"].to_list() == [SPAN]
    assert sorted(rows.steps["call_id"]) == [PARENT, "b" * 16]


def test_spans_that_enclose_each_other_are_read():
    first = span(CHAT, spanId="b" * 16, parentSpanId="c" * 16)
    second = span(CHAT, spanId="c" * 16, parentSpanId="b" * 16)
    assert read_as("otel_genai", batch(first, second)).calls.height == 2


def test_an_unknown_operation_is_a_call_only_where_it_names_a_model():
    plan = {"gen_ai.operation.name": "plan"}
    assert step_of("otel_genai", batch(span(plan)))["kind"] == "chain"
    assert genai(plan)["uncached_input"] == 120


def test_one_batch_may_mix_dialects():
    openinference = span(
        {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 7},
        spanId="b" * 16,
    )
    mlflow = span(
        {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.chat.tokenUsage": '{"input_tokens": 9}'},
        spanId="c" * 16,
    )
    rows = read_as("otel_genai", batch(span(CHAT), openinference, mlflow))
    assert rows.calls["uncached_input"].to_list() == [120, 7, 9]


def test_log_records_are_ignored_and_counted():
    record = {"eventName": "gen_ai.client.inference.operation.details", "attributes": []}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record, record]}]}]}
    found = list(FORMATS["otel_genai"].unpack(logs))
    assert found == [{"kind": "ignored"}, {"kind": "ignored"}]
    assert sniff([json.dumps(logs)]) == "otel_genai"


def test_custom_attributes_can_be_mapped():
    (found,) = FORMATS["otel_genai"].unpack(chat(app__tenant="acme", feature="search"))
    assert found["metadata"]["app"] == {"tenant": "acme"}
    assert found["feature"] == "search"


def test_a_span_without_attributes_is_a_chain_of_unknown_name():
    assert step_of("otel_genai", batch(span(name=None, status=None)))["name"] is None


@pytest.mark.parametrize(
    "name",
    [
        "otel_genai_traceloop",
        "otel_genai_openai_v2",
        "otel_genai_anthropic",
        "otel_genai_console",
        "otel_genai_langfuse",
    ],
)
def test_recorded_spans_are_recognised(name):
    assert sniff((PAYLOADS / f"{name}.jsonl").read_text().splitlines()) == "otel_genai"


def test_a_request_without_calls_is_recognised_for_those_that_follow():
    assert sniff([json.dumps(batch(span({"http.request.method": "GET"})))]) == "otel_genai"


@pytest.mark.parametrize(
    "record",
    [
        span({"http.request.method": "GET"}),
        {"resourceSpans": []},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {}}]}]}]},
        {"resourceMetrics": []},
        {"spans": [span(CHAT)]},
        {"attributes": {"gen_ai.system": "openai"}},
    ],
)
def test_records_without_genai_are_not_recognised(record):
    assert sniff([json.dumps(record)]) is None


@pytest.mark.parametrize(
    ("said", "provider"),
    [("openai.responses", "openai"), ("amazon-bedrock", "aws"), ("google.generative-ai", "google")],
)
def test_vercel_names_the_api_behind_the_provider(said, provider):
    spoken = {key: value for key, value in VERCEL.items() if key != "gen_ai.system"}
    found = call_of("otel_genai", batch(span(spoken | {"ai.model.provider": said})))
    assert found["provider"] == provider


def test_a_cost_of_langfuse_without_a_total_is_the_sum_of_its_parts():
    parts = json.dumps({"input": 0.001, "output": 0.002})
    found = langfuse({"input": "120", "output": 30}, **{"langfuse.observation.cost_details": parts})
    assert (found["uncached_input"], found["output_text"]) == (120, 30)
    assert str(found["cost_reported"]).startswith("0.003")


def test_counts_in_text_smaller_than_their_cached_part_were_counted_apart():
    counts = {"input_tokens": "10", "output_tokens": "5", "cache_read.input_tokens": "100"}
    says = {f"gen_ai.usage.{name}": count for name, count in counts.items()}
    found = genai(says)
    assert (found["uncached_input"], found["cache_read"]) == (10, 100)


def test_counts_that_pydantic_ai_puts_beside_the_conventions_lie_within_the_two():
    detailed = {"cache_read_tokens": 16, "cache_write_tokens": 4, "reasoning_tokens": 2}
    found = genai({f"gen_ai.usage.details.{name}": n for name, n in detailed.items()})
    plain = genai({})
    assert (found["cache_read"], found["cache_write_5m"], found["reasoning"]) == (16, 4, 2)
    assert found["uncached_input"] == plain["uncached_input"] - 20
    assert found["output_text"] == plain["output_text"] - 2


def test_bodies_that_google_s_adk_puts_on_its_spans_are_the_texts():
    asked = {
        "contents": [{"role": "user", "parts": [{"text": "Where is it?"}]}],
        "config": {"system_instruction": "Be brief."},
    }
    replied = {"content": {"role": "model", "parts": [{"text": "On its way."}]}}
    bodies = {"llm_request": json.dumps(asked), "llm_response": json.dumps(replied)}
    said = {f"gcp.vertex.agent.{name}": body for name, body in bodies.items()}
    unnamed = {"gen_ai.provider.name": "gcp.vertex.agent", "gen_ai.system": "gcp.vertex.agent"}
    found = genai(said | unnamed)
    assert found["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is it?"},
    ]
    assert (found["answer"], found["provider"]) == ("On its way.", "google")


def test_a_framework_that_names_itself_is_no_provider_and_its_blocks_are_text():
    events = [
        {
            "timeUnixNano": "1",
            "name": "gen_ai.user.message",
            "attributes": attributes({"content": json.dumps([{"text": "Where is it?"}])}),
        },
        {
            "timeUnixNano": "2",
            "name": "gen_ai.choice",
            "attributes": attributes({"message": json.dumps([{"text": "On its way."}])}),
        },
    ]
    named = {"gen_ai.provider.name": "strands-agents", "gen_ai.system": "strands-agents"}
    found = genai(named, events=events)
    assert found["messages"] == [{"role": "user", "content": "Where is it?"}]
    assert (found["answer"], found["provider"]) == ("On its way.", None)


def test_a_choice_of_strands_tells_its_tools_and_why_it_ended():
    message = [{"toolUse": {"toolUseId": "t", "name": "weather", "input": {"city": "Bern"}}}]
    said = {"finish_reason": "tool_use", "message": json.dumps(message)}
    event = {"name": "gen_ai.choice", "timeUnixNano": str(NOON), "attributes": attributes(said)}
    found = call_of("otel_genai", batch(span(CHAT, events=[event])))
    assert (found["finish_reason"], found["answer"]) == ("tool_use", None)
    assert found["tool_calls"] == [{"name": "weather", "arguments": '{"city":"Bern"}'}]


def test_what_langfuse_writes_on_spans_of_others_says_whose_they_are():
    carried = {
        "langfuse.trace.metadata.feature": "returns", "langfuse.trace.tags": ["team:care"],
        "langfuse.environment": "production", "session.id": "s-7",
    }  # fmt: skip
    for says in (CHAT, VERCEL):
        plain = {name: said for name, said in says.items() if "telemetry" not in name}
        found = call_of("otel_genai", batch(span(plain | carried)))
        assert (found["feature"], found["team"]) == ("returns", "care")
        assert (found["environment"], found["session_id"]) == ("production", "s-7")


@pytest.mark.parametrize(
    ("provider", "metadata", "buckets"),
    [
        ("openai.chat", {"openai": {"cachedPromptTokens": 64}}, (56, 64, 0)),
        ("deepseek.chat", {"deepseek": {"promptCacheHitTokens": 64}}, (56, 64, 0)),
        (
            "anthropic.messages",
            {"anthropic": {"cacheReadInputTokens": 60, "cacheCreationInputTokens": 40}},
            (120, 60, 40),
        ),
        ("amazon-bedrock", {"bedrock": {"usage": {"cacheWriteInputTokens": 40}}}, (120, 0, 40)),
        ("openai.chat", {"openai": {}}, (120, 0, 0)),
    ],
)
def test_cached_tokens_that_vercels_sdk_leaves_to_the_metadata(provider, metadata, buckets):
    says = {"ai.model.provider": provider, "ai.response.providerMetadata": json.dumps(metadata)}
    counted = {"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30}
    found = call_of("otel_genai", batch(span(VERCEL | counted | says)))
    names = ("uncached_input", "cache_read", "cache_write_5m")
    assert tuple(found[name] for name in names) == buckets


OPENROUTER = {
    "promptTokens": 120, "completionTokens": 30, "totalTokens": 150, "cost": 0.0123,
    "promptTokensDetails": {"cachedTokens": 64}, "completionTokensDetails": {"reasoningTokens": 12},
}  # fmt: skip


@pytest.mark.parametrize(
    ("metadata", "cost"),
    [
        ({"openrouter": {"usage": OPENROUTER}}, 0.0123),
        ({"openai": {}, "gateway": {"cost": "0.0123", "generationId": "gen_1"}}, 0.0123),
        ({"gateway": {"cost": "0", "marketCost": "0.0123"}}, None),
        ({"gateway": {"cost": "free"}}, None),
        ({"openai": {}}, None),
    ],
)
def test_what_a_gateway_charged_is_in_the_metadata_of_vercels_sdk(metadata, cost):
    for says in (VERCEL, CHAT):
        told = says | {"ai.response.providerMetadata": json.dumps(metadata)}
        found = call_of("otel_genai", batch(span(told)))
        assert (found["cost_reported"] is None) == (cost is None)
        assert cost is None or float(found["cost_reported"]) == cost


def test_usage_of_openrouter_in_vercels_sdk_is_broken_down():
    says = {"ai.response.providerMetadata": json.dumps({"openrouter": {"usage": OPENROUTER}})}
    found = call_of("otel_genai", batch(span(VERCEL | says)))
    names = ("uncached_input", "cache_read", "output_text", "reasoning")
    assert tuple(found[name] for name in names) == (56, 64, 18, 12)


def test_vercels_gateway_is_no_provider_the_model_tells_it():
    old = VERCEL | {"ai.model.provider": "gateway", "ai.model.id": "anthropic/claude-haiku-4.5"}
    new = CHAT | {"gen_ai.provider.name": "gateway"}
    for says in (old, old | {"gen_ai.system": "gateway"}, new):
        assert call_of("otel_genai", batch(span(says)))["provider"] is None


@pytest.mark.parametrize("format_", ["otel_genai", "openinference"])
def test_what_phoenix_adds_to_a_span_of_vercels_sdk_hides_nothing(format_):
    usage = {"cache_read_input_tokens": 60, "input_tokens": 20, "output_tokens": 30}
    says = VERCEL | {
        "ai.model.provider": "anthropic.messages",
        "ai.response.providerMetadata": json.dumps({"anthropic": {"usage": usage}}),
        "openinference.span.kind": "LLM",
        "llm.token_count.prompt": 20,
        "llm.token_count.completion": 30,
    }
    found = call_of(format_, batch(span(says)))
    assert (found["uncached_input"], found["cache_read"], found["output_text"]) == (20, 60, 30)
    assert (found["provider"], found["is_stream"], found["ttft_ms"]) == ("anthropic", True, 250.0)


def test_what_phoenix_adds_to_a_span_of_version_7_hides_nothing_and_makes_no_call():
    cached = {"gen_ai.usage.cache_read.input_tokens": 64}
    added = {"openinference.span.kind": "LLM", "llm.token_count.prompt": 120}
    found = call_of("openinference", batch(span(CHAT | cached | added), scope="gen_ai"))
    assert (found["uncached_input"], found["cache_read"]) == (56, 64)
    around = {"gen_ai.operation.name": "agent_step"} | added
    assert step_of("openinference", batch(span(around), scope="gen_ai"))["kind"] == "chain"
