"""Format anthropic: messages, bare and in our envelope.

The objects are the SDK's own models, written by payloads/make_anthropic_objects.py.
"""

import json

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import call, damaged, one_as, payload, read_as, response, utc

PLAIN, TOOL, CITED, REFUSED, CUT, ERROR = payload("anthropic.jsonl")
(EVENTS,) = payload("anthropic_stream.json")
TIME = "2026-11-10T09:15:02.123Z"


def one(record):
    return one_as("anthropic", record)


def envelope(**changes):
    record = {
        "id": "c-1",
        "timestamp": TIME,
        "feature": "search",
        "request": {
            "model": "claude-sonnet-4-5",
            "max_tokens": 500,
            "system": [{"type": "text", "text": "Answer briefly."}],
            "messages": [{"role": "user", "content": "When did it leave?"}],
            "metadata": {"user_id": "u-42"},
        },
        "response": PLAIN,
    }
    return {key: value for key, value in (record | changes).items() if value is not None}


def asked(*content):
    return envelope()["request"] | {"messages": [{"role": "user", "content": list(content)}]}


def test_an_envelope_becomes_a_call():
    found = one(envelope(latency_ms=812.0, session_id="s-7", prompt={"name": "a", "version": 2}))
    expected = {
        "call_id": "c-1",
        "response_id": "msg_1",
        "started_at": utc("2026-11-10T09:15:02.123000"),
        "feature": "search",
        "user_id": "u-42",
        "session_id": "s-7",
        "latency_ms": 812.0,
        "prompt_name": "a",
        "prompt_version": "2",
        "model": "claude-sonnet-4-5-20250929",
        "model_requested": "claude-sonnet-4-5",
        "service_tier": "standard",
        "is_batch": False,
        "status": "ok",
        "finish_reason": "end_turn",
        "answer": "It left on Monday.",
        "messages": [
            {"role": "system", "content": "Answer briefly."},
            {"role": "user", "content": "When did it leave?"},
        ],
    }
    assert {name: found[name] for name in expected} == expected


def test_cached_tokens_are_counted_beside_the_input():
    found = one(envelope())
    assert (found["uncached_input"], found["cache_read"]) == (40, 1000)
    assert (found["cache_write_5m"], found["cache_write_1h"]) == (200, 100)
    assert (found["output_text"], found["reasoning"]) == (40, 80)


def test_a_bare_message_is_a_call_dated_by_its_file():
    assert FORMATS["anthropic"].dated_by_file
    (record,) = FORMATS["anthropic"].unpack(PLAIN)
    assert (record["call_id"], record["answer"]) == ("msg_1", "It left on Monday.")
    assert "started_at" not in record


def test_thoughts_are_no_answer_and_tool_uses_are_tool_calls():
    found = one(envelope(response=TOOL))
    assert found["answer"] == "Let me look."
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order":7}'}]
    assert found["finish_reason"] == "tool_use"


def test_a_text_in_cited_blocks_is_one_text_and_its_citations_are_contexts():
    found = one(envelope(response=CITED))
    assert found["answer"] == "There is a strike."
    assert found["contexts"] == [
        {
            "id": "https://example.org/strike",
            "content": "Carriers strike on Tuesday.",
            "score": None,
        }
    ]


def test_search_results_and_documents_in_the_request_are_contexts():
    result = {
        "type": "search_result",
        "source": "kb/7",
        "title": "Shipping",
        "content": [{"type": "text", "text": "Ships on Mondays."}],
    }
    document = {
        "type": "document",
        "title": "Terms",
        "source": {"type": "text", "media_type": "text/plain", "data": "No refunds."},
    }
    returned = {"type": "tool_result", "tool_use_id": "t", "content": [result, result]}
    found = one(envelope(request=asked(returned, document, {"type": "text", "text": "When?"})))
    assert found["contexts"] == [
        {"id": "kb/7", "content": "Ships on Mondays.", "score": None},
        {"id": "Terms", "content": "No refunds.", "score": None},
    ]


def test_contexts_of_the_envelope_come_first():
    request = asked({"type": "search_result", "source": "kb/7", "content": "Mondays."})
    found = one(envelope(request=request, contexts=["Given."]))
    assert [context["content"] for context in found["contexts"]] == ["Given."]


