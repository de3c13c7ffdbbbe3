import polars as pl
import pytest

from llmops_pipelines.golden import candidates
from llmops_pipelines.tables import (
    CALL_TEXTS,
    FEEDBACK,
    GOLDEN_CANDIDATES,
    HEURISTIC_SCORES,
    JUDGE_SCORES,
    SAMPLED_TRACES,
)
from tests.golden.worlds import Day


def ordinary(feature="chat", *, count=10, support=0.8) -> Day:
    """Calls that are alike, so that none of them is a bottom."""
    day = Day()
    for number in range(count):
        day.call(f"{feature}-{number}", feature, support=support)
    return day


def test_a_day_of_equal_scores_has_no_low_score():
    assert ordinary().reasons() == {}


def test_the_lowest_tenth_of_support_is_a_low_score():
    day = ordinary().call("low", support=0.3)
    assert day.candidates().select("call_id", "why", "score").rows() == [("low", "low_score", 0.3)]


def test_without_support_the_lowest_relevance_stands_in():
    day = Day()
    for number in range(10):
        day.call(f"c{number}", relevance=0.9)
    assert day.call("off", relevance=0.1).reasons() == {"off": "low_score"}


def test_support_and_relevance_are_ranked_apart():
    day = ordinary().call("low", support=0.5)
    for number in range(10):
        day.call(f"talk-{number}", relevance=0.2)
    assert day.reasons() == {"low": "low_score"}


def test_a_judge_that_finds_it_ungrounded_makes_a_low_score():
    day = ordinary().call("bad", support=0.7, judges=[0.0])
    assert day.candidates().select("why", "score").row(0) == ("low_score", 0.0)


def test_a_broken_format_is_a_low_score_of_zero():
    day = Day().call("broken", format_valid=False).call("fine", format_valid=True)
    assert day.candidates().select("call_id", "score").rows() == [("broken", 0.0)]


def test_high_support_that_a_judge_calls_ungrounded_is_disputed():
    assert ordinary().call("odd", support=0.9, judges=[0.1]).reasons() == {"odd": "disputed"}


def test_judges_that_contradict_each_other_are_a_dispute():
    day = ordinary().call("split", support=0.6, judges=[0.2, 1.0])
    assert day.candidates().select("call_id", "why", "score").rows() == [("split", "disputed", 0.2)]


def test_a_bad_rating_of_a_well_scored_answer_is_disputed():
    assert ordinary().call("liked?", support=0.9, stars=2).reasons() == {"liked?": "disputed"}


def test_a_good_rating_of_an_answer_judged_ungrounded_is_disputed():
    day = ordinary().call("charming", support=0.5, judges=[0.0], stars=5)
    assert day.reasons() == {"charming": "disputed"}


def test_a_bad_rating_that_no_score_contradicts_is_bad_feedback():
    day = ordinary().call("poor", support=0.3, stars=1).call("unscored", "other", stars=2)
    assert day.candidates().select("call_id", "why", "score").sort("call_id").rows() == [
        ("poor", "bad_feedback", 0.0),
        ("unscored", "bad_feedback", 0.25),
    ]


def test_feedback_on_a_trace_speaks_of_its_sampled_call():
    assert Day().call("c", stars=1, stars_by="trace").reasons() == {"c": "bad_feedback"}


def test_a_rating_of_a_step_of_the_trace_is_one_of_its_call():
    day = Day().call("c", stars=1, stars_by="trace")
    day.feedback[0]["call_id"] = "its chain"
    assert day.reasons() == {"c": "bad_feedback"}


def test_the_worst_rating_of_a_call_counts():
    day = Day().call("c", stars=5)
    day.feedback.append({"feedback_id": "second", "call_id": "c", "rating": 1.0})
    day.feedback.append({"feedback_id": "silent", "call_id": "c", "rating": None})
    assert day.reasons() == {"c": "bad_feedback"}


def test_a_complaint_counts_although_its_call_was_not_sampled():
    day = ordinary().call("outside", support=0.1, sampled=False, stars=1)
    assert day.reasons() == {"outside": "bad_feedback"}


def test_a_praised_call_outside_the_sample_is_left_alone():
    assert ordinary().call("outside", support=0.1, sampled=False, stars=4).reasons() == {}


@pytest.mark.parametrize(
    "texts", [{"keep_text": False}, {"answer": "  "}, {"answer": None}, {"question": "\n"}]
)
def test_a_call_without_kept_texts_makes_no_case(texts):
    assert Day().call("c", stars=1, **texts).reasons() == {}


def test_an_unscored_verdict_is_neither_good_nor_bad():
    assert ordinary().call("c", support=0.8, judges=[None]).reasons() == {}


def test_the_same_question_asked_often_is_one_case():
    day = Day()
    for number in range(5):
        day.call(
            f"c{number}", stars=1, question="  Where IS it?\u00a0" if number else "where is it?"
        )
    assert day.candidates()["call_id"].to_list() == ["c0"]


def test_places_are_shared_out_over_features_and_reasons():
    day = Day()
    for number in range(30):
        day.call(f"loud-{number:02}", "loud", judges=[0.1])
    day.call("loud-disputed", "loud", judges=[0.4, 0.9])
    for number in range(2):
        day.call(f"quiet-{number}", "quiet", stars=1)
    chosen = day.candidates(per_day=6)
    assert chosen.group_by("feature").len().sort("feature").rows() == [("loud", 4), ("quiet", 2)]
    assert "loud-disputed" in chosen["call_id"].to_list()


def test_the_order_of_rows_does_not_matter():
    day = ordinary()
    for number in range(40):
        day.call(f"c{number:02}", f"f{number % 3}", judges=[number / 100], stars=number % 5 + 1)
    first = day.candidates(per_day=7)
    for rows in (day.sampled, day.scores, day.verdicts, day.feedback, day.texts):
        rows.reverse()
    assert day.candidates(per_day=7).equals(first)


def test_a_quiet_day_has_no_candidates():
    nothing = candidates(
        SAMPLED_TRACES.empty(),
        JUDGE_SCORES.empty(),
        HEURISTIC_SCORES.empty(),
        FEEDBACK.empty(),
        CALL_TEXTS.empty().lazy(),
    )
    assert nothing.equals(GOLDEN_CANDIDATES.empty())


def test_passages_without_text_are_left_out_of_the_case():
    day = Day().call("c", stars=1, contexts=("One.", None, "Two."))
    assert day.candidates()["contexts"].to_list() == [["One.", "Two."]]
    assert day.candidates().schema["contexts"] == pl.List(pl.String)
