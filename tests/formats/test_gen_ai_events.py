"""Log records of the GenAI conventions: texts that are kept apart from their span."""

import json
from typing import Any

from llmops_pipelines.formats import FORMATS, sniff
from llmops_pipelines.ingest import llm_calls, texts_of, unaccounted_rows, unclaimed
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import CALL_TEXTS
from tests.formats.spans import CHAT, NOON, SPAN, TRACE, any_value, attributes, batch, span
from tests.formats.worlds import read_as
from tests.ingest.worlds import landed, lines, log

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "How long may I return it?"}]}]
ANSWERED = [
    {
        "role": "assistant",
        "parts": [{"type": "text", "content": "Within 30 days."}],
        "finish_reason": "stop",
    }
]


def record(name: str, body: Any = None, plain: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A log record as OTLP JSON has it; None drops a key."""
    whole = {
        "timeUnixNano": str(NOON + 9 * 10**8),
        "eventName": name,
        "traceId": TRACE,
        "spanId": SPAN,
        "body": None if body is None else any_value(body),
        "attributes": attributes(plain or {}),
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def sent(*records: Any) -> Any:
    scope = {"scope": {"name": "opentelemetry.instrumentation.openai_v2"}, "logRecords": [*records]}
    resource = {"attributes": attributes({"service.name": "shop"})}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}


DETAILS = record(
    "gen_ai.client.inference.operation.details",
    plain=CHAT | {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED},
)
TOOL = {"id": "call_1", "type": "function", "function": {"name": "find_order", "arguments": "{}"}}
SAID = (
    record("gen_ai.system.message", {"content": "Be brief."}),
    record("gen_ai.user.message", {"content": "How long may I return it?"}),
    record(
        "gen_ai.choice",
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {"role": "assistant", "content": "Within 30 days.", "tool_calls": [TOOL]},
        },
    ),
)


def test_an_event_of_details_is_a_call_with_texts_and_tokens():
    assert sniff([json.dumps(sent(DETAILS))]) == "otel_genai"
    (found,) = read_as("otel_genai", sent(DETAILS)).calls.to_dicts()
    assert (found["call_id"], found["trace_id"], found["project"]) == (SPAN, TRACE, "shop")
    assert found["messages"] == [{"role": "user", "content": "How long may I return it?"}]
    assert (found["answer"], found["uncached_input"], found["output_text"]) == (
        "Within 30 days.", 120, 30,
    )  # fmt: skip
    assert (found["status"], found["latency_ms"]) == ("ok", None)


def test_a_failed_event_is_a_failed_call():
    failed = record(DETAILS["eventName"], plain=CHAT | {"error.type": "RateLimitError"})
    (found,) = read_as("otel_genai", sent(failed)).calls.to_dicts()
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")


def test_messages_and_choice_of_one_span_are_one_call():
    rows = list(FORMATS["otel_genai"].unpack(sent(*SAID)))
    assert [row["kind"] for row in rows] == ["call", "ignored", "ignored"]
    (found,) = read_as("otel_genai", sent(*SAID)).calls.to_dicts()
    assert [message["content"] for message in found["messages"]] == [
        "Be brief.", "How long may I return it?",
    ]  # fmt: skip
    assert (found["answer"], found["finish_reason"]) == ("Within 30 days.", "tool_calls")
    assert found["tool_calls"] == [{"name": "find_order", "arguments": "{}"}]
    assert found["uncached_input"] is None, "nobody counted: not 0"


def test_the_event_name_may_be_an_attribute_and_the_body_one_too():
    bodies = {
        "gen_ai.user.message": {"content": "Hi?"},
        "gen_ai.choice": {"message": {"content": "Hi."}},
    }
    named = [
        record("", None, {"event.name": name, "gen_ai.event.content": json.dumps(said)})
        for name, said in bodies.items()
    ]
    (found,) = read_as("otel_genai", sent(*named)).calls.to_dicts()
    assert (found["messages"][0]["content"], found["answer"]) == ("Hi?", "Hi.")


def test_events_of_nobody_or_without_an_answer_or_texts_are_ignored_and_counted():
    nobodys = record(DETAILS["eventName"], plain=CHAT, spanId=None, traceId=None)
    silent = record("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {}})
    timeless = [each | {"timeUnixNano": "0"} for each in SAID[:2]]
    for records in ((nobodys,), timeless, (silent,), (record("gen_ai.evaluation.result"),)):
        found = list(FORMATS["otel_genai"].unpack(sent(*records)))
        assert found == [{"kind": "ignored"}] * len(records)


def test_records_with_anything_anywhere_are_read_or_ignored():
    for odd in (None, 3, "x", [], {}, [3], True, {"stringValue": []}, {"kvlistValue": 3}):
        for part in (DETAILS, *SAID):
            for key in part:
                rows = read_as("otel_genai", sent(*SAID, part | {key: odd}))
                assert rows.calls.height + rows.rejected.height >= 1


def day(*records: Any) -> Any:
    lake = landed(*(log(f"{n}.jsonl", lines(sent)) for n, sent in enumerate(records)))
    calls = llm_calls(lake.rows())
    return calls, texts_of(lake.rows(CALL_TEXTS).lazy(), calls.lazy()).collect()


def test_the_span_and_its_events_are_one_call_whatever_comes_first():
    whole = batch(span(CHAT | {"gen_ai.response.id": "r-1"}, spanId=SPAN))
    for records in ((whole, sent(*SAID)), (sent(*SAID), whole), (whole, sent(DETAILS))):
        calls, texts = day(*records)
        (found,) = calls.to_dicts()
        assert (found["uncached_input"], found["output_text"]) == (120, 30)
        assert (found["latency_ms"], found["started_at"].second) == (1000.0, 0)
        assert found["started_at"].microsecond == 0, "when the span began, not when it was logged"
        assert (found["response_id"], found["model_requested"]) == ("r-1", "gpt-4.1-mini")
        assert texts["answer"].to_list() == ["Within 30 days."]


def file_of(*records: Any, **changes: Any) -> Any:
    lake = landed(log("log.jsonl", lines(*records)), **changes)
    calls = llm_calls(lake.rows())
    return lake, texts_of(lake.rows(CALL_TEXTS).lazy(), calls.lazy()).collect()


def test_messages_that_an_earlier_line_sent_join_their_answer() -> None:
    whole = batch(span(CHAT, spanId=SPAN))
    others = [each | {"spanId": "a0b0c0d000000009"} for each in SAID[1:]]
    asked, between = sent(*SAID[:2], others[0]), sent(record("gen_ai.evaluation.result"))
    for changes in ({}, {"batch_lines": 1}):
        lake, texts = file_of(asked, whole, between, sent(SAID[2]), sent(others[1]), **changes)
        assert lake.counts() == (5, 3, 0, 0, 0, 4)
        assert sorted(texts["messages"].list.len()) == [1, 2]
        assert texts["answer"].to_list() == ["Within 30 days."] * 2
        assert texts["question"].to_list() == ["How long may I return it?"] * 2


def test_messages_of_another_span_or_trace_join_nothing_and_are_no_calls() -> None:
    for change in ({"spanId": "a0b0c0d000000009"}, {"traceId": "9" * 32}):
        lake, texts = file_of(sent(SAID[2]), sent(SAID[1] | change))
        assert texts.select("question", "answer").rows() == [(None, "Within 30 days.")]
        assert lake.counts() == (2, 1, 0, 0, 0, 1)


def test_messages_after_the_answer_or_in_other_files_join_their_call() -> None:
    system, user, choice = (sent(each) for each in SAID)
    whole = batch(span(CHAT, spanId=SPAN))
    digests = set()
    for records in (
        (system, user, choice, whole),
        (whole, choice, user, system),
        (choice, system, whole, user),
    ):
        calls, texts = day(*records)
        (found,), (said,) = calls.to_dicts(), texts.to_dicts()
        assert found["uncached_input"] == 120
        assert found["question_chars"] == len("How long may I return it?")
        assert {message["role"] for message in said["messages"]} == {"system", "user"}
        assert (said["question"], said["answer"]) == (
            "How long may I return it?",
            "Within 30 days.",
        )
        assert said["content_digest"] == found["content_digest"]
        digests.add(found["content_digest"])
    assert len(digests) == 2, "of equal times the files' names decide, which the test changes"


def test_messages_delivered_twice_are_told_once() -> None:
    _, texts = day(sent(SAID[1]), sent(SAID[2]), sent(SAID[1]))
    assert texts["messages"].list.len().to_list() == [1]


def test_messages_without_any_call_are_counted_and_nothing_is_lost() -> None:
    lake = landed(log("a.jsonl", lines(sent(*SAID[:2]))))
    calls = llm_calls(lake.rows())
    assert calls.is_empty()
    assert lake.counts("a.jsonl") == (1, 0, 0, 0, 0, 2)
    assert unclaimed(lake.rows().lazy(), calls)["call_id"].to_list() == [SPAN]
    assert unaccounted_rows(lake.rows().lazy(), calls).is_empty()


def test_details_without_an_outcome_do_not_make_a_failed_call_good() -> None:
    asked = {key: said for key, said in CHAT.items() if "request" in key or "operation" in key}
    event = record(DETAILS["eventName"], plain=asked | {"gen_ai.input.messages": ASKED})
    failed = batch(span(asked | {"error.type": "timeout"}, spanId=SPAN, status={"code": 2}))
    calls, texts = day(sent(event), failed)
    assert calls.select("status", "error_class").rows() == [("error", "timeout")]
    assert texts["question"].to_list() == ["How long may I return it?"]


def test_a_feature_that_keeps_no_texts_takes_none_that_were_logged_apart() -> None:
    lake = landed(
        log("a.jsonl", lines(batch(span(CHAT | {"feature": "hr"}, spanId=SPAN)))),
        log("b.jsonl", lines(sent(*SAID[:2]))),
    )
    features = Features.model_validate({"features": {"hr": {"team": "hr", "content": "none"}}})
    calls = llm_calls(lake.rows(), features=features)
    assert calls["content_digest"].to_list() == [None]
    assert texts_of(lake.rows(CALL_TEXTS).lazy(), calls.lazy()).collect().is_empty()


def test_a_failed_call_keeps_what_it_was_asked_and_is_not_made_good_by_it() -> None:
    failed = batch(span(CHAT | {"error.type": "timeout"}, spanId=SPAN, status={"code": 2}))
    for records in ((failed, sent(*SAID[:2])), (sent(*SAID[:2]), failed)):
        calls, texts = day(*records)
        assert calls["status"].to_list() == ["error"]
        assert texts["question"].to_list() == ["How long may I return it?"]
        assert texts["answer"].to_list() == [None]


def test_an_event_of_details_on_its_span_gives_the_texts_that_the_span_leaves_out() -> None:
    says = {"gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}
    name = "gen_ai.client.inference.operation.details"
    event = {"timeUnixNano": str(NOON), "name": name, "attributes": attributes(says)}
    (found,) = read_as("otel_genai", batch(span(CHAT, events=[event]))).calls.to_dicts()
    (plain,) = read_as("otel_genai", batch(span(CHAT))).calls.to_dicts()
    assert (found["messages"][0]["content"], found["answer"]) == (
        "How long may I return it?",
        "Within 30 days.",
    )
    assert (plain["messages"], plain["answer"]) == ([], None)
    assert found["uncached_input"] == plain["uncached_input"] == 120
