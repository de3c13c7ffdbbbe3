"""Judges by name."""

from importlib.util import find_spec

import pytest
from pydantic import ValidationError

from llmops_pipelines.adapters.judging_plans import judge_of
from llmops_pipelines.adapters.named_judges import spec_named
from llmops_pipelines.judging import Rubrics
from tests.judging.worlds import default_rubrics, rubric


@pytest.mark.parametrize(
    ("name", "kind"), [("groundedness", "rubric"), ("context_recall", "ragas")]
)
def test_a_name_leads_to_a_judge_that_can_be_asked(name, kind):
    spec = spec_named(name, model="judge-1", rubrics=default_rubrics())
    assert (spec.metric, spec.kind, spec.model) == (name, kind, "judge-1")
    assert judge_of(spec).spec == spec


def test_a_rubric_of_ones_own_comes_before_a_metric_of_the_same_name():
    own = Rubrics(rubrics={"faithfulness": rubric()})
    assert spec_named("faithfulness", model="m", rubrics=own).kind == "rubric"


@pytest.mark.skipif(find_spec("deepeval") is not None, reason="the extra is installed")
def test_without_the_extra_the_remedy_is_told():
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[deepeval\]' in the checkout"):
        spec_named("deepeval_bias", model="m", rubrics=Rubrics())


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'kindness'.*none; RAGAS has faithfulness"):
        spec_named("kindness", model="m", rubrics=Rubrics())


def test_what_g_eval_checks_is_named_in_rubrics_yaml():
    own = Rubrics.model_validate({"g_eval": {"brief": {"steps": ["Is it brief?"]}}})
    with pytest.raises(ValueError, match=r"did you mean g_eval_brief\?.* has .*, g_eval_brief"):
        spec_named("g_eval_breif", model="m", rubrics=own)
    if find_spec("deepeval") is None:
        with pytest.raises(ModuleNotFoundError, match="deepeval"):
            spec_named("g_eval_brief", model="m", rubrics=own)
    else:
        spec = spec_named("g_eval_brief", model="m", rubrics=own)
        assert (spec.metric, spec.kind, spec.steps) == (
            "g_eval_brief",
            "deepeval",
            ("Is it brief?",),
        )
        assert spec.sees == ("question", "answer")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"steps": []}, "at least 1 item"),
        ({"steps": ["s"], "sees": ["alternative"]}, "'question', 'answer', 'contexts' or 'ref"),
        ({"criteria": "kind?", "steps": ["s"]}, "criteria"),
    ],
)
def test_an_entry_that_g_eval_cannot_use_is_told(entry, fault):
    with pytest.raises(ValidationError, match=fault):
        Rubrics.model_validate({"g_eval": {"kind": entry}})
