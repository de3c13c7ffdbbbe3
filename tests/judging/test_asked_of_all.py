"""Judges that are asked because somebody named them."""

from llmops_pipelines.judging import asked_of_all, read_spec, rubric_spec
from tests.judging.worlds import default_rubrics

RUBRICS = default_rubrics()
TONE = rubric_spec("tone", RUBRICS.rubrics["tone"], model="judge-1")


def test_a_named_judge_is_asked_of_all_features_and_stays_itself():
    kept = read_spec(TONE.text)
    asked = asked_of_all(kept, RUBRICS, model="judge-1")
    assert TONE.rubric.features == ()
    assert asked.rubric.features is None
    assert asked.rubric.canaries == RUBRICS.rubrics["tone"].canaries != ()
    assert asked.spec_id == TONE.spec_id


def test_another_model_is_another_judge_and_an_earlier_rubric_has_no_canaries():
    assert TONE.spec_id != asked_of_all(TONE, RUBRICS, model="judge-2").spec_id
    earlier = TONE.rubric.model_copy(update={"system": "You judged otherwise."})
    asked = asked_of_all(rubric_spec("tone", earlier, model="judge-1"), RUBRICS, model="judge-1")
    assert asked.rubric.canaries == ()