def test_a_refusal_is_an_ok_call_that_says_so():
    found = one(envelope(response=REFUSED))
    assert (found["status"], found["finish_reason"], found["answer"]) == ("ok", "refusal", None)
    assert found["cache_read"] == 1000


def test_an_answer_cut_short_says_so():
    assert one(envelope(response=CUT))["finish_reason"] == "max_tokens"


@pytest.mark.parametrize(
    "changes",
    [
        {"response": ERROR},
        {"response": None, "error": ERROR},
        {"response": None, "error": ERROR["error"]},
    ],
)
def test_an_error_in_any_place_is_a_failed_call(changes):
    found = one(envelope(**changes))
    assert (found["status"], found["error_class"]) == ("error", "server")
    assert (found["uncached_input"], found["model_requested"]) == (None, "claude-sonnet-4-5")


def test_a_bare_error_is_a_failed_call():
    (record,) = FORMATS["anthropic"].unpack(ERROR)
    assert (record["call_id"], record["status"]) == ("req_6", "error")
    assert record["error_class"] == "overloaded_error"


def test_a_recorded_stream_is_put_together():
    found = one(envelope(response=EVENTS))
    assert (found["response_id"], found["answer"]) == ("msg_1", "It left")
    assert found["tool_calls"] == [{"name": "track", "arguments": '{"order": 7}'}]
    assert (found["is_stream"], found["finish_reason"]) == (True, "tool_use")
    assert (found["cache_read"], found["output_text"], found["reasoning"]) == (1000, 40, 80)


def test_a_stream_that_broke_off_has_not_counted_its_answer():
    found = one(envelope(response=EVENTS[:4]))
    assert (found["answer"], found["finish_reason"]) == ("It left", None)
    assert (found["uncached_input"], found["output_text"]) == (40, None)


def test_an_error_in_a_stream_fails_the_call():
    found = one(envelope(response=[*EVENTS[:3], ERROR]))
    assert (found["status"], found["error_class"]) == ("error", "server")


def test_missing_usage_is_unknown():
    found = one(envelope(response=PLAIN | {"usage": None}))
    assert (found["uncached_input"], found["output_text"], found["status"]) == (None, None, "ok")


def test_the_fast_mode_is_a_tier_of_its_own():
    fast = PLAIN | {"usage": PLAIN["usage"] | {"speed": "fast"}}
    assert one(envelope(response=fast))["service_tier"] == "fast"


def test_the_answer_schema_is_kept():
    form = {"type": "json_schema", "schema": {"type": "object"}}
    found = one(envelope(request=asked() | {"output_config": {"format": form}}))
    assert (found["format_requested"], found["response_schema"]) == (
        "json_schema",
        '{"type":"object"}',
    )


@pytest.mark.parametrize(
    "record",
    [
        PLAIN,
        ERROR,
        envelope(),
        envelope(response=EVENTS),
        envelope(response=ERROR),
        envelope(response=None, error={"type": "overloaded_error"}),
        {"timestamp": TIME, "provider": "anthropic", "request": {"messages": []}, "error": "no"},
    ],
)
def test_it_is_recognised(record):
    assert sniff([json.dumps(record)]) == "anthropic"


def test_others_are_not_recognised():
    recognises = FORMATS["anthropic"].recognises
    claude = response(model="claude-sonnet-4-5")
    others = [
        call(),
        call(response=claude, provider="anthropic"),
        claude | {"object": "chat.completion"},
        {"type": "message", "role": "assistant", "content": [], "id": "msg_1"},
        {"type": "error", "message": "no"},
        {"response": [3]},
        {"response": []},
        {},
    ]
    assert [record for record in others if recognises(record)] == []


@pytest.mark.parametrize(
    "record", [envelope(response=CITED), envelope(response=TOOL), envelope(response=EVENTS)]
)
def test_nonsense_anywhere_is_read_or_rejected(record):
    wrong = list(damaged(record))
    rows = read_as("anthropic", *wrong)
    assert rows.calls.height > len(wrong) / 2
    assert rows.calls.height + rows.rejected.height == len(wrong)
