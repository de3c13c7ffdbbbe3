"""Format openinference: spans in OTLP, rows of Phoenix's data frame and of its REST interface.

The payloads were recorded from the instrumentations named in ``payloads/make_otlp.py``; rows of
Phoenix are built with the columns that its client returns.
"""

import io
import json
from pathlib import Path

import polars as pl
import pytest

from llmops_pipelines.formats import sniff
from llmops_pipelines.ingest.log_files.tabular import parquet_blocks
from tests.formats.spans import CHAT, NOON, PARENT, SPAN, TRACE, batch, call_of, span, step_of
from tests.formats.worlds import read_as, utc

PAYLOADS = Path(__file__).parent / "payloads"
LLM = {"openinference.span.kind": "LLM"}


def recorded(name):
    return read_as("openinference", *(PAYLOADS / f"{name}.jsonl").read_text().splitlines())


def picked(frame, *columns):
    return frame.select(columns).rows()


def llm(more, **changes):
    return call_of("openinference", batch(span(LLM | more, **changes)))


def test_a_recorded_call_of_openai_is_read_whole():
    found = recorded("openinference_openai").calls.to_dicts()[0]
    expected = {
        "call_id": SPAN,
        "trace_id": TRACE,
        "parent_id": PARENT,
        "response_id": "chatcmpl-1",
        "project": "shop",
        "instrumentation": "openinference.instrumentation.openai",
        "feature": "support_assistant",
        "team": "care",
        "environment": "production",
        "tags": ["team:care"],
        "user_id": "u-42",
        "session_id": "s-7",
        "provider": "openai",
        "model": "gpt-4.1-mini-2025-04-14",
        "model_requested": "gpt-4.1-mini",
        "service_tier": "default",
        "prompt_version": "3",
        "prompt_template": "{system}",
        "status": "ok",
        "finish_reason": "stop",
        "uncached_input": 56,
        "cache_read": 64,
        "output_text": 18,
        "reasoning": 12,
        "messages": [
            {"role": "system", "content": "You answer briefly."},
            {"role": "user", "content": "How long may I return it?"},
        ],
        "answer": "Within 30 days.",
    }
    assert {name: found[name] for name in expected} == expected


def test_recorded_tools_streams_failures_and_embeddings_are_told_apart():
    calls = recorded("openinference_openai").calls
    assert picked(calls, "uncached_input", "is_stream", "status", "error_class", "answer")[1:] == [
        (56, None, "ok", None, None),
        (None, True, "ok", None, "Within 30 days."),
        (56, True, "ok", None, "Within 30 days."),
        (None, None, "error", "rate_limit", None),
        (8, None, "ok", None, None),
    ]
    assert calls["tool_calls"][1].to_list() == [{"name": "find_order", "arguments": '{"order": 7}'}]
    assert calls["finish_reason"][1] == "tool_calls"
    assert all(ms > 0 for ms in calls["ttft_ms"][2:4])
    assert calls["model"].to_list()[4:] == ["overloaded", "text-embedding-3-small"]


def test_the_root_is_a_step():
    assert picked(recorded("openinference_openai").steps, "call_id", "kind", "parent_id") == [
        (PARENT, "chain", None)
    ]


def test_the_sdks_own_span_stays_a_call_beside_that_of_the_instrumentation():
    calls = recorded("openinference_anthropic").calls.sort("instrumentation", "started_at")
    names = ("instrumentation", "response_id", "uncached_input", "cache_read", "cache_write_5m")
    assert picked(calls, *names) == [
        ("com.anthropic.sdk.python", "msg_1", 20, 60, 40),
        ("com.anthropic.sdk.python", None, None, None, None),
        ("openinference.instrumentation.anthropic", "msg_1", 20, 60, 40),
        ("openinference.instrumentation.anthropic", None, None, None, None),
    ]
    assert picked(calls, "status", "error_class")[3] == ("error", "rate_limit")
    assert set(calls["parent_id"][:2]) == set(calls["call_id"][2:])


def test_a_retriever_keeps_its_documents_in_order():
    says = {"openinference.span.kind": "RETRIEVER", "input.value": "return policy"}
    for place in range(11):
        says |= {
            f"retrieval.documents.{place}.document.id": f"kb-{place}",
            f"retrieval.documents.{place}.document.content": "Within 30 days.",
            f"retrieval.documents.{place}.document.score": 1 - place / 20,
        }
    step = step_of("openinference", batch(span(says, name="kb_search")))
    assert (step["kind"], step["name"], step["document_count"]) == ("retriever", "kb_search", 11)
    assert [found["id"] for found in step["contexts"]][9:] == ["kb-9", "kb-10"]
    assert step["contexts"][0] == {"id": "kb-0", "content": "Within 30 days.", "score": 1.0}
    assert step["input_chars"] == 13


