"""Spans of Logfire's wrappers of OpenAI and Anthropic; shapes as recorded of logfire 5.4 with
openai 2.54 and anthropic 2.14; rows of its table ``records`` as its SQL reference names them."""

import json

import pytest

from llmops_pipelines.formats import sniff
from tests.formats.spans import NOON, SPAN, TRACE, batch, call_of, span, step_of
from tests.formats.worlds import read_as, unpacked_kinds, utc

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]
SAID = [{"role": "assistant", "parts": [{"type": "text", "content": "On its way."}]}]
BASE = {
    "request_data": json.dumps({"model": "gpt-4o-mini"}),
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.operation.name": "chat",
    "gen_ai.input.messages": json.dumps(ASKED),
}
RAW = {
    "prompt_tokens": 1001,
    "prompt_tokens_details": {"cached_tokens": 512, "audio_tokens": 0},
    "completion_tokens": 101,
    "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0},
    "total_tokens": 1102,
}
ANSWERED = {
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 1001,
    "gen_ai.usage.output_tokens": 101,
    "gen_ai.usage.cache_read.input_tokens": 512,
    "gen_ai.usage.raw": json.dumps(RAW),
    "gen_ai.output.messages": json.dumps(SAID),
}
TOKENS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output_text",
          "reasoning")  # fmt: skip


def logfire(more, **changes):
    return call_of("otel_genai", batch(span(BASE | more, **changes), scope="logfire.openai"))


def counts(found):
    return tuple(found[name] for name in TOKENS)


def test_the_providers_own_usage_breaks_the_counts_down():
    assert counts(logfire(ANSWERED)) == (489, 512, 0, 0, 61, 40)
    claude = {
        "input_tokens": 213,
        "cache_read_input_tokens": 700,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 101,
    }
    told = {
        "gen_ai.usage.input_tokens": 1213,
        "gen_ai.usage.cache_read.input_tokens": 700,
        "gen_ai.usage.cache_creation.input_tokens": 300,
        "gen_ai.usage.raw": json.dumps(claude),
    }
    assert counts(logfire(ANSWERED | told)) == (213, 700, 100, 200, 101, 0)


def test_usage_that_tells_of_other_counts_breaks_nothing_down():
    other = json.dumps(RAW | {"prompt_tokens": 7, "total_tokens": 108})
    assert counts(logfire(ANSWERED | {"gen_ai.usage.raw": other})) == (489, 512, 0, 0, 101, 0)


def test_the_log_of_a_stream_begins_as_long_ago_as_it_took():
    log = {"logfire.span_type": "log", "duration": 0.25}
    times = {"startTimeUnixNano": str(NOON), "endTimeUnixNano": str(NOON)}
    found = logfire(ANSWERED | log, **times)
    assert (found["is_stream"], found["latency_ms"], found["answer"]) == (
        True,
        250.0,
        "On its way.",
    )
    assert found["started_at"] == utc("2026-11-10T11:59:59.750")


def test_bodies_of_its_first_version_are_the_texts():
    body = {"model": "gpt-4o-mini", "stream": True, "user": "u-42",
            "messages": [{"role": "user", "content": "Where is it?"}]}  # fmt: skip
    replied = {"message": {"role": "assistant", "content": "On its way."}, "usage": RAW}
    texts = {"gen_ai.input.messages": "", "gen_ai.output.messages": ""}
    bodies = {"request_data": json.dumps(body), "response_data": json.dumps(replied)}
    found = logfire(ANSWERED | texts | bodies)
    assert found["messages"] == [{"role": "user", "content": "Where is it?"}]
    assert (found["answer"], found["user_id"], found["is_stream"]) == ("On its way.", "u-42", True)
    chunks = {"response_data": json.dumps({"combined_chunk_content": "On its", "chunk_count": 2})}
    assert logfire(ANSWERED | texts | bodies | chunks)["answer"] == "On its"


