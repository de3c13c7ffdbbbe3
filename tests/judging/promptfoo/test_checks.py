"""Assertions that the output alone decides, as promptfoo itself decides them."""

import pytest

from llmops_pipelines.judging.promptfoo import Output
from tests.judging.promptfoo.worlds import found

OBJECT = {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}}

# Decided alike by promptfoo 0.123.1.
DECIDED = [
    ("equals", "Hello", "Hello", True), ("equals", "Hello", "hello", False),
    ("equals", 42, "42", True), ("equals", True, "true", True),
    ("equals", {"a": 1, "b": [1, 2]}, '{"b": [1,2], "a": 1}', True),
    ("equals", {"a": 1}, "a: 1", False), ("not-equals", {"a": 1}, "a: 1", True),
    ("contains", "World", "Hello World", True), ("not-contains", "World", "Hello World", False),
    ("contains", 5, "in 5 days", True), ("icontains", "HELLO", "hello", True),
    ("contains-any", ["five", "six"], "five days", True), ("contains-any", "x, days", "days", True),
    ("contains-any", '"five, days", six', "five days", False),
    ("contains-any", "a\nb, days", "days", True),
    ("contains-all", ["cat", "mat"], "cat on mat", True), ("contains-all", "cat,dog", "cat", False),
    ("not-contains-all", ["cat", "dog"], "cat", True),
    ("icontains-any", ["FIVE"], "five", True), ("icontains-all", ["A", "b"], "aB", True),
    ("not-icontains-any", ["FIVE"], "five", False),
    ("starts-with", "He", "Hello", True), ("not-starts-with", "He", "Hello", False),
    ("regex", "^Hello", "Hello", True), ("regex", "days.$", "days.\n", False),
    ("regex", r"\d", "\u0663", False), ("regex", r"(?<w>[a-z])\k<w>", "hello", True),
    ("regex", "[$]", "5 $", True), ("regex", "a[^]b", "a\nb", True), ("regex", "[]", "a", False),
    ("regex", r"a\/b", "a/b", True), ("not-regex", "x", "abc", True),
    ("is-json", None, "[1,2]", True), ("is-json", None, "null", True),
    ("is-json", None, '```json\n{"a":1}\n```', False), ("not-is-json", None, "text", True),
    ("is-json", OBJECT, '{"a": 1}', True), ("is-json", OBJECT, '{"a": "1"}', False),
    ("is-json", "type: array", "[]", True), ("not-is-json", OBJECT, '{"a": "1"}', True),
    ("contains-json", None, 'Sure: {"a": 1}.', True), ("contains-json", None, "[1]", False),
    ("contains-json", OBJECT, '{"b": 1} {"a": 1}', True),
    ("not-contains-json", OBJECT, '{"a": 1}', False),
    ("word-count", 2, " two words ", True), ("word-count", "2", "one", False),
    ("word-count", {"min": 1, "max": 2}, "one two three", False),
    ("word-count", {"min": 3}, "one two three", True), ("not-word-count", {"max": 2}, "one", False),
    ("is-refusal", None, "I'm sorry, but I can't help with that.", True),
    ("is-refusal", None, " ", True), ("not-is-refusal", None, "Five days.", True),
    ("levenshtein", "Hello Word", "Hello World", True), ("levenshtein", "abc", "xyzuvw", False),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "text", "holds"), DECIDED)
def test_an_assertion_is_decided_as_promptfoo_decides_it(kind, value, text, holds):
    finding = found({"type": kind, "value": value}, text)
    assert (finding.state, finding.score) == (("failed", "passed")[holds], float(holds))
    assert bool(finding.reason) is not holds


@pytest.mark.parametrize(
    ("kind", "threshold", "text", "score", "state"),
    [
        ("rouge-n", None, "the cat sat on the mat", 5 / 6, "passed"),
        ("rouge-n", 0.9, "the cat sat on the mat", 5 / 6, "failed"),
        ("rouge-n", 0.9, "The cat is on THE mat", 1.0, "passed"),
        ("not-rouge-n", 0.9, "the cat sat on the mat", 1 / 6, "passed"),
    ],
)
def test_rouge_scores_between_nothing_and_all(kind, threshold, text, score, state):
    finding = found({"type": kind, "value": "the cat is on the mat", "threshold": threshold}, text)
    assert finding.score == pytest.approx(score)
    assert finding.state == state


@pytest.mark.parametrize(
    ("kind", "threshold", "state"),
    [
        ("cost", 0.02, "passed"),
        ("cost", 0.01, "failed"),
        ("not-cost", 0.01, "passed"),
        ("latency", 800, "passed"),
        ("latency", 799.5, "failed"),
    ],
)
def test_cost_and_latency_may_be_as_much_as_the_threshold(kind, threshold, state):
    output = Output(1, "x", cost=0.02, latency_ms=800)
    assert found({"type": kind, "threshold": threshold}, output).state == state


@pytest.mark.parametrize("kind", ["cost", "latency"])
def test_a_cost_nobody_told_neither_passes_nor_fails(kind):
    finding = found({"type": kind, "threshold": 1}, "x")
    assert (finding.state, finding.score) == ("unknown", None)
    assert finding.reason == f"the line does not tell its {kind}"


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ({"type": "contains"}, "needs a text"),
        ({"type": "regex", "value": "("}, "cannot be read"),
        ({"type": "cost"}, "has no threshold"),
        ({"type": "word-count", "value": "many"}, "no number of words"),
        ({"type": "word-count", "value": {}}, "neither min nor max"),
        ({"type": "is-json", "value": {"type": "nonsense"}}, "not a JSON schema"),
        ({"type": "is-json", "value": {"$ref": "elsewhere.json"}}, "not inside it"),
        ({"type": "similar"}, "needs a text, or several"),
        ({"type": "contains", "value": "{{ absent }}"}, "'absent' is undefined"),
        ({"type": "contains", "value": "{{ ''.__class__ }}"}, "cannot be filled in"),
    ],
)
def test_an_assertion_that_asks_nothing_is_unsupported_with_a_reason(assertion, reason):
    finding = found(assertion, "{}")
    assert (finding.state, finding.score) == ("unsupported", None)
    assert reason in finding.reason


@pytest.mark.parametrize(
    ("ended", "state"), [("STOP", "passed"), ("length", "failed"), (None, "unknown")]
)
def test_why_the_model_stopped_is_read_beside_the_output(ended, state):
    output = Output(1, "Hello", finish_reason=ended)
    assert found({"type": "finish-reason", "value": "stop"}, output).state == state


def test_no_output_is_no_verdict():
    finding = found({"type": "not-contains", "value": "x"}, Output(1, None, error="timed out"))
    assert (finding.state, finding.reason) == ("unknown", "there is no output: timed out")


def test_values_are_filled_in_but_outputs_are_never_templates():
    variables = {"name": "Ann", "map": {"a": True}}
    assertion = {"type": "equals", "value": "{{ name }} {{ map }} {{ vars.name | dump }}"}
    assert found(assertion, 'Ann {"a": true} "Ann"', vars=variables).state == "passed"
    assert found({"type": "equals", "value": "49"}, "{{ 7 * 7 }}").state == "failed"


def test_similar_takes_the_likest_of_several_texts():
    assertion = {"type": "similar", "value": ["xyz", "listen"], "threshold": 0.9}
    assert found(assertion, "silent").state == "passed"
    finding = found({**assertion, "type": "not-similar"}, "silent")
    assert (finding.state, finding.score) == ("failed", pytest.approx(0.0, abs=1e-6))
    assert found({"type": "similar", "value": "zzz"}, "silent").score == 0.0
