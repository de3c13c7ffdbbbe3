"""What people, and what judges, said of a span in OpenTelemetry's and OpenInference's words."""

from typing import Any

import pytest

from llmops_pipelines.formats import FORMATS
from tests.formats.spans import CHAT, NOON, SPAN, TRACE, attributes, batch, span
from tests.formats.test_gen_ai_events import record, sent
from tests.formats.worlds import read_as, utc

RESULT = "gen_ai.evaluation.result"
THUMB = {
    "gen_ai.evaluation.name": "user_feedback",
    "gen_ai.evaluation.score.value": 0.0,
    "gen_ai.evaluation.score.label": "thumbs_down",
    "gen_ai.evaluation.explanation": "Wrong parcel.",
}
JUDGED = {"gen_ai.evaluation.name": "hallucination", "gen_ai.evaluation.score.value": 1.0}
HELPFUL = {"name": "helpful", "score": 0.75, "annotator_kind": "HUMAN"}
TOLD = ("about_call", "trace_id", "name", "rating", "comment")
OTHER = "a0b0c0d000000009"


def event(plain: dict[str, Any]) -> dict[str, Any]:
    return {"name": RESULT, "timeUnixNano": str(NOON + 10**9), "attributes": attributes(plain)}


def said_in(*records: Any, name: str = "otel_genai") -> tuple[int, int, list[tuple[Any, ...]]]:
    """Calls and steps, and what was said: call, trace, name, rating, remark."""
    rows = read_as(name, *records)
    assert rows.rejected["reason"].to_list() == []
    return rows.calls.height, rows.steps.height, rows.feedback.select(TOLD).rows()


@pytest.mark.parametrize(
    "records",
    [
        [batch(span(CHAT)), sent(record(RESULT, plain=THUMB))],
        [batch(span(CHAT, events=[event(THUMB)]))],
        [batch(span(CHAT), span(THUMB, name=RESULT, spanId=OTHER, parentSpanId=SPAN))],
    ],
    ids=["a log record", "an event of the span", "a span in place of an event"],
)
def test_what_a_user_said_is_feedback_on_the_span(records):
    assert said_in(*records) == (1, 0, [(SPAN, TRACE, "user_feedback", 1.0, "Wrong parcel.")])


def test_what_names_the_response_is_about_it_whoever_asked_for_the_judgement():
    late = record(RESULT, plain=THUMB | {"gen_ai.response.id": "chatcmpl-1"}, spanId=OTHER)
    ((call, *_),) = said_in(sent(late))[2]
    assert call == "chatcmpl-1"


def test_an_annotator_kind_beside_a_result_says_who_judged():
    for kind, count in {"HUMAN": 1, "LLM": 0}.items():
        kinds = {"gen_ai.evaluation.annotator_kind": kind}
        told = sent(record(RESULT, plain=JUDGED | kinds), record(RESULT, plain=THUMB | kinds))
        assert len(said_in(told)[2]) == 2 * count


@pytest.mark.parametrize(
    "plain",
    [JUDGED, THUMB | {"error.type": "timeout"}, {"gen_ai.evaluation.name": "user_feedback"}],
    ids=["a judge's", "of an evaluation that failed", "without a score"],
)
def test_any_other_result_is_ignored_and_counted(plain):
    assert list(FORMATS["otel_genai"].unpack(sent(record(RESULT, plain=plain)))) == [
        {"kind": "ignored"}
    ]
    told = list(FORMATS["otel_genai"].unpack(batch(span(CHAT, events=[event(plain)]))))
    assert [found["kind"] for found in told] == ["call", "ignored"]


def test_a_result_that_is_a_span_with_a_response_id_is_no_call():
    plain = JUDGED | {"gen_ai.response.id": "chatcmpl-1"}
    assert said_in(batch(span(CHAT), span(plain, name="judge", spanId=OTHER))) == (1, 0, [])


def inline(form: str, *said: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{form}s.{n}.{form}.{key}": v for n, each in enumerate(said) for key, v in each.items()
    }


LLM = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4.1-mini",
    "llm.token_count.prompt": 120,
    "llm.token_count.completion": 30,
}


@pytest.mark.parametrize("form", ["annotation", "evaluation"])
def test_of_annotations_and_evaluations_on_a_span_those_of_people_are_feedback(form):
    judge = {"name": "hallucination", "score": 1, "annotator_kind": "LLM"}
    told = batch(span(LLM | inline(form, judge, HELPFUL | {"explanation": "Fast."})))
    expected = [(SPAN, TRACE, "helpful", 4.0, "Fast.")]
    assert said_in(told, name="openinference") == (1, 0, expected)
    kinds = [found["kind"] for found in FORMATS["openinference"].unpack(told)]
    assert kinds == ["call", "ignored", "feedback"]
    alone = {f"{form}.{key}": value for key, value in HELPFUL.items()}
    assert said_in(batch(span(LLM | alone)))[2] == [(SPAN, TRACE, "helpful", 4.0, None)]


def test_what_a_later_span_carries_is_about_the_span_that_it_links_to():
    carrier = {"openinference.span.kind": "EVALUATOR"} | inline("evaluation", HELPFUL)
    link = {"traceId": TRACE, "spanId": SPAN}
    later = span(carrier, traceId=TRACE[::-1], spanId=OTHER, parentSpanId=None, links=[link])
    assert said_in(batch(later)) == (0, 1, [(SPAN, TRACE, "helpful", 4.0, None)])
    printed = {"context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}"}}
    assert said_in(batch(later | {"links": [printed]}))[2][0][:2] == (SPAN, TRACE)


def test_a_judgement_keeps_its_id_in_whatever_line_it_is_sent_again():
    told = span(LLM | inline("evaluation", HELPFUL | {"identifier": "u-1"}))
    again = span(LLM | inline("annotation", HELPFUL | {"identifier": "u-1"}))
    ids = [read_as("openinference", batch(each)).feedback["call_id"][0] for each in (told, again)]
    assert ids[0] == ids[1]
    assert read_as("openinference", batch(told)).feedback["started_at"][0] == utc(
        "2026-11-10T12:00:01"
    )


def test_attributes_of_the_applications_own_are_no_judgements():
    told = batch(span(LLM | {"evaluation.run": "r", "annotations": "x", "evaluations": [3]}))
    assert [found["kind"] for found in FORMATS["openinference"].unpack(told)] == ["call"]