def test_events_in_an_attribute_are_the_messages_and_the_answer():
    events = [
        {"event.name": "gen_ai.system.message", "role": "system", "content": "Be brief."},
        {"event.name": "gen_ai.user.message", "role": "user", "content": "Where is it?"},
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "content": "On its way."},
    ]
    texts = {"gen_ai.input.messages": "", "gen_ai.output.messages": ""}
    found = logfire(ANSWERED | texts | {"events": json.dumps(events)})
    assert [said["content"] for said in found["messages"]] == ["Be brief.", "Where is it?"]
    assert found["answer"] == "On its way."
    choice = {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "Hi."}}
    pydantic = {"events": json.dumps([*events[:2], choice]), "gen_ai.response.model": "m"}
    found = call_of("otel_genai", batch(span(pydantic), scope="pydantic-ai"))
    assert (len(found["messages"]), found["answer"]) == (2, "Hi.")


def test_what_was_taken_for_a_secret_is_no_value():
    places = [{"path": ["attributes", "session_id"], "matched_substring": "session"},
              {"path": ["attributes", "other", "password"]}, "?"]  # fmt: skip
    said = {
        "session_id": "[Scrubbed due to 'session']",
        "user_id": "u-42",
        "logfire.scrubbed": json.dumps(places),
    }
    found = step_of("otel_genai", batch(span(said), scope="logfire"))
    assert (found["user_id"], found["session_id"]) == ("u-42", None)


def test_a_span_that_only_says_that_it_began_is_ignored():
    pending = {"logfire.span_type": "pending_span", "logfire.pending_parent_id": "0" * 16}
    assert unpacked_kinds("otel_genai", batch(span(BASE | pending))) == ["ignored"]


def row(attributes, **changes):
    """A row of the table ``records``."""
    return {
        "start_timestamp": "2026-11-10T12:00:00.000000Z",
        "end_timestamp": "2026-11-10T12:00:01.000000Z",
        "trace_id": TRACE,
        "span_id": SPAN,
        "parent_span_id": None,
        "kind": "span",
        "span_name": "Chat Completion with {request_data[model]!r}",
        "exception_type": None,
        "exception_message": None,
        "otel_status_code": "UNSET",
        "otel_status_message": None,
        "otel_scope_name": "logfire.openai",
        "otel_resource_attributes": {"service.name": "shop"},
        "attributes": attributes,
    } | changes


@pytest.mark.parametrize("spell", [dict, json.dumps], ids=["object", "text"])
def test_a_row_of_its_table_is_a_span(spell):
    record = row(spell(BASE | ANSWERED))
    assert sniff([json.dumps(record)]) == "otel_genai"
    found = call_of("otel_genai", record)
    assert counts(found) == (489, 512, 0, 0, 61, 40)
    assert (found["instrumentation"], found["project"]) == ("logfire.openai", "shop")
    assert (found["status"], found["latency_ms"]) == ("ok", 1000.0)


def test_a_row_of_a_log_of_a_stream_begins_as_long_ago_as_it_took():
    over = "2026-11-10T12:00:00Z"
    record = row(BASE | ANSWERED | {"duration": 0.25}, start_timestamp=over, end_timestamp=over)
    found = call_of("otel_genai", record)
    assert (found["started_at"], found["latency_ms"]) == (utc("2026-11-10T11:59:59.750"), 250.0)


def test_a_row_of_a_failure_has_its_class():
    failed = {
        "otel_status_code": "ERROR",
        "exception_type": "openai.RateLimitError",
        "exception_message": "Error code: 429 - overloaded",
    }
    found = call_of("otel_genai", row(BASE, **failed))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")


def test_an_embedding_received_nothing():
    embeds = {"gen_ai.operation.name": "embeddings", "gen_ai.usage.input_tokens": 58}
    told = {"gen_ai.usage.raw": json.dumps({"prompt_tokens": 58, "total_tokens": 58})}
    assert counts(logfire(embeds | told)) == (58, 0, 0, 0, 0, 0)


def test_a_record_with_anything_anywhere_is_read_or_rejected():
    for wrong in (None, 3, "x", [], {}, True, [[]], {"message": [3]}):
        told = ANSWERED | {"response_data": wrong, "events": wrong, "duration": wrong}
        plain = {name: value for name, value in told.items() if value is not None}
        rows = read_as("otel_genai", row(BASE | plain | {"logfire.scrubbed": wrong}))
        assert rows.calls.height + rows.rejected.height == 1