def test_a_reranker_keeps_what_it_put_out():
    says = {
        "openinference.span.kind": "RERANKER",
        "reranker.input_documents.0.document.id": "kb-1",
        "reranker.output_documents.0.document.id": "kb-2",
    }
    step = step_of("openinference", batch(span(says)))
    assert [found["id"] for found in step["contexts"]] == ["kb-2"]


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("CHAIN", "chain"), ("TOOL", "tool"), ("AGENT", "agent"), ("GUARDRAIL", "guardrail"),
        ("EVALUATOR", "chain"), ("PROMPT", "chain"), ("EMBEDDING", "embedding"), ("odd", "chain"),
    ],
)  # fmt: skip
def test_other_kinds_are_steps(kind, read):
    assert step_of("openinference", batch(span({"openinference.span.kind": kind})))["kind"] == read


def test_messages_in_parts_lists_or_json_text_are_the_same():
    parts = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "Hi",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
    }
    listed = [{"message.role": "user", "message.content": "Hi"}]
    nested = json.dumps([{"message": {"role": "user", "content": "Hi"}}])
    found = [
        llm(says)["messages"]
        for says in (parts, {"llm.input_messages": listed}, {"llm.input_messages": nested})
    ]
    assert found == [
        [{"role": "user", "content": "Hi\n[image]"}],
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "Hi"}],
    ]


def test_input_and_output_stand_in_for_messages():
    found = llm({"input.value": "Hi", "output.value": "Hello"})
    assert found["messages"] == [{"role": "user", "content": "Hi"}]
    assert found["answer"] == "Hello"


