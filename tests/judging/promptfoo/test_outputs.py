"""Lines of outputs, and the tests they belong to."""

import json

import pytest

from llmops_pipelines.judging.promptfoo import ConfigError, paired, read_outputs
from tests.judging.promptfoo.worlds import suite

SUITE = suite(
    "tests: [{description: a, vars: {n: 1}}, {description: b, vars: {n: 2}}, {vars: {n: 2}}]"
)


def pairs(*records: object) -> list[tuple[int, str | None]]:
    lines = [json.dumps(record) for record in records]
    found = paired(SUITE, read_outputs(lines, file="o.jsonl"), file="o.jsonl")
    return [(test.number, output.text) for test, output in found]


def test_outputs_find_their_tests_by_number_name_or_variables():
    assert pairs(
        {"output": "x", "test": 2},
        {"output": "y", "description": "b"},
        {"output": "z", "vars": {"n": 1}},
    ) == [(2, "x"), (1, "y"), (0, "z")]


def test_outputs_that_name_nothing_go_in_order():
    assert pairs({"output": "x"}, {"response": "y"}, {"output": {"a": 1}}) == [
        (0, "x"), (1, "y"), (2, '{"a": 1}'),
    ]  # fmt: skip


def test_promptfoos_own_results_are_read():
    record = {
        "testIdx": 1, "promptIdx": 0, "latencyMs": 812, "cost": 0.002, "vars": {"n": 9},
        "provider": {"id": "openai:gpt-4.1-mini"}, "prompt": {"raw": "Why?", "label": "p"},
        "response": {"output": "Because.", "tokenUsage": {}}, "success": True,
    }  # fmt: skip
    (output,) = read_outputs([json.dumps(record)], file="o.jsonl")
    assert (output.test, output.text, output.question) == (1, "Because.", "Why?")
    assert (output.cost, output.latency_ms, output.provider) == (
        0.002,
        812.0,
        "openai:gpt-4.1-mini",
    )


def test_a_line_without_an_answer_says_why():
    lines = ['{"test": 0, "response": {"error": "429"}}', '{"test": 0}']
    failed, empty = read_outputs(lines, file="o.jsonl")
    assert (failed.text, failed.error) == (None, "429")
    assert empty.error == "the line holds no `output`"


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (["x"], "o.jsonl:1: is no JSON object"),
        ([{"output": "x", "cost": float("nan")}], "o.jsonl:1: not JSON: NaN is not a JSON number"),
        ([{"output": "x"}], "1 outputs for 3 tests"),
        ([{"output": "x", "test": 3}], "o.jsonl:1: test 3: there are 3, from 0"),
        ([{"output": "x", "test": "b"}], "test: 'b' is no whole number"),
        ([{"output": "x", "vars": {"n": 2}}], "belongs to 2 tests"),
        ([{"output": "x", "vars": {"n": 7}}], "belongs to 0 tests"),
        ([{"output": "x", "test": 0, "cost": -1}], "cost: -1 is no amount"),
    ],
)
def test_an_output_that_belongs_nowhere_is_told_with_its_line(records, told):
    with pytest.raises(ConfigError) as raised:
        pairs(*records)
    assert told in str(raised.value)
