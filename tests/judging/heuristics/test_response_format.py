"""Format compliance: what is wrong with an answer that should be JSON."""

import json
import socket
from time import process_time

import pytest

from llmops_pipelines.judging.heuristics.response_format import SchemaError, format_error, unfenced

INVOICE = json.dumps(
    {
        "type": "object",
        "required": ["vendor", "total"],
        "additionalProperties": False,
        "properties": {
            "vendor": {"type": "string"},
            "total": {"type": "number"},
            "lines": {"type": "array", "items": {"type": "object", "required": ["sum"]}},
            "currency": {"enum": ["EUR", "USD"]},
        },
    }
)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('{"a": 1}', None),
        ("[1]", "is array, expected object"),
        ('"text"', "is string, expected object"),
        ("null", "is null, expected object"),
        ("true", "is boolean, expected object"),
        ('```json\n{"a": 1}\n```', "code fence around the JSON"),
        ("```\n{", "code fence around the JSON"),
        ("", "empty answer"),
        ("  \n", "empty answer"),
        ("Here you are: {}", "text instead of JSON"),
        ('{"a": NaN}', "not JSON: NaN is not a JSON number"),
        ('{"a": -Infinity}', "not JSON: -Infinity is not a JSON number"),
        ('{"a": 1} and more', "not JSON: extra data at character 9"),
    ],
)
def test_json_object_wants_one_object_and_nothing_else(answer, error):
    assert format_error(answer) == error


@pytest.mark.parametrize(
    "answer",
    [
        '{"a": "lo',
        '{"a": [1, 2',
        '{"a": 1,',
        "{",
        '{"a": tr',
        '{"a": -',
        '{"a": 1.',
        '{"a": "\\u00',
    ],
)
def test_json_that_breaks_off_is_called_truncated(answer):
    assert format_error(answer).startswith("truncated JSON: ")


def test_any_broken_json_is_truncated_when_the_model_hit_its_limit():
    assert format_error('{"a": tru, }', truncated=True).startswith("truncated JSON: ")


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"vendor": "Acme", "total": 3.5}, None),
        ({"vendor": "Acme"}, "$ lacks total"),
        ({"vendor": "Acme", "total": "3.5"}, "$.total is string, expected number"),
        ({"vendor": "Acme", "total": 1, "x": 1}, "$ has properties the schema does not know"),
        ({"vendor": "A", "total": 1, "lines": [{"sum": 1}, {}]}, "$.lines[1] lacks sum"),
        ({"vendor": "A", "total": 1, "currency": "GBP"}, '$.currency breaks enum: ["EUR", "USD"]'),
    ],
)
def test_a_schema_names_place_and_rule(document, error):
    assert format_error(json.dumps(document), schema=INVOICE) == error


def test_an_error_never_repeats_what_the_answer_said():
    secret = json.dumps({"vendor": 1, "total": "card 4111 1111 1111 1111"})
    assert "4111" not in format_error(secret, schema=INVOICE)


@pytest.mark.parametrize(
    "schema", ["{", "[]", '{"type": "sentence"}', '{"type": 3}', '{"properties": []}', "NaN"]
)
def test_an_unusable_schema_is_the_schemas_fault(schema):
    with pytest.raises(SchemaError, match="the schema"):
        format_error("{}", schema=schema)


def test_a_reference_outside_the_schema_is_not_fetched(monkeypatch):
    def no_network(*_args, **_kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with pytest.raises(SchemaError, match="which is not inside it"):
        format_error("{}", schema='{"$ref": "https://schemas.example/other.json"}')


def test_a_pattern_that_is_no_pattern_is_the_schemas_fault():
    with pytest.raises(SchemaError, match=r"regular expression|not a JSON schema"):
        format_error('"x"', schema='{"type": "string", "pattern": "("}')


def test_endless_nesting_is_an_error_not_a_crash():
    assert format_error("[" * 100_000) is not None
    assert format_error("[" * 100_000 + "]" * 100_000) is not None


def test_a_number_of_ten_thousand_digits_is_an_error_not_a_crash():
    assert format_error('{"a": ' + "9" * 10_000 + "}").startswith("not JSON: ")


def test_a_fence_with_nothing_but_blank_lines_is_read_at_once():
    assert unfenced("```\n" + "\n" * 200_000).startswith("```")


def test_a_fence_around_the_whole_is_taken_off_and_no_other():
    assert unfenced('```json\n{"a": 1}\n```') == '{"a": 1}'
    assert unfenced('see:\n```json\n{"a": 1}\n```') == 'see:\n```json\n{"a": 1}\n```'


EXPLODING = {
    "nested repeats": ({"pattern": "^(a+)+$"}, "a" * 60 + "!"),
    "overlapping choices": ({"pattern": "^(a|a)*$"}, "a" * 60 + "!"),
    "options in a row": ({"pattern": "a?" * 40 + "a" * 40}, "a" * 40),
    "names": ({"patternProperties": {"^(a+)+$": False}}, {"a" * 60 + "!": 1}),
    "names of others": (
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
        {"a" * 60: 1},
    ),
}


@pytest.mark.parametrize("name", EXPLODING)
def test_a_pattern_that_would_explode_is_matched_at_once(name):
    schema, document = EXPLODING[name]
    began = process_time()
    error = format_error(json.dumps(document), schema=json.dumps(schema))
    assert process_time() - began < 1
    assert (error is None) == name.startswith(("names", "options"))


FANNING = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"$defs": FANNING | {"a40": {}}, "$ref": "#/$defs/a0"}, 1),
        ({"items": {"type": "integer"}}, list(range(500_000))),
        ({"pattern": "^(?=(a+)+$).*"}, "a" * 60 + "!"),
        ({"pattern": r"^(a+)+\1$"}, "a" * 60 + "!"),
        ({"patternProperties": {f"^{n}": {} for n in range(500)}}, dict.fromkeys("abc", 1)
            | dict.fromkeys(map(str, range(900)))),
        ({"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}, {}),
        ({"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False}, {"a" * 60: 1}),
        ({"enum": ["x" * 250_000]}, 1),
    ],
)  # fmt: skip
def test_work_without_end_is_left_unchecked_and_called_neither_right_nor_wrong(schema, document):
    began = process_time()
    with pytest.raises(SchemaError, match=r"not checked|characters"):
        format_error(json.dumps(document), schema=json.dumps(schema))
    assert process_time() - began < 5


def test_patterns_that_look_around_are_matched_where_their_work_is_bounded():
    schema = json.dumps({"type": "string", "pattern": r"^(?!\s*$).+"})
    assert format_error('"text"', schema=schema) is None
    assert format_error('"  "', schema=schema).startswith("$ breaks pattern")


def test_many_unlike_items_are_told_apart_without_comparing_all_pairs():
    schema = json.dumps({"uniqueItems": True})
    items = [{"n": n} for n in range(20_000)]
    assert format_error(json.dumps(items), schema=schema) is None
    assert format_error(json.dumps([*items, {"n": 5.0}]), schema=schema) is not None
    assert format_error('[1, true, 0, false, "1"]', schema=schema) is None


@pytest.mark.parametrize("dialect", ["draft-04", "draft-06", "draft-07"])
def test_older_dialects_are_bounded_too(dialect):
    schema = {"$schema": f"http://json-schema.org/{dialect}/schema#", "pattern": "^(a+)+$"}
    assert format_error(json.dumps("a" * 60 + "!"), schema=json.dumps(schema)) is not None
    recursive = schema | {"items": {"$ref": "#"}}
    assert format_error(json.dumps(["a" * 60 + "!"]), schema=json.dumps(recursive)) is not None
