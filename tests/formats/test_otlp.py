"""Spans are read out of every spelling of OTLP's JSON and out of flat rows."""

import base64

import pytest

from llmops_pipelines.formats.otlp import any_value, attributes_of, hex_id, logs_of, spans_of
from tests.formats.spans import NOON, PARENT, SPAN, TRACE, attributes, batch, span


def the_one(record):
    (found,) = spans_of(record)
    return found


def test_a_span_of_an_export_request_knows_its_process_and_library():
    found = the_one(batch(span({"a": 1}), resource={"service.name": "shop"}, scope="lib"))
    assert (found.trace_id, found.span_id, found.parent_id) == (TRACE, SPAN, PARENT)
    assert (found.name, found.scope, found.resource) == ("chat", "lib", {"service.name": "shop"})
    assert (found.attributes, found.failed) == ({"a": 1}, None)
    assert (found.started_at, found.ended_at) == (str(NOON), str(NOON + 10**9))


def snake(value):
    spelled = {
        "resourceSpans": "resource_spans", "scopeSpans": "scope_spans", "traceId": "trace_id",
        "spanId": "span_id", "parentSpanId": "parent_span_id", "intValue": "int_value",
        "startTimeUnixNano": "start_time_unix_nano", "endTimeUnixNano": "end_time_unix_nano",
    }  # fmt: skip
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {spelled.get(key, key): snake(item) for key, item in value.items()}


WHOLE = batch(span({"a": 1}), resource={"service.name": "shop"})
SPELLINGS = {
    "a request": WHOLE,
    "snake case": snake(WHOLE),
    "one resource": WHOLE["resourceSpans"][0],
    "older scopes": {
        "resource": WHOLE["resourceSpans"][0]["resource"],
        "instrumentationLibrarySpans": [
            {"instrumentationLibrary": {"name": "lib"}, "spans": [span({"a": 1})]}
        ],
    },
    "a bare span": span({"a": 1}),
    "the console": {
        "name": "chat",
        "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}", "trace_state": "[]"},
        "parent_id": f"0x{PARENT}",
        "start_time": NOON,
        "attributes": {"a": 1},
    },
    "a row": {
        "context.trace_id": TRACE, "context.span_id": SPAN, "parent_id": PARENT,
        "attributes.a": 1, "attributes.b": None,
    },
    "base64": span(
        {"a": 1},
        traceId=base64.b64encode(bytes.fromhex(TRACE)).decode(),
        spanId=base64.b64encode(bytes.fromhex(SPAN)).decode(),
        parentSpanId=base64.b64encode(bytes.fromhex(PARENT)).decode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("record", SPELLINGS.values(), ids=SPELLINGS)
def test_a_span_is_the_same_in_every_spelling(record):
    found = the_one(record)
    assert (found.trace_id, found.span_id, found.parent_id) == (TRACE, SPAN, PARENT)
    assert found.attributes == {"a": 1}


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        ({}, None),
        ({"code": 0}, False),
        ({"code": 1}, False),
        ({"code": 2, "message": "no"}, True),
        ({"code": "STATUS_CODE_ERROR", "message": "no"}, True),
        ({"code": "STATUS_CODE_OK"}, False),
        ({"status_code": "ERROR", "description": "no"}, True),
        ({"status_code": "UNSET"}, False),
    ],
)
def test_a_status_in_any_spelling_says_whether_a_span_failed(status, failed):
    found = the_one(span(status=status))
    assert (found.failed, found.message) == (failed, "no" if failed else None)


def test_values_of_every_type_are_plain():
    plain = {"s": "x", "i": 7, "f": 0.5, "b": True, "l": ["a", 1], "o": {"k": {"n": 1}}}
    assert attributes_of(attributes(plain)) == plain


def test_a_value_without_a_type_is_unknown():
    assert (any_value({}), any_value({"intValue": "many"})) == (None, "many")


@pytest.mark.parametrize("none", ["", "0000000000000000", "AAAAAAAAAAA=", 0, None, [], {}])
def test_an_id_of_zeros_is_none(none):
    assert hex_id(none, 8) is None


def test_an_id_that_is_no_hex_stays_as_it_is():
    assert hex_id("tr-42f2da89", 16) == "tr-42f2da89"


def test_an_id_may_be_a_number():
    assert hex_id(0xA0B0C0D000000002, 8) == SPAN


def test_a_time_of_zero_is_no_time():
    assert the_one(span(startTimeUnixNano="0")).started_at is None


def test_events_carry_their_attributes():
    exception = {
        "name": "exception",
        "timeUnixNano": "3",
        "attributes": attributes({"exception.type": "E"}),
    }
    event = the_one(span(events=[exception])).event("exception")
    assert event is not None
    assert (event.time, event.attributes) == ("3", {"exception.type": "E"})


def test_what_is_no_span_carries_none():
    others = [{}, {"a": 1}, {"attributes": []}, {"spans": [span()]}, {"resourceSpans": 3}]
    assert [list(spans_of(record)) for record in others] == [[], [], [], [], []]


def test_log_records_and_metrics_are_counted():
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m"}]}]}]}
    assert [len(list(logs_of(sent))) for sent in (logs, metrics, WHOLE)] == [2, 1, 0]


def test_times_of_javascript_are_pairs_of_seconds_and_nanoseconds():
    pair = {"startTime": [1794312000, 5], "endTime": [1794312001, 0], "attributes": {}}
    (found,) = spans_of({"traceId": "1" * 32, "spanId": "2" * 16} | pair)
    assert (found.started_at, found.ended_at) == ("1794312000000000005", "1794312001000000000")
