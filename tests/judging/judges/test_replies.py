"""Reading verdicts: exactly one, or a named fault."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.judging import UnreadableReplyError, strict_schema
from llmops_pipelines.judging.heuristics.response_format import format_error
from llmops_pipelines.judging.judges.replies import read_object, read_ruling
from tests.judging.judges.attacks import attacks_on
from tests.judging.worlds import default_rubrics, rubric

STARS = {
    "scale": "one_to_five",
    "output": {
        "type": "object",
        "properties": {"stars": {"type": "integer"}, "reason": {"type": "string"}},
    },
    "verdict": "stars",
}
KINDS = {
    "scale": "categorical",
    "categories": {"full": 1.0, "partial": 0.5, "unclear": None},
    "output": {
        "type": "object",
        "properties": {
            "kind": {"enum": ["full", "partial", "unclear"]},
            "reason": {"type": "string"},
        },
    },
    "verdict": "kind",
}


def read(reply, **changes):
    asked = rubric(**changes)
    text = reply if isinstance(reply, str) else json.dumps(reply)
    return read_ruling(text, asked, json.dumps(strict_schema(asked.output)))


@pytest.mark.parametrize(
    ("reply", "changes", "score"),
    [
        ({"polite": True, "reason": "r"}, {}, 1.0),
        ({"polite": False, "reason": "r"}, {}, 0.0),
        ({"stars": 1, "reason": "r"}, STARS, 0.0),
        ({"stars": 4, "reason": "r"}, STARS, 0.75),
        ({"kind": "partial", "reason": "r"}, KINDS, 0.5),
        ('```json\n{"polite": true, "reason": "r"}\n```', {}, 1.0),
    ],
)
def test_each_scale_is_read_onto_zero_to_one(reply, changes, score):
    ruling = read(reply, **changes)
    assert (ruling.outcome, ruling.score, ruling.reason) == ("scored", score, "r")


@pytest.mark.parametrize("said", ["\\ud83d", "cut \\uD83D here", "\\udc42", "\\ud83d\\ud83d"])
def test_half_a_character_in_a_reason_is_told_as_such_and_can_be_kept(said):
    ruling = read(f'{{"polite": true, "reason": "{said}"}}')
    assert ruling.score == 1.0
    assert "\ufffd" in ruling.reason
    ruling.reason.encode()


def test_whole_characters_stay_as_they_were_escaped():
    assert read('{"polite": true, "reason": "\\ud83d\\ude42 \\\\ud83d"}').reason == "🙂 \\ud83d"


def _of(kind):
    reason = {"type": "string"}
    return {"type": "object", "properties": {"polite": {"type": kind}, "reason": reason}}


@pytest.mark.parametrize(
    ("reply", "changes", "fault"),
    [
        ({"polite": "false", "reason": ""}, {"output": _of(["boolean", "string"])}, "neither true"),
        ({"polite": 0, "reason": ""}, {"output": _of(["boolean", "integer"])}, "neither true"),
        ({"polite": "3", "reason": ""},
         {"scale": "one_to_five", "output": _of(["integer", "string"])}, "no whole number"),
        ({"polite": 3.7, "reason": ""},
         {"scale": "one_to_five", "output": _of(["integer", "number"])}, "no whole number"),
        ({"reason": ""}, {"output": {"properties": _of("boolean")["properties"]}}, "lacks polite"),
    ],
)  # fmt: skip
def test_a_verdict_that_only_a_loose_schema_allows_is_no_score(reply, changes, fault):
    with pytest.raises(UnreadableReplyError, match=fault):
        read(reply, **changes)


def test_the_category_is_kept_beside_its_score():
    assert read({"kind": "partial", "reason": "r"}, **KINDS).evidence == "partial"
    assert read({"polite": True, "reason": "r"}).evidence is None


@pytest.mark.parametrize(
    ("reply", "changes"),
    [({"polite": None, "reason": "r"}, {}), ({"kind": "unclear", "reason": "r"}, KINDS)],
)
def test_a_verdict_of_null_does_not_apply_and_is_no_zero(reply, changes):
    ruling = read(reply, **changes)
    assert (ruling.outcome, ruling.score, ruling.reason) == ("not_applicable", None, "r")


@pytest.mark.parametrize(
    ("reply", "changes", "fault"),
    [
        ("", {}, "empty answer"),
        ("grounded: yes", {}, "text instead of JSON"),
        ('{"polite": tru', {}, "truncated JSON"),
        ('{"polite": NaN, "reason": ""}', {}, "NaN"),
        ({"polite": "true", "reason": ""}, {}, "polite is string, expected"),
        ({"polite": 1, "reason": ""}, {}, "polite is integer, expected"),
        ({"polite": True}, {}, "lacks reason"),
        ({"polite": True, "reason": "", "score": 1}, {}, "does not know"),
        ('{"polite": false, "polite": true, "reason": ""}', {}, "given twice"),
        ('{"polite": true, "reason": ""} {"polite": false, "reason": ""}', {}, "extra data"),
        ('Sure! {"polite": true, "reason": ""}', {}, "text instead of JSON"),
        ({"stars": 6, "reason": ""}, STARS, "stars is no whole number from 1 to 5"),
        ({"kind": "FULL", "reason": ""}, KINDS, "breaks enum"),
        ([], {}, "is array, expected object"),
    ],
)
def test_any_other_reply_is_unreadable_and_says_why(reply, changes, fault):
    with pytest.raises(UnreadableReplyError, match=fault):
        read(reply, **changes)


def test_a_schema_is_closed_and_complete_all_the_way_down():
    schema = {
        "type": "object",
        "properties": {
            "claims": {"type": "array", "items": {"type": "object", "properties": {"a": {}}}}
        },
        "$defs": {"x": {"type": "object", "properties": {"b": {"type": "string"}}}},
    }
    strict = strict_schema(schema)
    assert strict["required"] == ["claims"]
    assert strict["properties"]["claims"]["items"]["additionalProperties"] is False
    assert strict["$defs"]["x"]["required"] == ["b"]
    assert "required" not in schema


DEFAULTS = default_rubrics().rubrics
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("name", DEFAULTS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_what_is_accepted_at_first_sight_has_no_fault_at_a_closer_look(name, data):
    """Sound replies, each with a value somewhere in it replaced by any other."""
    schema = json.dumps(strict_schema(DEFAULTS[name].output))
    best = next(a for a in attacks_on(DEFAULTS[name]) if a.name == "the reply itself")
    reply = json.loads(best.text)
    if data.draw(st.booleans()):
        place = data.draw(st.sampled_from([*reply, "another"]))
        reply[place] = data.draw(VALUES)
    text = json.dumps(reply)
    fault = format_error(text, schema=schema)
    if fault is None:
        assert read_object(text, schema) == json.loads(text)
    else:
        with pytest.raises(UnreadableReplyError) as caught:
            read_object(text, schema)
        assert str(caught.value) == fault


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/elsewhere"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=x)(a+)+$"}}},
    ],
    ids=["a reference to elsewhere", "a pattern that may take without end"],
)
def test_a_schema_that_is_not_safe_to_compile_is_read_by_the_careful_validator(schema):
    with pytest.raises(UnreadableReplyError, match=r"not inside it|may take without end"):
        read_object(json.dumps({"a": "a" * 40 + "!"}), json.dumps(schema))
