"""Reading verdicts: exactly one, or a named fault."""

import json

import pytest

from llmops_pipelines.judging import UnreadableReplyError, strict_schema
from llmops_pipelines.judging.replies import read_ruling
from tests.judging.worlds import rubric

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
        ({"stars": 6, "reason": ""}, STARS, "stars is 6, expected 1 to 5"),
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
