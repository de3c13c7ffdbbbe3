"""Format compliance: what is wrong with an answer that should be JSON."""

import json
import socket

import pytest

from llmops_pipelines.judging.response_format import SchemaError, format_error, unfenced

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
