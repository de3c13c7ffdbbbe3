"""From a promptfooconfig.yaml and the files it names to tests; code is refused."""

import pytest

from llmops_pipelines.judging.promptfoo import Assertion, AssertionSet, ConfigError
from tests.judging.promptfoo.worlds import suite

CONFIG = """
prompts: [anything]
providers: [openai:gpt-4.1-mini]
assertionTemplates:
  polite: {type: llm-rubric, value: is polite}
defaultTest:
  vars: {tone: warm}
  threshold: 0.5
  assert:
    - type: not-contains
      value: as an AI
tests:
  - description: greets
    vars:
      name: Ann
    assert:
      - {type: contains, value: "{{ name }}", weight: 2, metric: naming}
      - $ref: "#/assertionTemplates/polite"
      - type: assert-set
        threshold: 0.5
        assert:
          - {type: equals, value: yes}
          - {type: javascript, value: output.length < 5}
  - vars: {name: [Bob, Cid], date: 2026-11-10}
    threshold: 1
    options: {disableDefaultAsserts: true}
    assert: [{type: icontains, value: x}]
"""


def test_tests_get_the_defaults_and_lists_of_values_become_tests():
    greets, bob, cid = suite(CONFIG).tests
    assert greets.vars == {"tone": "warm", "name": "Ann"}
    assert (greets.threshold, bob.threshold) == (0.5, 1.0)
    assert [bob.vars["name"], cid.vars["name"]] == ["Bob", "Cid"]
    assert [test.number for test in (greets, bob, cid)] == [0, 1, 2]
    assert [a.name for a in greets.asserts] == [
        "not-contains", "contains", "llm-rubric", "assert-set",
    ]  # fmt: skip
    assert [a.name for a in bob.asserts] == ["icontains"]


def test_every_assertion_knows_its_line_its_weight_and_its_metric():
    greets = suite(CONFIG).tests[0]
    assert [a.place for a in greets.asserts] == ["p.yaml:10", "p.yaml:17", "p.yaml:5", "p.yaml:19"]
    naming = greets.asserts[1]
    assert isinstance(naming, Assertion)
    assert (naming.weight, naming.metric, naming.value) == (2.0, "naming", "{{ name }}")


def test_words_that_older_yaml_takes_for_truth_or_dates_stay_words():
    greets, bob, _ = suite(CONFIG).tests
    group = greets.asserts[3]
    assert isinstance(group, AssertionSet)
    assert group.assertions[0].value == "yes"
    assert bob.vars["date"] == "2026-11-10"


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ("{type: javascript, value: 'process.exit()'}", "javascript runs code"),
        ("{type: not-python, value: 'file://check.py'}", "python runs code"),
        ("{type: webhook, value: 'https://x'}", "webhook runs code"),
        ("{type: contains, value: 'file://words.js'}", "is made by words.js"),
        ("{type: contains, value: 'file://words.py:get'}", "is made by words.py:get"),
        ("{type: contains, value: x, transform: output.trim()}", "transform changes the output"),
        ("{type: context-recall, value: x, contextTransform: output}", "contextTransform changes"),
        ("{type: bleu, value: x}", "bleu is not evaluated here"),
        ("{type: 'not-trajectory:tool-used', value: x}", "trajectory:tool-used is not evaluated"),
        (
            "{type: contain, value: x}",
            "contain is no assertion of promptfoo; did you mean contains?",
        ),
        ("{type: zzz, value: x}", "zzz is no assertion of promptfoo"),
    ],
)
def test_code_and_unknown_assertions_are_refused_with_their_line(assertion, reason):
    (test,) = suite(f"tests:\n  - assert:\n      - {assertion}\n").tests
    (refused,) = test.asserts
    assert isinstance(refused, Assertion)
    assert reason in (refused.refusal or "")
    assert refused.place == "p.yaml:3"


@pytest.mark.parametrize(
    ("default", "of_test", "told"),
    [
        ("options: {transform: output.trim()}", "", "options.transform changes"),
        ("", "assertScoringFunction: file://score.js, ", "assertScoringFunction decides the test"),
        ("assertScoringFunction: file://score.py", "", "assertScoringFunction decides the test"),
    ],
)
def test_what_code_would_change_or_decide_is_not_judged_without_it(default, of_test, told):
    (test,) = suite(
        f"defaultTest: {{{default}}}\ntests: [{{{of_test}assert: [{{type: contains, value: x}}]}}]"
    ).tests
    (refused,) = test.asserts
    assert isinstance(refused, Assertion)
    assert told in (refused.refusal or "")


