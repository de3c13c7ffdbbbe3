"""Format openai_responses: Responses objects, bare, as events, and in our envelope.

The objects are the SDK's own models, written by payloads/make_openai_objects.py.
"""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import (
    call,
    damaged,
    one_as,
    payload,
    read_as,
    response,
    unpacked_kinds,
    utc,
)

PLAIN, REFUSED, TOOLS, FORM, CUT, FILTERED, FAILED, EVENT = payload("openai_responses.jsonl")


def one(record):
    return one_as("openai_responses", record)


def envelope(**changes):
    record = {
        "id": "c-1",
        "timestamp": "2026-11-10T09:15:02.123Z",
        "feature": "search",
        "latency_ms": 812.0,
        "request": {"model": "gpt-5-mini", "input": "When did it leave?"},
        "response": PLAIN,
    }
    return {key: value for key, value in (record | changes).items() if value is not None}


def test_a_bare_response_becomes_a_call():
    expected = {
        "call_id": "resp_1",
        "response_id": "resp_1",
        "started_at": utc("2026-11-10T09:05:02"),
        "model": "gpt-5-mini-2025-08-07",
        "model_requested": None,
        "service_tier": "default",
        "user_id": "u-42",
        "feature": "support_assistant",
        "team": "customer-care",
        "prompt_name": "pmpt_answer",
        "prompt_version": "3",
        "status": "ok",
        "finish_reason": "stop",
        "format_requested": None,
        "latency_ms": None,
        "answer": "It left on Monday.",
        "messages": [{"role": "system", "content": "Answer briefly."}],
        "tool_calls": [],
    }
    found = one(PLAIN)
    assert {name: found[name] for name in expected} == expected


def test_cached_and_reasoning_tokens_are_counted_apart():
    found = one(PLAIN)
    assert (found["uncached_input"], found["cache_read"]) == (176, 1024)
    assert (found["output_text"], found["reasoning"]) == (44, 256)


def test_searches_of_the_web_are_counted_pages_that_were_opened_are_not():
    made = [
        {"type": "web_search_call", "status": "completed", "action": {"type": action}}
        for action in ("search", "open_page", "search")
    ]
    assert one(PLAIN | {"output": [*made, *PLAIN["output"]]})["web_searches"] == 2
    assert one(PLAIN)["web_searches"] is None


def test_an_envelope_adds_what_only_the_application_knows():
    found = one(envelope(user_id="u-1", session_id="s-7", trace_id="t-1", is_batch=True))
    expected = {
        "call_id": "c-1",
        "trace_id": "t-1",
        "response_id": "resp_1",
        "started_at": utc("2026-11-10T09:15:02.123000"),
        "feature": "search",
        "team": "customer-care",
        "user_id": "u-1",
        "session_id": "s-7",
        "latency_ms": 812.0,
        "model_requested": "gpt-5-mini",
        "is_batch": True,
        "messages": [{"role": "user", "content": "When did it leave?"}],
    }
    assert {name: found[name] for name in expected} == expected


def test_input_items_are_messages():
    items = [
        {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Where?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "c", "name": "track", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "at sea"},
    ]
    request = {"model": "gpt-5-mini", "instructions": "Answer.", "input": items, "stream": True}
    found = one(envelope(request=request))
    assert found["is_stream"] is True
    assert found["messages"] == [
        {"role": "system", "content": "Answer."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "[tool_call track]"},
        {"role": "tool", "content": "at sea"},
    ]


def test_a_refusal_is_the_answer():
    assert one(REFUSED)["answer"] == "I cannot."


def test_found_files_are_contexts_and_hosted_tools_are_tool_calls():
    found = one(TOOLS)
    assert found["answer"] is None
    assert found["contexts"] == [{"id": "file-9", "content": "Ships on Mondays.", "score": 0.83}]
    assert [tool["name"] for tool in found["tool_calls"]] == ["file_search", "web_search", "track"]
    assert found["tool_calls"][2]["arguments"] == '{"order":7}'


def test_the_answer_schema_is_kept():
    found = one(FORM)
    assert found["format_requested"] == "json_schema"
    assert json.loads(found["response_schema"])["properties"] == {"total": {"type": "number"}}


