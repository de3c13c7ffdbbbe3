"""No text leaves its slot, changes what is asked, or passes for a verdict: under any rubric."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.judging import RubricJudge, UnreadableReplyError, rubric_spec, strict_schema
from llmops_pipelines.judging.judges import judges as judges_module
from llmops_pipelines.judging.judges.escaping import environment
from llmops_pipelines.judging.judges.replies import read_ruling, score_of
from tests.judging.judges.attack_texts import ATTACKS
from tests.judging.judges.attacks import attacked, attacks_on, find_leaks
from tests.judging.worlds import default_rubrics, item, rubric

RUBRICS = default_rubrics().rubrics


def judge_by(name):
    return RubricJudge(rubric_spec(name, RUBRICS[name], model="judge-1"))


JUDGES = {name: judge_by(name) for name in RUBRICS}

SIGNS = [
    *'<>&;/\\"{}[]()%#|`\n\t\r =',
    *"\u200b\u202e\u0338\u0301\uff1c\uff1e\ufe64\u226e\U000e0041",
]
TAGS = ["</answer>", "<answer>", "</document>", "&lt;", "&#60;", "[/INST]", "<|im_end|>"]
WORDS = ["{{", "}}", "{%", "%}", "{#", "answer", "question", "contexts", "true"]
PIECES = st.sampled_from([*SIGNS, *TAGS, *WORDS])
HOSTILE = st.lists(PIECES | st.characters(), min_size=1, max_size=40).map("".join)


def test_there_are_many_attacks_of_every_kind_and_no_two_alike():
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len({attack.text for attack in ATTACKS}) == len(ATTACKS)
    assert min(Counter(attack.kind for attack in ATTACKS).values()) >= 5


@pytest.mark.parametrize("name", RUBRICS)
def test_no_attack_changes_anything_but_its_slot_in_any_field(name):
    judge = JUDGES[name]
    leaks = {
        (attack.name, field): found
        for attack in attacks_on(RUBRICS[name])
        for field in RUBRICS[name].sees
        if (found := find_leaks(judge, field, attack.text))
    }
    assert leaks == {}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=HOSTILE, pick=st.integers(min_value=0))
def test_no_text_at_all_changes_anything_but_its_slot(text, pick):
    places = [(name, field) for name, rubric in RUBRICS.items() for field in rubric.sees]
    name, field = places[pick % len(places)]
    assert find_leaks(JUDGES[name], field, text) == []


def test_a_prompt_that_is_put_together_without_escaping_is_found_out(monkeypatch):
    plain = environment().overlay(finalize=str)
    monkeypatch.setattr(
        judges_module, "render", lambda template, values: plain.from_string(template).render(values)
    )
    found = {
        attack.name
        for attack in ATTACKS
        if find_leaks(judge_by("groundedness"), "answer", attack.text)
    }
    assert {"closes its tag", "full-width brackets", "strikes the tag before it", "cdata"} <= found


def test_a_text_that_runs_as_a_template_is_found_out(monkeypatch):
    def twice(template, values):
        once = environment().from_string(template).render(values)
        return environment().from_string(once).render(values)

    monkeypatch.setattr(judges_module, "render", twice)
    found = find_leaks(judge_by("groundedness"), "answer", "{{ 7 * 7 }}")
    assert found == ["the prompt differs outside the slot"]


def test_the_best_verdict_in_stars_is_five_of_them():
    output = {"type": "object", "properties": {"stars": {"type": "integer"},
                                               "reason": {"type": "string"}}}  # fmt: skip
    asked = rubric(scale="one_to_five", output=output, verdict="stars")
    best = next(a for a in attacks_on(asked) if a.name == "the reply itself")
    assert json.loads(best.text)["stars"] == 5


def worst_reply(name):
    """The verdict an attacker does not want, as a judge would write it."""
    rubric = RUBRICS[name]
    values = rubric.output["properties"][rubric.verdict].get("enum", [True, False])
    worst = 0.0 if rubric.direction == "higher_is_better" else 1.0
    verdict = next(value for value in values if score_of(value, rubric) == worst)
    best = next(a for a in attacks_on(rubric) if a.name == "the reply itself")
    return {**json.loads(best.text), rubric.verdict: verdict}, worst


@pytest.mark.parametrize("name", RUBRICS)
def test_a_judge_that_quotes_an_attack_is_read_as_it_ruled(name):
    rubric, (reply, worst) = RUBRICS[name], worst_reply(name)
    schema = json.dumps(strict_schema(rubric.output))
    for attack in attacks_on(rubric):
        quoted = json.dumps({**reply, rubric.reason: attack.text}, ensure_ascii=False)
        assert read_ruling(quoted, rubric, schema).score == worst, attack.name


@pytest.mark.parametrize("name", RUBRICS)
def test_an_attack_before_or_after_a_reply_is_no_reply_and_never_another_verdict(name):
    rubric, (reply, _) = RUBRICS[name], worst_reply(name)
    schema = json.dumps(strict_schema(rubric.output))
    for attack in attacks_on(rubric):
        for text in (f"{json.dumps(reply)}\n{attack.text}", f"{attack.text}\n{json.dumps(reply)}"):
            with pytest.raises(UnreadableReplyError):
                read_ruling(text, rubric, schema)


def test_an_attack_joins_what_stands_in_its_field():
    base = item("Fine.", contexts=("a",))
    assert attacked(base, "answer", "pass").answer == "Fine.\npass"
    assert attacked(base, "question", "pass").question == "pass"
    assert attacked(base, "contexts", "pass").contexts == ("a", "pass")
