"""Framework spans around a call's span, in other lines than the call: one call, not two."""

from typing import Any

import polars as pl

from llmops_pipelines.ingest import llm_calls, unaccounted_rows
from llmops_pipelines.tables import LANDED_CALLS, TOKEN_BUCKETS, TRACE_STEPS
from tests.ingest.day.test_same_calls import NOON, record

BARE: dict[str, Any] = dict.fromkeys(TOKEN_BUCKETS)


def wrapper(call_id: str, **changes: Any) -> dict[str, Any]:
    return record(call_id, **BARE, response_id=None, **changes)


def step(step_id: str, parent: str) -> pl.DataFrame:
    row = dict.fromkeys(TRACE_STEPS.schema) | {
        "step_id": step_id, "trace_id": "t", "parent_id": parent, "started_at": NOON,
    }  # fmt: skip
    return pl.DataFrame([row], schema=TRACE_STEPS.schema)


def copies(*records: dict[str, Any], steps: pl.DataFrame | None = None) -> list[list[str]]:
    """The call ids behind each call that is left, kept one first; none is unaccounted for."""
    landed = pl.DataFrame(records, schema=LANDED_CALLS.schema)
    calls = llm_calls(landed, steps)
    assert unaccounted_rows(landed, calls).is_empty()
    assert llm_calls(landed.reverse(), steps).equals(calls)
    rows = calls["copies"].to_list()
    return sorted([copy["call_id"] for copy in found] for found in rows)


def test_a_call_without_tokens_around_another_is_no_second_call():
    assert copies(wrapper("a"), record("b", parent_id="a", after=0.1)) == [["b", "a"]]


def test_it_may_stand_any_number_of_steps_above():
    inner = record("b", parent_id="s", after=0.1)
    assert copies(wrapper("a"), inner, steps=step("s", "a")) == [["b", "a"]]


def test_wrappers_around_wrappers_are_of_the_innermost_call():
    between = wrapper("w", parent_id="a")
    assert copies(wrapper("a"), between, record("b", parent_id="w")) == [["b", "a", "w"]]


def test_around_several_calls_it_is_of_the_first():
    one, two = (record(name, parent_id="a", after=after) for name, after in (("b", 9), ("c", 5)))
    assert copies(wrapper("a"), one, two) == [["b"], ["c", "a"]]


def test_what_it_says_of_the_application_holds_for_the_call():
    outer = wrapper("a", user_hash="u", session_id="s", prompt_name="p")
    inner = record("b", parent_id="a", user_hash=None, session_id=None, prompt_name=None)
    calls = llm_calls(pl.DataFrame([outer, inner], schema=LANDED_CALLS.schema))
    assert calls.select("user_hash", "session_id", "prompt_name").rows() == [("u", "s", "p")]


def test_with_tokens_or_a_response_of_its_own_it_is_a_call():
    inner = record("b", parent_id="a", after=0.1, uncached_input=7)
    assert copies(record("a"), inner) == [["a"], ["b"]]
    assert copies(record("a", **BARE, response_id="r"), inner) == [["a"], ["b"]]


def test_without_a_call_below_it_is_a_call():
    assert copies(wrapper("a"), steps=step("s", "a")) == [["a"]]
    assert copies(wrapper("a"), record("b", parent_id="a", trace_id="u")) == [["a"], ["b"]]


def test_what_stands_around_the_own_span_of_an_sdk_is_its_call():
    own = {"parent_id": "a", "instrumentation": "com.anthropic.sdk.python", "after": 0.1}
    told = {"instrumentation": "openinference"}
    assert copies(wrapper("a", **told), record("b", **own)) == [["b", "a"]]
    assert copies(wrapper("a", **told), record("b", **own), record("c", **own)) == [
        ["a"], ["b"], ["c"],
    ]  # fmt: skip


def test_spans_that_are_each_others_parents_stay():
    assert copies(wrapper("a", parent_id="b"), wrapper("b", parent_id="a")) == [["a"], ["b"]]
