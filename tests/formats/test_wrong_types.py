"""A value of the wrong type or size is a rejection that names field, value and remedy."""

import pytest

from tests.formats.worlds import call, read, reason, reasons, response, usage


def present(record):
    return {key: value for key, value in record.items() if value is not None}


def counted(**counts):
    return call(response=response(usage=usage(**counts)))


WRONG = [
    (counted(prompt="abc"), "response.usage.prompt_tokens: 'abc' is not a whole number"),
    (counted(prompt=-5), "response.usage.prompt_tokens: '-5' is negative"),
    (counted(completion=12.5), "completion_tokens: '12.5' is not a whole number"),
    (counted(completion=True), "completion_tokens: 'true' is not a whole number"),
    (counted(completion=1e30), "is not a whole number"),
    (counted(prompt=[1]), "prompt_tokens: a list is not a whole number"),
    (call(latency_ms=-1), "latency_ms: '-1' is negative"),
    (call(latency_ms="fast"), "latency_ms: 'fast' is not a finite number"),
    (call(ttft_ms=float("nan")), "ttft_ms: 'NaN' is not a finite number"),
    (call(id=12.5), "id: '12.5' is not text; quote it"),
    (call(id=12.0), "id: '12.0' is not text; quote it"),
    (call(id=True), "id: 'true' is not text; quote it"),
    (call(id={"a": 1}), "id: an object is not text"),
    (call(id=["c-1"]), "id: a list is not text"),
    (call(trace_id=7.5), "trace_id: '7.5' is not text"),
    (call(feature=3), "feature: '3' is not text"),
    (call(response=response(model=4)), "response.model: '4' is not text"),
    (call(provider=True), "provider: 'true' is not text"),
    (call(session_id={"a": 1}), "session_id: an object is not a text or number"),
    (call(session_id=[True, 1]), "session_id: a list is not a text or number"),
    (call(session_id=[]), "session_id: a list is not a text or number"),
    (call(is_batch="maybe"), "is_batch: 'maybe' is neither true nor false"),
    (call(attempt=0), "attempt: is below 1; the first try is 1"),
    (call(status="perhaps"), "status: 'perhaps' is no known status"),
    (call(timestamp=None), "timestamp: is missing; log when the call began"),
    (call(timestamp="yesterday"), "timestamp: 'yesterday' is not a time; log ISO 8601"),
    (call(timestamp="2026-11-22T10:00:00Z"), "is more than a day in the future"),
    (call(timestamp="2019-05-01T10:00:00Z"), "is before 2026-01-01"),
    (call(response="thanks"), "response: is text, expected an object"),
    (call(request=17), "request: is a number, expected an object; log it as"),
    (call(response=response(usage=[1])), "response.usage: is a list, expected an object"),
    (call(response=response(choices={})), "response.choices: is an object, expected a list"),
    (call(request={"messages": 17}), "request.messages: is a number; log a list of messages"),
    (call(request={"messages": [17]}), "an item is neither a role and content"),
    (call(contexts=[1, 2]), "contexts: an item is neither text, or has content"),
    (call(contexts=True), "contexts: is true or false; log a list of passages"),
    (call(kind="metric"), "kind: is none of call, step and feedback"),
    (call(cost_usd="dear"), "cost_usd: 'dear' is not an amount of money"),
    (call(cost_usd=-1), "cost_usd: '-1' is negative"),
]  # fmt: skip


def test_a_wrong_value_is_rejected_by_name():
    found = reasons(*(record for record, _ in WRONG))
    assert [says for (_, says), said in zip(WRONG, found, strict=True) if says not in said] == []


def test_every_fault_of_a_record_is_listed():
    found = reason(call(id=12.5, latency_ms=-1, timestamp="soon"))
    assert found.count("; ") >= 2
    for field in ("id:", "latency_ms:", "timestamp:"):
        assert field in found


def test_running_text_in_the_wrong_place_is_never_quoted():
    found = reason(call(latency_ms="Dear Sir, my password is hunter2"))
    assert found == "latency_ms: a text of 32 characters is not a finite number"


def test_a_long_word_in_the_wrong_place_is_not_quoted_either():
    assert "a text of 60 characters" in reason(call(latency_ms="x" * 60))


def test_a_rejected_record_keeps_feature_and_time_where_they_could_be_read():
    (row,) = read(call(latency_ms=-1)).rejected.to_dicts()
    assert (row["feature"], str(row["started_at"])) == (
        "support_assistant",
        "2026-11-10 09:15:02.123000",
    )


def test_a_time_that_is_not_believed_does_not_date_the_rejection():
    (row,) = read(call(timestamp="2019-05-01T10:00:00Z")).rejected.to_dicts()
    assert row["started_at"] is None


WRONG_STEPS = [
    ({"trace_id": None}, "trace_id: is missing; a step belongs to a trace"),
    ({"step": None}, "step: is missing; say retriever"),
    ({"status": "odd"}, "status: 'odd' is no known status"),
    ({"document_count": -1}, "document_count: '-1' is negative"),
]


def test_a_wrong_step_is_rejected_by_name():
    step = {
        "kind": "step", "id": "s", "trace_id": "t", "step": "tool",
        "timestamp": "2026-11-10T09:15:02Z",
    }  # fmt: skip
    found = reasons(*(present(step | changes) for changes, _ in WRONG_STEPS))
    assert [
        says for (_, says), said in zip(WRONG_STEPS, found, strict=True) if says not in said
    ] == []


WRONG_FEEDBACK = [
    ({"rating": 6}, "rating: '6' is not between 1 and 5"),
    ({"rating": "good"}, "rating: 'good' is not a finite number"),
    ({"thumb": "sideways"}, "thumb: 'sideways' is neither up nor down"),
    ({"rating": None}, "rating: is missing, and so are thumb and comment"),
    ({"call_id": None}, "call_id: is missing, and so is trace_id"),
]


def test_wrong_feedback_is_rejected_by_name():
    record = {
        "kind": "feedback", "id": "f", "call_id": "c", "timestamp": "2026-11-10T10:00:00Z",
        "rating": 3,
    }  # fmt: skip
    found = reasons(*(present(record | changes) for changes, _ in WRONG_FEEDBACK))
    wrong = zip(WRONG_FEEDBACK, found, strict=True)
    assert [says for (_, says), said in wrong if says not in said] == []


@pytest.mark.parametrize("text", ["[Scrubbed due to 'session']", "[", "{not given}", "[1] s-7"])
def test_a_text_that_begins_with_a_bracket_is_a_text(text):
    rows = read(call(session_id=text))
    assert rows.rejected["reason"].to_list() == []
    assert rows.calls["session_id"].to_list() == [text]
