"""rubrics.yaml: the default file, and what a bad one is told."""

import pytest

from llmops_pipelines.judging import Rubrics
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.judging.worlds import default_rubrics, rubric

FILE = """\
rubrics:
  politeness:
    asks: Is it polite?
    sees: [answer]
    system: You judge politeness.
    prompt: |
      <answer>
      {{ answer }}
      </answer>
    output:
      type: object
      properties:
        polite: {type: boolean}
        reason: {type: string}
    verdict: polite
"""


def fault(text):
    with pytest.raises(ReferenceFileError) as caught:
        parse_document(text, Rubrics, file="rubrics.yaml")
    return str(caught.value)


def test_the_default_file_holds_a_binary_groundedness_rubric():
    groundedness = default_rubrics().rubrics["groundedness"]
    assert groundedness.scale == "binary"
    assert groundedness.sees == ("question", "answer", "contexts")
    assert groundedness.requires == ("answer", "contexts")
    assert groundedness.direction == "higher_is_better"


def test_an_empty_file_is_no_rubrics():
    assert parse_document("", Rubrics, file="rubrics.yaml").rubrics == {}


def test_a_good_file_is_read():
    assert (
        parse_document(FILE, Rubrics, file="rubrics.yaml").rubrics["politeness"].max_tokens == 1500
    )


def test_a_field_outside_any_tag_is_refused_with_the_line_it_stands_on():
    error = fault(
        FILE.replace("<answer>\n      {{ answer }}\n      </answer>", "Judge: {{ answer }}")
    )
    assert error.startswith("rubrics.yaml:2: rubrics.politeness: prompt: every field must stand")
    assert "found 'Judge:" in error


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "<a>{{ answer }}"}, "<a> is never closed"),
        ({"prompt": "</a>{{ answer }}<a>"}, "</a> closes a tag that was not opened last"),
        ({"prompt": "<a><b>{{ answer }}</a></b>"}, "</a> closes a tag"),
        ({"prompt": '<a x="{{ answer }}"></a>'}, "not inside"),
        ({"prompt": "<a>{{ question }}</a>"}, "prompt uses question; `sees` lists answer"),
        ({"prompt": "<a>static</a>"}, "prompt uses no field"),
        ({"prompt": "<a>{{ answer </a>"}, "prompt, line 1"),
        ({"prompt": "<a>{{ answer.nothing.at_all }}</a>"}, "prompt cannot be rendered"),
        ({"system": "Judge {{ answer }}"}, "system takes no variables"),
        ({"requires": ["contexts"]}, "requires contexts, which it does not see"),
        ({"verdict": "rude"}, "output has no property 'rude'"),
        ({"scale": "one_to_five"}, "'polite' must be of type integer"),
        ({"scale": "categorical"}, "categories belong to the categorical scale"),
        ({"categories": {"a": 1}}, "categories belong to the categorical scale"),
        ({"scale": "categorical", "categories": {"yes": 2}}, "lie between 0 and 1"),
        ({"scale": "categorical", "categories": {"yes": 1}}, "must list exactly the categories"),
        ({"output": {"type": "sentence"}}, "output is not a JSON schema"),
    ],
)
def test_a_rubric_that_could_not_work_is_refused_with_its_reason(changes, message):
    with pytest.raises(ValueError, match="(?s)" + message.replace("(", r"\(")):
        rubric(**changes)


def test_an_unknown_key_names_the_accepted_ones():
    error = fault(FILE.replace("    verdict: polite", "    verdit: polite"))
    assert "rubrics.yaml:15: rubrics.politeness.verdit: is not known here; accepted:" in error
    assert "rubrics.politeness.verdict: is missing" in error