def test_a_cost_and_the_answer_schema_are_kept():
    parameters = {"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}}
    found = llm({"llm.cost.total": 0.25, "llm.invocation_parameters": json.dumps(parameters)})
    assert str(found["cost_reported"]).startswith("0.25")
    assert (found["format_requested"], found["response_schema"]) == ("json_schema", '{"a":1}')


ROW = {
    "name": "ChatCompletion",
    "span_kind": "LLM",
    "parent_id": PARENT,
    "start_time": 1794312000000,
    "end_time": 1794312001000,
    "status_code": "OK",
    "status_message": "",
    "events": [],
    "context.span_id": SPAN,
    "context.trace_id": TRACE,
    "attributes.llm.model_name": "gpt-4.1-mini-2025-04-14",
    "attributes.llm.token_count.prompt": 120.0,
    "attributes.llm.token_count.completion": 30.0,
    "attributes.llm.token_count.prompt_details.cache_read": 64.0,
    "attributes.llm.input_messages": [{"message.role": "user", "message.content": "Hi"}],
    "attributes.llm.output_messages": [{"message.role": "assistant", "message.content": "Hello"}],
    "attributes.metadata": {"feature": "support_assistant"},
    "attributes.session.id": "s-7",
    "attributes.user.id": "u-42",
    "attributes.retrieval.documents": None,
}
REST = {
    "id": "U3BhbjoxMQ==",
    "name": "ChatCompletion",
    "context": {"trace_id": TRACE, "span_id": SPAN},
    "span_kind": "LLM",
    "parent_id": PARENT,
    "start_time": "2026-11-10T12:00:00+00:00",
    "end_time": "2026-11-10T12:00:01+00:00",
    "status_code": "OK",
    "status_message": "",
    "attributes": {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4.1-mini-2025-04-14",
        "llm.token_count.prompt": 120,
        "llm.token_count.completion": 30,
        "llm.token_count.prompt_details.cache_read": 64,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Hi",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "Hello",
        "metadata.feature": "support_assistant",
        "session.id": "s-7",
        "user.id": "u-42",
    },
    "events": [],
}
NESTED = {
    **{key: value for key, value in ROW.items() if not key.startswith("attributes.")},
    "attributes": {
        "openinference": {"span": {"kind": "LLM"}},
        "llm": {
            "model_name": "gpt-4.1-mini-2025-04-14",
            "token_count": {"prompt": 120, "completion": 30, "prompt_details": {"cache_read": 64}},
            "input_messages": [{"message": {"role": "user", "content": "Hi"}}],
            "output_messages": [{"message": {"role": "assistant", "content": "Hello"}}],
        },
        "metadata": '{"feature": "support_assistant"}',
        "session": {"id": "s-7"},
        "user": {"id": "u-42"},
    },
}
EXPECTED = {
    "call_id": SPAN, "trace_id": TRACE, "parent_id": PARENT, "latency_ms": 1000.0,
    "started_at": utc("2026-11-10T12:00:00"), "model": "gpt-4.1-mini-2025-04-14",
    "uncached_input": 56, "cache_read": 64, "output_text": 30, "feature": "support_assistant",
    "session_id": "s-7", "user_id": "u-42", "answer": "Hello",
    "messages": [{"role": "user", "content": "Hi"}],
}  # fmt: skip


@pytest.mark.parametrize("record", [ROW, REST, NESTED], ids=["row", "rest", "nested"])
def test_spans_out_of_phoenix_are_calls(record):
    found = call_of("openinference", record)
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert sniff([json.dumps(record)]) == "openinference"


def annotated(**changes):
    said = {
        "id": "U3BhbkFubm90YXRpb246MQ==", "created_at": "2026-11-11T08:00:00+00:00",
        "updated_at": "2026-11-11T08:00:00+00:00", "name": "helpful", "annotator_kind": "HUMAN",
        "result": {"label": "down", "score": 0.0, "explanation": "Wrong parcel."},
        "metadata": {}, "identifier": "", "span_id": SPAN,
    }  # fmt: skip
    return REST | {"annotations": [said | changes]}


def test_what_a_person_said_of_a_span_of_phoenix_is_feedback():
    rows = read_as("openinference", annotated())
    assert rows.calls.height == 1
    (found,) = rows.feedback.to_dicts()
    told = ("about_call", "trace_id", "name", "thumb", "comment", "started_at")
    assert {name: found[name] for name in told} == {
        "about_call": SPAN, "trace_id": TRACE, "name": "helpful", "thumb": "down",
        "comment": "Wrong parcel.", "started_at": utc("2026-11-11T08:00:00"),
    }  # fmt: skip


def test_what_a_person_said_of_a_whole_trace_is_about_no_single_call():
    about_trace = {"span_id": None, "trace_id": TRACE, "result": {"score": 0.75}}
    (found,) = read_as("openinference", annotated(**about_trace)).feedback.to_dicts()
    assert (found["about_call"], found["trace_id"], found["rating"]) == (None, TRACE, 4.0)


@pytest.mark.parametrize("changes", [{"annotator_kind": "LLM"}, {"result": {"label": "b"}}])
def test_what_judges_said_and_what_fits_no_scale_is_ignored(changes):
    rows = read_as("openinference", annotated(**changes))
    assert (rows.calls.height, rows.feedback.height) == (1, 0)


def test_rows_of_a_parquet_file_of_spans_are_calls():
    file = io.BytesIO()
    pl.DataFrame([ROW]).write_parquet(file)
    (block,) = parquet_blocks(iter([file.getvalue()]), 10**6)
    found = call_of("openinference", json.loads(block[0]))
    assert {name: found[name] for name in EXPECTED} == EXPECTED


def test_a_retriever_row_of_phoenix_keeps_its_documents():
    documents = [{"document.content": "Within 30 days.", "document.score": 0.9}]
    row = ROW | {"span_kind": "RETRIEVER", "attributes.retrieval.documents": documents}
    step = step_of("openinference", row)
    assert step["contexts"] == [{"id": None, "content": "Within 30 days.", "score": 0.9}]


def test_a_failed_row_of_phoenix_has_its_message():
    found = call_of("openinference", ROW | {"status_code": "ERROR", "status_message": "no quota"})
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")


def test_spans_of_other_dialects_are_not_recognised():
    assert sniff([json.dumps(batch(span(CHAT)))]) == "otel_genai"
    assert sniff([json.dumps(batch(span(CHAT), span(LLM)))]) == "openinference"
    assert sniff([json.dumps({"span_kind": "LLM", "name": "x"})]) is None


def test_items_of_a_response_are_one_answer_with_its_tools():
    items = {
        "llm.output_messages.0.message.contents.0.message_content.type": "reasoning",
        "llm.output_messages.1.message.tool_calls.0.tool_call.function.name": "track",
        "llm.output_messages.1.message.tool_calls.0.tool_call.function.arguments": "{}",
        "llm.output_messages.2.message.contents.0.message_content.type": "text",
        "llm.output_messages.2.message.contents.0.message_content.text": "On its way.",
    }
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [{}]}
    found = llm(items | {"output.value": json.dumps(response)})
    assert found["answer"] == "On its way."
    assert found["tool_calls"] == [{"name": "track", "arguments": "{}"}]
    assert (found["response_id"], found["finish_reason"]) == ("resp_1", "stop")