@pytest.mark.parametrize(
    ("record", "reason"), [(CUT, "max_output_tokens"), (FILTERED, "content_filter")]
)
def test_an_incomplete_response_is_an_answer_cut_short(record, reason):
    found = one(record)
    assert (found["status"], found["finish_reason"]) == ("ok", reason)


def test_a_failed_response_is_an_error_without_usage():
    found = one(FAILED)
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert (found["uncached_input"], found["output_text"]) == (None, None)


def test_a_failure_counts_even_if_the_envelope_says_ok():
    assert one(envelope(response=FAILED, status="ok"))["status"] == "error"


def test_a_call_without_a_response_has_failed():
    error = {"type": "rate_limit_error", "message": "Slow down.", "status": 429}
    found = one(envelope(response=None, error=error))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
    assert found["model_requested"] == "gpt-5-mini"


def test_the_event_that_completes_a_stream_is_the_call():
    found = one(EVENT)
    assert (found["call_id"], found["is_stream"], found["cache_read"]) == ("resp_8", True, 1024)


def test_other_events_of_a_stream_are_no_calls():
    delta = {"type": "response.output_text.delta", "sequence_number": 4, "delta": "It"}
    created = {"type": "response.created", "sequence_number": 0, "response": PLAIN}
    assert unpacked_kinds("openai_responses", delta, created) == ["ignored", "ignored"]


def test_a_recorded_stream_is_read_by_its_last_event():
    begun = PLAIN | {"status": "in_progress", "usage": None, "output": []}
    events = [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 4, "delta": "It"},
        EVENT,
    ]
    found = one(envelope(response=events))
    assert (found["response_id"], found["answer"]) == ("resp_8", "It left on Monday.")
    cut = one(envelope(response=events[:2]))
    assert (cut["status"], cut["uncached_input"], cut["is_stream"]) == ("error", None, True)


def test_a_response_in_the_background_is_none_until_it_ends():
    assert unpacked_kinds("openai_responses", PLAIN | {"status": "queued"}) == ["ignored"]


def test_missing_usage_is_unknown():
    found = one(PLAIN | {"usage": None})
    assert (found["uncached_input"], found["output_text"], found["status"]) == (None, None, "ok")


def test_a_call_without_texts_still_counts():
    bare = {"object": "response", "created_at": 1794301502, "usage": PLAIN["usage"]}
    found = one(bare)
    assert (found["cache_read"], found["answer"], found["messages"]) == (1024, None, [])


def test_steps_and_feedback_stand_beside():
    step = {
        "kind": "step",
        "id": "st-1",
        "trace_id": "t-1",
        "step": "retriever",
        "timestamp": "2026-11-10T09:15:02Z",
        "document_count": 4,
    }
    said = {
        "kind": "feedback",
        "id": "f-1",
        "call_id": "c-1",
        "timestamp": "2026-11-10T10:00:00Z",
        "thumb": "up",
    }
    rows = read_as("openai_responses", step, said)
    assert rows.steps.select("call_id", "kind", "document_count").rows() == [
        ("st-1", "retriever", 4)
    ]
    assert rows.feedback.select("about_call", "rating").rows() == [("c-1", 5.0)]


@pytest.mark.parametrize("record", [PLAIN, FAILED, EVENT, envelope(), envelope(response=[EVENT])])
def test_it_is_recognised(record):
    assert sniff([json.dumps(record)]) == "openai_responses"


def test_others_are_not_recognised():
    recognises = FORMATS["openai_responses"].recognises
    others = [
        call(),
        response(object="chat.completion"),
        {"object": "list", "data": [], "usage": {}},
        {"response": 3},
        {"response": [3]},
        {"type": "response.", "response": 3},
        {},
    ]
    assert [record for record in others if recognises(record)] == []


@pytest.mark.parametrize("record", [PLAIN, TOOLS, EVENT, envelope(response=[EVENT])])
def test_nonsense_anywhere_is_read_or_rejected(record):
    wrong = list(damaged(record))
    rows = read_as("openai_responses", *wrong)
    assert rows.calls.height > len(wrong) / 2
    assert rows.calls.height + rows.rejected.height <= len(wrong)


def test_events_without_a_number_are_ignored_but_the_last():
    events = [
        {"type": "response.created", "response": PLAIN | {"status": "in_progress", "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Within "},
        {"type": "response.completed", "response": PLAIN},
    ]
    assert unpacked_kinds("openai_responses", *events) == ["ignored", "ignored", "ignored", "call"]
