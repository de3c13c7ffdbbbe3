"""Calls and steps become traces: what one request of a user came to."""

from llmops_pipelines.ingest import llm_calls, trace_steps, traces
from llmops_pipelines.tables import LANDED_STEPS, LLM_CALLS, TRACE_STEPS
from tests.ingest.worlds import call, landed_lines

FAILED = {"response": None, "error": {"type": "timeout"}}


def traced(*records):
    lake = landed_lines(*records)
    return traces(llm_calls(lake.rows()), trace_steps(lake.rows(LANDED_STEPS)))


def one(*records):
    (row,) = traced(*records).to_dicts()
    return row


def step(number=1, **changes):
    return {
        "kind": "step", "id": f"st-{number}", "trace_id": "t", "step": "retriever",
        "timestamp": "2026-11-10T09:00:00Z",
    } | changes  # fmt: skip


def test_a_lone_call_is_its_own_trace():
    row = one(call(1))
    assert (row["trace_id"], row["root_call_id"]) == ("c-1", "c-1")
    assert (row["call_count"], row["step_count"], row["status"]) == (1, 0, "ok")
    assert row["has_text"]


def test_the_answer_is_the_last_successful_attempt_of_the_root():
    row = one(
        call(1, trace_id="t", attempt=1, **FAILED),
        call(2, trace_id="t", attempt=2),
        call(3, trace_id="t", attempt=3, **FAILED),
        step(),
    )
    assert (row["root_call_id"], row["status"]) == ("c-2", "ok")
    assert (row["call_count"], row["step_count"], row["started_at"].minute) == (3, 1, 1)


def test_inner_calls_are_no_answers():
    row = one(
        call(1, trace_id="t", prompt_name="answer", prompt_version="3"),
        call(2, trace_id="t", parent_id="c-1", prompt_name="rewrite"),
    )
    assert (row["root_call_id"], row["prompt_name"], row["prompt_version"]) == (
        "c-1",
        "answer",
        "3",
    )


def test_under_a_root_step_the_last_successful_call_answers():
    row = one(
        step(1, step="agent"),
        call(1, trace_id="t", parent_id="st-1"),
        call(2, trace_id="t", parent_id="st-1"),
        call(3, trace_id="t", parent_id="st-1", **FAILED),
    )
    assert row["root_call_id"] == "c-2"


def test_a_trace_without_success_ends_in_its_last_failure():
    row = one(call(1, trace_id="t", **FAILED), call(2, trace_id="t", **FAILED))
    assert (row["root_call_id"], row["status"]) == ("c-2", "error")


def test_attempts_at_the_same_moment_are_told_apart_by_their_number():
    at = "2026-11-10T09:00:00Z"
    row = one(
        call(1, trace_id="t", attempt=2, timestamp=at),
        call(2, trace_id="t", attempt=1, timestamp=at),
    )
    assert row["root_call_id"] == "c-1"


def test_steps_alone_make_no_trace():
    assert traced(step()).is_empty()


def test_a_quiet_day_has_no_traces():
    assert traces(LLM_CALLS.empty(), TRACE_STEPS.empty()).is_empty()
