import re
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from llmops_pipelines.reference import ReferenceFileError, document_text, parse_document


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Literal["cost", "score"]
    above: float = Field(0.0, ge=0)
    colours: list[str] = Field(default_factory=list)

    @field_validator("colours")
    @classmethod
    def _few(cls, colours: list[str]) -> list[str]:
        if len(colours) > 2:
            raise ValueError("give at most two")
        return colours


class Lines(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: dict[str, Line] = Field(default_factory=dict)
    total: Line | None = None


def faults(text: str) -> list[str]:
    with pytest.raises(ReferenceFileError) as raised:
        parse_document(text, Lines, file="lines.yaml")
    return str(raised.value).splitlines()


def test_a_document_becomes_its_model():
    found = parse_document("lines:\n  a: {metric: cost, above: 2}\n", Lines, file="lines.yaml")
    assert found == Lines(lines={"a": Line(metric="cost", above=2)})


@pytest.mark.parametrize("text", ["", "# only a remark\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(text):
    assert parse_document(text, Lines, file="lines.yaml") == Lines()


def test_every_fault_is_told_with_its_line_and_field():
    assert faults("lines:\n  a:\n    metric: prize\n    above: -1\n  b: {above: 2}\n") == [
        "lines.yaml:3: lines.a.metric: input should be 'cost' or 'score'; found 'prize'",
        "lines.yaml:4: lines.a.above: input should be greater than or equal to 0; found -1",
        "lines.yaml:5: lines.b.metric: is missing",
    ]


def test_an_unknown_field_names_those_that_are_accepted():
    assert faults("lines:\n  a:\n    metric: cost\n    abvoe: 2\n") == [
        "lines.yaml:4: lines.a.abvoe: is not known here; accepted: metric, above, colours; "
        "did you mean above?"
    ]
    assert faults("lynes: {}\n") == [
        "lines.yaml:1: lynes: is not known here; accepted: lines, total; did you mean lines?"
    ]


def test_an_unknown_field_of_an_optional_part_names_its_fields_too():
    assert faults("total:\n  metric: cost\n  colour: red\n") == [
        "lines.yaml:3: total.colour: is not known here; accepted: metric, above, colours; "
        "did you mean colours?"
    ]


def test_an_item_of_a_list_has_the_line_it_stands_on():
    assert faults("lines:\n  a:\n    metric: cost\n    colours:\n    - red\n    - [x]\n") == [
        "lines.yaml:6: lines.a.colours.1: input should be a valid string; found ['x']"
    ]


def test_what_should_be_a_list_is_said_to_be_one():
    assert faults("lines:\n  a: {metric: cost, colours: 3}\n") == [
        "lines.yaml:2: lines.a.colours: expected a list, an entry behind each `-`; found 3"
    ]


def test_a_rule_of_the_model_speaks_in_its_own_words():
    assert faults("lines:\n  a: {metric: cost, colours: [r, g, b]}\n") == [
        "lines.yaml:2: lines.a.colours: give at most two; found ['r', 'g', 'b']"
    ]


def test_a_section_that_is_a_value_and_a_decimal_comma_are_told_in_plain_words():
    assert faults("total: 3\nlines: {a: {metric: cost, above: 1,5}}\n") == [
        "lines.yaml:2: lines.a.5: a key is text; quote a number, and write a decimal with a point; "
        "found 5",
        "lines.yaml:1: total: expected `key: value` pairs; found 3",
    ]


def test_a_key_that_is_one_of_few_is_told_like_any_unknown_field():
    class Fields(BaseModel):
        places: dict[Literal["started_at", "latency_ms"], str]

    with pytest.raises(ReferenceFileError) as raised:
        parse_document("places:\n  latency: took\n", Fields, file="fields.yaml")
    assert str(raised.value) == (
        "fields.yaml:2: places.latency: is not known here; accepted: started_at, latency_ms; "
        "did you mean latency_ms?"
    )


def test_a_long_value_is_not_repeated_at_length():
    (fault,) = faults(f"lines:\n  a: {{metric: {'x' * 9_000}}}\n")
    assert len(fault) < 500


@pytest.mark.parametrize("text", ["- a\n", "word\n", "7\n"])
def test_a_file_that_is_no_mapping_names_the_keys_expected(text):
    (fault,) = faults(text)
    assert re.match("lines.yaml:1: is a (list|text|number), ", fault)
    assert fault.endswith("expected `key: value` lines with the keys lines, total")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lines:\n  a: [1, 2\n", 3),
        ("lines:\n\ta: 1\n", 2),
        ("lines: {}\n---\nlines: {}\n", 2),
        ("lines: {}\ntotal: {metric: 'cost}\n", 2),
        ("lines: *nowhere\n", 1),
        ("a: 1\nb: \x00\n", 2),
        ("lines: !!python/object:os.system {}\n", 1),
        ("? [a]\n: b\n", 1),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text, line):
    assert faults(text)[0].startswith(f"lines.yaml:{line}: not YAML: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lines:\n\ta: 1\n", "2: not YAML: a tab; indent with spaces"),
        ("lines: {}\n---\n", "2: not YAML: a second document begins here; keep one, without `---`"),
        ("total: 'cost\nlines: {}\n", "1: not YAML: a quote is opened here and never closed"),
        ("lines: {}\ntotals\n", "2: not YAML: a key without `:` behind it"),
        ("a: b: c\n", "1: not YAML: a second `:`, or a line indented too far; put text that holds "
         "`: ` in quotes"),
        ("lines:\n   a: 1\n  b: 2\n", "3: not YAML: indented other than the lines above, "
         "or a list's `-` is missing"),
    ],
)  # fmt: skip
def test_common_slips_are_told_in_plain_words_where_they_begin(text, says):
    assert faults(text) == [f"lines.yaml:{says}"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: 1\nname: José\n".encode("latin-1"), "f.yaml:2: is not UTF-8; save it as UTF-8"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1: is UTF-16; save it as UTF-8"),
    ],
)
def test_text_in_another_encoding_is_refused_rather_than_read_wrongly(content, says):
    with pytest.raises(ReferenceFileError) as raised:
        document_text(content, file="f.yaml")
    assert str(raised.value) == says


def test_a_key_given_twice_is_refused():
    assert faults("lines:\n  a: {metric: cost}\n  b: {metric: cost}\n  a: {metric: score}\n") == [
        "lines.yaml:4: not YAML: the key 'a' is given twice; keep one"
    ]


def test_a_date_that_is_none_is_told_with_its_line():
    assert faults("lines:\n  a: {metric: 2026-13-45}\n") == [
        "lines.yaml:2: not YAML: '2026-13-45' cannot be read (month must be in 1..12); "
        "correct it, or quote it as text"
    ]


def test_anchors_and_merge_keys_work():
    text = "lines:\n  a: &base {metric: cost, above: 1}\n  b:\n    <<: *base\n    metric: score\n"
    found = parse_document(text, Lines, file="lines.yaml").lines["b"]
    assert (found.metric, found.above) == ("score", 1)


def test_nesting_without_end_is_refused():
    assert faults("lines: &a\n  x: *a\n")[0].startswith("lines.yaml:")
    assert "not YAML" in faults("[" * 5_000)[0]