CSV = '''name,__expected1,__expected2,__description,__threshold,__metric
Ann,contains: Ann,similar(0.9): a b,first,0.5,m
"Bob
B.",Hello,"contains-any: a, ""b, c""",,,
Cid,fn: output.length,not-is-json,,,
Dan,"grade: is kind","levenshtein: Dan: x",,,
'''


def test_rows_of_a_table_are_tests():
    tests = suite("tests: file://t.csv", {"t.csv": CSV}).tests
    spelled = [
        [(a.name, a.value, a.threshold) for a in test.asserts if isinstance(a, Assertion)]
        for test in tests
    ]
    assert spelled == [
        [("contains", "Ann", None), ("similar", "a b", 0.9)],
        [("equals", "Hello", None), ("contains-any", ["a", "b, c"], None)],
        [("javascript", "output.length", None), ("not-is-json", None, None)],
        [("llm-rubric", "is kind", None), ("levenshtein", "Dan: x", 0.75)],
    ]
    assert [test.vars["name"] for test in tests] == ["Ann", "Bob\nB.", "Cid", "Dan"]
    assert (tests[0].description, tests[0].threshold) == ("first", 0.5)
    assert [test.place for test in tests] == ["t.csv:2", "t.csv:3", "t.csv:5", "t.csv:6"]
    assert [a.metric for a in tests[0].asserts] == ["m", "m"]


def test_tests_come_from_lines_and_lists_as_well():
    files = {
        "t.jsonl": '{"vars": {"n": 1}, "assert": [{"type": "is-json"}]}\n\n{"n": 2}\n',
        "u.yaml": "- vars: {n: 3}\n- n: 4\n",
    }
    tests = suite("tests: [t.jsonl, file://u.yaml]", files).tests
    assert [test.vars["n"] for test in tests] == [1, 2, 3, 4]
    assert [test.place for test in tests] == ["t.jsonl:1", "t.jsonl:3", "u.yaml:1", "u.yaml:2"]


def test_values_and_variables_may_lie_in_files():
    files = {"s.json": '{"type": "array"}', "q.txt": " Why? \n", "d.yaml": "vars: {n: 1}"}
    (test,) = suite(
        "defaultTest: file://d.yaml\n"
        "tests: [{vars: {q: 'file://q.txt'}, assert: [{type: is-json, value: 'file://s.json'}]}]",
        files,
    ).tests
    assert test.vars == {"n": 1, "q": " Why? \n"}
    assert isinstance(test.asserts[0], Assertion)
    assert test.asserts[0].value == {"type": "array"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tests: [", "p.yaml:1: not YAML"),
        ("- a", "p.yaml:1: is no mapping"),
        ("prompts: [x]", "p.yaml:1: tests: there are none"),
        ("tests: file://t.csv", "p.yaml: tests: cannot read t.csv: No such file"),
        ("tests: file://make.py", "make.py is code, which is never run here"),
        ("tests:\n  - path: file://make.js\n    config: {}", "p.yaml:2: tests: file://make.js is"),
        ("tests: https://x/t.csv", "is not on this machine"),
        ("tests: notes.docx", "cannot read notes.docx"),
        ("tests:\n  - assert:\n    - value: x", "p.yaml:3: assert: has no type"),
        ("tests:\n  - assert: [{type: contains, weight: heavy}]", "weight: 'heavy' is no number"),
        ("tests:\n  - assert: [{$ref: '#/assertionTemplates/x'}]", "no assertion template 'x'"),
        ("tests:\n  - assert: x", "p.yaml:2: assert: is no list"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, told):
    with pytest.raises(ConfigError) as raised:
        suite(text)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.csv", "", "t.csv:1: has no header"),
        ("t.csv", "a,__threshold\nx,high", "t.csv:2: __threshold: 'high' is no number"),
        ("t.csv", f'a\n"{"x" * 140_000}"', "t.csv:1: is no CSV: field larger"),
        ("t.jsonl", '{"a": 1}\n{"a":', "t.jsonl:2: not JSON"),
        ("t.jsonl", "[1]", "t.jsonl:1: is no JSON object"),
        ("t.yaml", "- a\n", "t.yaml: 'a' is no test"),
    ],
)
def test_a_file_of_tests_that_cannot_be_read_is_told_with_its_place(name, text, told):
    with pytest.raises(ConfigError) as raised:
        suite(f"tests: {name}", {name: text})
    assert told in str(raised.value)


def test_parts_that_are_not_read_are_told():
    read = suite("scenarios:\n  - config: []\ntests: [{assert: [{type: is-json}]}]")
    assert read.notes == ("p.yaml:2: scenarios are not read; write them as tests",)
