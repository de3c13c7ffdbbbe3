"""Ids that are whole numbers are read as their digits, by every way a record is read."""

import json

import polars as pl
import pytest

from llmops_pipelines.formats import FORMATS, MappedField
from tests.formats.worlds import call, one, one_as, read

IDS = ("call_id", "trace_id", "parent_id", "user_id", "session_id")
LARGE = 9223372036854775807


def values(found):
    return tuple(found[name] for name in IDS)


def numbered(**changes):
    return call(id=12, trace_id=LARGE, parent_id=0, user_id=42, session_id=7, **changes)


def test_ids_of_the_envelope_are_their_digits():
    assert values(one(numbered())) == ("12", str(LARGE), "0", "42", "7")


@pytest.mark.parametrize("name", ["openai_responses", "anthropic", "gemini"])
def test_so_are_those_of_envelopes_that_are_unpacked(name):
    response = {"object": "response", "candidates": [], "type": "message"}
    found = one_as(name, numbered(response=response, request={"model": "m"}))
    assert values(found) == ("12", str(LARGE), "0", "42", "7")


def test_numbers_and_texts_may_be_mixed():
    rows = read(call(id=1, trace_id="t"), call(id="c-2", trace_id=2), call(id='"3"'))
    assert rows.calls["call_id"].to_list() == ["1", "c-2", '"3"']
    assert rows.calls["trace_id"].to_list() == ["t", "2", None]


def test_a_step_and_feedback_are_about_numbers_too():
    step = {"kind": "step", "id": 5, "trace_id": 6, "step": "tool", "timestamp": 1794302102}
    judged = {"kind": "feedback", "id": 8, "call_id": 12, "rating": 3, "timestamp": 1794302102}
    rows = read(step, judged)
    assert rows.steps.select("call_id", "trace_id").rows() == [("5", "6")]
    assert rows.feedback.select("call_id", "about_call").rows() == [("8", "12")]


def test_a_mapped_id_may_be_a_number():
    place = {
        "call_id": MappedField(path="no").place(),
        "started_at": MappedField(path="at").place(),
    }
    reading = FORMATS["mapped"].reading(place)
    rows = read({"no": 12, "at": 1794302102}, {"no": 1.5, "at": 1794302102}, reading=reading)
    assert rows.calls["call_id"].to_list() == ["12"]
    assert rows.rejected["reason"].to_list() == ["no: '1.5' is not text; quote it"]


def test_digits_that_json_spells_otherwise_stay_a_fault():
    lines = [json.dumps(call(id=1)).replace('"id": 1', f'"id": {odd}') for odd in ("1e3", "-0.0")]
    assert read(*lines).rejected["reason"].str.contains("is not text; quote it").all()


def test_a_column_without_any_id_is_null():
    assert read(call(id=None)).calls["call_id"].null_count() == 1
    assert read(call(id=None)).calls.schema["call_id"] == pl.String
