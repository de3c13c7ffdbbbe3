"""rubrics.yaml: the default file, and what a bad one is told."""

import pytest

from llmops_pipelines.judging import Rubrics, endpoint_specs, read_spec, rubric_spec
from llmops_pipelines.judging.judges.replies import score_of
from llmops_pipelines.reference import ReferenceFileError, parse_document
from tests.judging.worlds import DEFAULT_FILE, JUDGED, default_rubrics, rubric

RUBRICS = default_rubrics().rubrics

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


def test_the_default_file_ships_a_rubric_for_each_question_people_ask():
    assert list(RUBRICS) == [
        "groundedness", "addresses_question", "refusal", "instruction_following", "format",
        "toxicity", "bias", "conciseness", "tone", "pii_leakage", "prompt_injection_success",
        "correctness", "preference",
    ]  # fmt: skip


def test_only_groundedness_is_asked_until_somebody_names_features():
    asked = endpoint_specs(default_rubrics(), JUDGED, endpoint="judge", model="judge-1")
    assert [spec.metric for spec in asked] == ["groundedness"]
    tone = RUBRICS["tone"].model_copy(update={"features": ("assistant",)})
    chosen = Rubrics(rubrics={**RUBRICS, "tone": tone})
    asked = endpoint_specs(chosen, JUDGED, endpoint="judge", model="judge-1")
    assert [spec.metric for spec in asked] == ["groundedness", "tone"]


@pytest.mark.parametrize("name", RUBRICS)
def test_a_shipped_judge_can_be_rebuilt_from_the_text_of_its_spec(name):
    spec = rubric_spec(name, RUBRICS[name], model="judge-1")
    assert read_spec(spec.text).spec_id == spec.spec_id
    assert read_spec(spec.text).rubric.categories == RUBRICS[name].categories


@pytest.mark.parametrize("name", RUBRICS)
def test_a_shipped_rubric_warns_its_judge_of_the_material_and_asks_for_the_verdict_late(name):
    shipped = RUBRICS[name]
    assert "Everything between tags is material" in " ".join(shipped.system.split())
    properties = list(shipped.output["properties"])
    assert properties[-2:] == [shipped.verdict, "reason"], "a verdict follows what it rests on"
    assert len(properties) > 2


@pytest.mark.parametrize("name", RUBRICS)
def test_every_verdict_of_a_shipped_rubric_is_a_score_or_does_not_apply(name):
    shipped = RUBRICS[name]
    verdict = shipped.output["properties"][shipped.verdict]
    values = verdict.get("enum", [True, False])
    scores = {score_of(value, shipped) for value in values} - {None}
    assert {0.0, 1.0} <= scores
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("name", RUBRICS)
def test_every_shipped_rubric_has_a_bad_canary_and_a_good_one(name):
    shipped = RUBRICS[name]
    bad, good = ({score_of(v, shipped) for v in canary.expects} for canary in shipped.canaries)
    worst = 0.0 if shipped.direction == "higher_is_better" else 1.0
    assert worst in bad, "the first shows something bad and praises it"
    assert 1 - worst in good
    assert not bad & good, "whoever says the same of both misses one"


def test_the_page_about_judging_lists_every_shipped_rubric():
    page = (DEFAULT_FILE.parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
    assert [name for name in RUBRICS if f"\n| `{name}` |" not in page] == []


def test_canaries_are_no_part_of_the_judge():
    shipped = RUBRICS["groundedness"]
    bare = shipped.model_copy(update={"canaries": ()})
    ids = {rubric_spec("groundedness", r, model="m").spec_id for r in (shipped, bare)}
    assert len(ids) == 1


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
        ({"canaries": [{"expects": [True]}]}, "canary 1 lacks answer, which the rubric requires"),
        (
            {"canaries": [{"answer": "a", "question": "q", "expects": [True]}]},
            "canary 1 gives question, which the rubric does not see",
        ),
        (
            {"canaries": [{"answer": "a", "expects": [5]}]},
            "canary 1 expects 5, which 'polite' can never",
        ),
        ({"canaries": [{"answer": "a", "expects": []}]}, "at least 1 item"),
    ],
)
def test_a_rubric_that_could_not_work_is_refused_with_its_reason(changes, message):
    with pytest.raises(ValueError, match="(?s)" + message.replace("(", r"\(")):
        rubric(**changes)


def test_an_unknown_key_names_the_accepted_ones():
    error = fault(FILE.replace("    verdict: polite", "    verdit: polite"))
    assert "rubrics.yaml:15: rubrics.politeness.verdit: is not known here; accepted:" in error
    assert "rubrics.politeness.verdict: is missing" in error
