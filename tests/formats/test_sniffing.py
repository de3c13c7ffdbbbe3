"""The format of a file is told from its first lines."""

import json

import pytest

from llmops_pipelines.formats import FORMATS, connect, sniff, split_document
from llmops_pipelines.formats.engine.paths import parse_path, show_path
from tests.formats.worlds import call, response


@pytest.mark.parametrize(
    "record",
    [
        call(),
        {"kind": "step"},
        {"kind": "feedback"},
        response(object="chat.completion"),
        response(object="text_completion"),
        {"response": {"object": "list", "data": [], "usage": {"prompt_tokens": 8}}},
        {"response": {"choices": []}},
        {"body": {"messages": []}},
    ],
)
def test_openai_records_are_recognised(record):
    assert sniff([json.dumps(record)]) == "openai"


@pytest.mark.parametrize(
    "line", ["", "{", "17", "[1]", '{"a": 1}', "[" * 100_000, '{"response": 1}']
)
def test_anything_else_is_unknown(line):
    assert sniff([line]) is None


def test_broken_lines_are_no_evidence():
    assert sniff(["{broken", "17", json.dumps(call())]) == "openai"


def test_a_line_that_only_a_lenient_reader_takes_is_evidence():
    assert sniff(['{"request": {"messages": []}, "latency_ms": NaN, "id": "\\ud800"}']) == "openai"


def test_of_two_formats_with_equal_votes_the_one_asked_first_counts():
    bare = json.dumps({"object": "response"})
    assert sniff([json.dumps(call()), bare]) == sniff([bare, json.dumps(call())])


def test_no_lines_have_no_format():
    assert sniff([]) is None


def test_every_format_says_what_it_is():
    assert all(known.name == name and known.about for name, known in FORMATS.items())


def test_a_document_is_split_into_records():
    assert split_document(connect(), '[{"a": 1}, {"b": [2]}]') == ['{"a":1}', '{"b":[2]}']
    assert split_document(connect(), '{\n  "a": 1\n}') == ['{"a":1}']
    assert split_document(connect(), "[]") == []
    assert split_document(connect(), '{"a":1}\n{"a":2}') is None


@pytest.mark.parametrize("text", ["a", "a.b", "a[0]", "a[0].b[12].c", "a-b.c d"])
def test_a_path_is_written_as_it_is_read(text):
    assert show_path(parse_path(text)) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a]b"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="is not a path"):
        parse_path(text)