def test_of_several_choices_the_first_one_counts():
    said = "llm.output_messages.{}.message.content"
    choices = {"choices": [{"finish_reason": "stop"}, {}]}
    found = llm({said.format(1): "B", "output.value": json.dumps(choices), said.format(0): "A"})
    assert (found["answer"], found["finish_reason"]) == ("A", "stop")


def test_cells_that_a_data_frame_wrote_to_csv_are_read_as_python_prints_them():
    said = [{"message.role": "user", "message.content": 'Isn\'t it "late"?'}]
    row = {
        "context.span_id": "67f6740bbe1ddc3f",
        "context.trace_id": "69580efa6a1a1b7b5ecb1d4e8a1a4c12",
        "start_time": "2026-11-10 09:05:02.123456+00:00",
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.input_messages": str(said),
        "attributes.llm.output_messages": "[{'message.content': 'No.'}]",
        "attributes.metadata": str({"feature": "search"}),
    }
    rows = read_as("openinference", row, row | {"attributes.llm.input_messages": "[" * 9999})
    (found, odd) = rows.calls.to_dicts()
    assert found["messages"] == [{"role": "user", "content": 'Isn\'t it "late"?'}]
    assert (found["answer"], found["feature"]) == ("No.", "search")
    assert odd["answer"] == "No."


def test_agnos_prompts_of_claude_and_bedrock_leave_cached_tokens_out():
    told = {
        "llm.token_count.prompt": 100, "llm.token_count.completion": 30,
        "llm.token_count.prompt_details.cache_read": 20,
        "llm.token_count.prompt_details.cache_write": 10,
    }  # fmt: skip
    agno = "openinference.instrumentation.agno"
    for provider, model, uncached in (
        ("Anthropic", "claude-sonnet-4-5", 100),
        ("AwsBedrock", "amazon.nova-pro-v1:0", 100),
        ("OpenAI", "gpt-4.1-mini", 70),
    ):
        named = {"llm.provider": provider, "llm.model_name": model}
        found = call_of("openinference", batch(span(LLM | told | named), scope=agno))
        assert [found[name] for name in ("uncached_input", "cache_read", "cache_write_5m")] == [
            uncached, 20, 10,
        ]  # fmt: skip
    langchain = batch(span(LLM | told | {"llm.model_name": "claude-sonnet-4-5"}), scope="other")
    assert call_of("openinference", langchain)["uncached_input"] == 70


LLAMA_INDEX = "openinference.instrumentation.llama_index"


def test_a_method_of_llama_index_that_asks_nothing_is_no_call():
    """As openinference-instrumentation-llama-index 4.6 records ``_prepare_chat_with_tools``."""
    prepared = {
        "llm.model_name": "gpt-4o-mini",
        "input.value": json.dumps({"tools": ["<FunctionTool object>"], "user_msg": "Weather?"}),
        "output.value": json.dumps({"messages": ["ChatMessage"], "tools": []}),
    }
    assert step_of("openinference", batch(span(LLM | prepared), scope=LLAMA_INDEX))["kind"] == (
        "chain"
    )
    for exchanged in ({"llm.input_messages.0.message.content": "Hi"}, {"llm.prompts": ["Hi"]}):
        assert call_of("openinference", batch(span(LLM | prepared | exchanged), scope=LLAMA_INDEX))
    assert llm(prepared)["model"] == "gpt-4o-mini", "other libraries may know no more of a call"


def test_the_prompts_of_a_completion_are_its_messages():
    asked = {"llm.prompts": ["Say hello."], "input.value": json.dumps({"args": ["Say hello."]})}
    assert llm(asked)["messages"] == [{"role": "user", "content": "Say hello."}]


def test_a_first_token_tells_a_stream():
    first = {"timeUnixNano": str(NOON + 10**8), "name": "First Token Stream Event"}
    found = llm({"llm.model_name": "m"}, events=[first])
    assert (found["is_stream"], found["ttft_ms"]) == (True, 100.0)
    assert llm({"llm.model_name": "m"})["is_stream"] is None


def test_a_span_whose_library_is_not_printed_is_langchains_where_its_metadata_is():
    metadata = json.dumps({"ls_provider": "openai", "ls_integration": "langchain_chat_model"})
    asked = {"llm.invocation_parameters": json.dumps({"stream": False}), "metadata": metadata}
    printed = {
        "name": "ChatOpenAI", "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}"},
        "start_time": "2026-11-10T12:00:00Z", "end_time": "2026-11-10T12:00:01Z",
        "attributes": LLM | asked,
    }  # fmt: skip
    found = call_of("openinference", printed)
    assert found["instrumentation"] == "openinference.instrumentation.langchain"
    assert found["is_stream"] is None
