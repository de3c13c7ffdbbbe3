"""Who is asked, and about whom."""

import pytest

from llmops_pipelines.judging import (
    endpoint_specs,
    features_by_ragas,
    judged_features,
    split_by_policy,
)
from llmops_pipelines.reference import Feature, Features
from tests.judging.worlds import JUDGED, default_rubrics, item_frame, spec


def test_a_key_or_a_model_alone_judges_nothing():
    off = Features(features={"assistant": Feature(), "triage": Feature(judging="none")})
    assert endpoint_specs(default_rubrics(), off, endpoint="judge", model="judge-1") == []


def test_a_feature_alone_judges_nothing_without_a_model():
    assert endpoint_specs(default_rubrics(), JUDGED, endpoint="judge", model="") == []


def test_a_feature_that_names_the_endpoint_switches_its_rubrics_on():
    specs = endpoint_specs(default_rubrics(), JUDGED, endpoint="judge", model="judge-1")
    assert [s.metric for s in specs] == ["groundedness"]


def test_a_rubric_for_other_features_is_not_asked():
    rubrics = default_rubrics()
    only_triage = rubrics.rubrics["groundedness"].model_copy(update={"features": ("triage",)})
    rubrics = rubrics.model_copy(update={"rubrics": {"groundedness": only_triage}})
    assert endpoint_specs(rubrics, JUDGED, endpoint="judge", model="judge-1") == []


@pytest.mark.parametrize("judging", ["none", "local", "another_judge"])
def test_texts_go_nowhere_their_feature_does_not_name(judging):
    features = Features(features={"assistant": Feature(judging=judging)})
    allowed, forbidden = split_by_policy(item_frame("a", "b"), spec(), features, "judge")
    assert (allowed.height, forbidden.height) == (0, 2)


def test_an_unlisted_feature_is_never_sent():
    frame = item_frame("a", feature="unattributed")
    allowed, forbidden = split_by_policy(frame, spec(), JUDGED, "judge")
    assert (allowed.height, forbidden.height) == (0, 1)


def test_a_named_endpoint_may_see_what_names_it():
    allowed, forbidden = split_by_policy(item_frame("a"), spec(), JUDGED, "judge")
    assert (allowed.height, forbidden.height) == (1, 0)


def test_features_a_rubric_leaves_out_are_neither_asked_nor_reported():
    allowed, forbidden = split_by_policy(
        item_frame("a"), spec(features=["triage"]), JUDGED, "judge"
    )
    assert (allowed.height, forbidden.height) == (0, 0)


def test_the_features_that_may_be_judged_are_listed():
    assert judged_features(JUDGED, "judge") == ["assistant"]


def test_features_with_the_same_ragas_metrics_are_asked_about_together():
    features = Features(
        features={
            "assistant": Feature(judging="judge"),
            "search": Feature(judging="judge"),
            "triage": Feature(judging="judge", ragas=("context_utilization",)),
            "mail": Feature(judging="judge", ragas=()),
            "code": Feature(ragas=("faithfulness",)),
        }
    )
    assert features_by_ragas(features, "judge") == {
        ("faithfulness", "answer_relevancy"): ["assistant", "search"],
        ("context_utilization",): ["triage"],
    }


def test_a_metric_that_needs_a_reference_is_no_nightly_one():
    with pytest.raises(ValueError, match="context_utilization"):
        Feature.model_validate({"ragas": ["context_recall"]})
