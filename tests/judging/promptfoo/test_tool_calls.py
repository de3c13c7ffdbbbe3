"""Calls of tools are held against what the configuration offered the model."""

import json

import pytest

from llmops_pipelines.judging.promptfoo import Output
from tests.judging.promptfoo.worlds import results

WEATHER = {"name": "weather", "parameters": {
    "type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}
}}  # fmt: skip
TOOLS = [{"type": "function", "function": WEATHER}]
CONFIG = {
    "providers": [
        "echo",
        {"id": "openai:a", "label": "first", "config": {"tools": TOOLS, "functions": [WEATHER]}},
    ]
}


def told(output, kind="is-valid-openai-tools-call", config=CONFIG, **beside):
    text = output if isinstance(output, str) else json.dumps(output)
    test = json.dumps({**config, "tests": [{"assert": [{"type": kind}]}]})
    (result,) = results(test, Output(1, text, **beside))
    return result.found[0].finding


def call(name="weather", arguments='{"city": "Ulm"}'):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("output", "state", "reason"),
    [
        ([call()], "passed", ""),
        ({"tool_calls": [call(), call()]}, "passed", ""),
        ([call(), call("wether")], "failed", "calls 'wether'; offered are weather"),
        ([call(arguments='{"town": "Ulm"}')], "failed", "arguments of weather: $ lacks city"),
        ([call(arguments="Ulm")], "failed", "arguments of weather: text instead of JSON"),
        ([call(arguments={"city": "Ulm"})], "failed", "without a name and arguments as text"),
        ([3], "failed", "without a name and arguments as text"),
        ([], "failed", "holds no calls of tools"),
        ("It is sunny.", "failed", "holds no calls of tools"),
    ],
)
def test_every_call_is_of_an_offered_tool_with_arguments_that_fit(output, state, reason):
    finding = told(output)
    assert (finding.state, reason in finding.reason) == (state, True)
    turned = told(output, kind="not-is-valid-openai-tools-call").state
    assert turned == {"passed": "failed", "failed": "passed"}[state]


def test_a_function_call_is_one_call_by_itself():
    kind = "is-valid-openai-function-call"
    assert told({"function_call": call()["function"]}, kind).state == "passed"
    assert told(call()["function"], kind).state == "passed"
    assert told({"name": "other", "arguments": "{}"}, kind).state == "failed"


def test_the_provider_of_the_output_says_what_was_offered():
    other = {"id": "openai:b", "config": {"tools": [{"function": {"name": "clock"}}]}}
    two = {"providers": [*CONFIG["providers"], other]}
    assert told([call()], config=two).state == "unknown"
    assert told([call()], config=two, provider="first").state == "passed"
    assert told([call()], config=two, provider="openai:b").state == "failed"
    nobody = told([call()], config={"providers": ["echo"]})
    assert (nobody.state, "nothing says what was offered" in nobody.reason) == ("unknown", True)
