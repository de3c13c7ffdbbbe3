import pytest

from llmops_pipelines.statistics import mean_interval
from tests.health.factories import NINE, call, figure, health, rating


def test_ratings_are_a_mean_on_the_scale_of_stars():
    stars = [5.0, 4.0, 5.0, 2.0]
    calls = [call(f"c{i}", session_id=f"s{i}") for i in range(5)]
    found = health(calls, feedback=[rating(r, call_id=f"c{i}") for i, r in enumerate(stars)])
    expected = mean_interval(stars, bounds=(1, 5))
    assert figure(found, "csat") == pytest.approx((*expected, 1))
    assert figure(found, "csat")[2] <= 5


def test_ratings_of_one_session_are_related():
    calls = [call(f"c{i}", session_id="s") for i in range(3)]
    found = health(calls, feedback=[rating(4.0 + i % 2, call_id=f"c{i}") for i in range(3)])
    assert figure(found, "csat")[1:4] == (None, None, 3)


def test_a_rating_of_a_trace_belongs_to_its_answer():
    found = health(
        [
            call("failed", trace_id="t", model="m", status="error"),
            call("child", trace_id="t", model="helper", parent_id="answer"),
            call("answer", trace_id="t", model="n", attempt=2),
        ],
        feedback=[rating(2.0, trace_id="t")],
    )
    assert figure(found, "csat", model="n") == (2.0, None, None, 1, 0)
    assert figure(found, "csat", model="helper")[3:] == (0, 0)


def test_the_answer_is_the_last_successful_root():
    later = NINE.replace(hour=10)
    found = health(
        [
            call("first", trace_id="t", model="a"),
            call("second", trace_id="t", model="b", started_at=later),
            call("third", trace_id="t", model="c", started_at=later, status="error", attempt=2),
        ],
        feedback=[rating(3.0, trace_id="t")],
    )
    assert figure(found, "csat", model="b")[3] == 1


def test_a_failed_trace_can_be_rated():
    found = health([call("a", trace_id="t", status="error")], feedback=[rating(1.0, trace_id="t")])
    assert figure(found, "csat") == (1.0, None, None, 1, 0)


def test_the_call_a_rating_names_wins_over_the_trace():
    found = health(
        [call("a", trace_id="t", model="m"), call("b", trace_id="t", model="n", attempt=2)],
        feedback=[rating(4.0, call_id="a", trace_id="t")],
    )
    assert figure(found, "csat", model="m")[3] == 1
    assert figure(found, "csat", model="n")[3:] == (0, 0)


def test_a_rating_under_another_systems_id_finds_its_call():
    copies = [{"source_format": name, "call_id": name} for name in ("litellm", "langfuse")]
    found = health([call("litellm", copies=copies)], feedback=[rating(4.0, call_id="langfuse")])
    assert figure(found, "csat") == (4.0, None, None, 1, 0)


def test_a_rating_of_no_call_of_the_day_is_kept_unattributed():
    found = health([call("a")], feedback=[rating(1.0, call_id="of yesterday", trace_id="gone")])
    assert figure(found, "csat", "unattributed") == (1.0, None, None, 1, 0)
    assert figure(found, "csat", "*") == (1.0, None, None, 1, 1)
    assert figure(found, "csat") == (None, None, None, 0, 1)


@pytest.mark.parametrize("stars", [None, 0.0, 9.0, float("nan")])
def test_a_remark_without_stars_is_no_rating(stars):
    found = health([call("a")], feedback=[rating(stars, call_id="a", comment="hm")])
    assert figure(found, "csat") == (None, None, None, 0, 1)


def test_two_ratings_of_one_answer_both_count():
    found = health(
        [call("a")], feedback=[rating(5.0, call_id="a"), rating(1.0, call_id="a", comment="no")]
    )
    assert figure(found, "csat")[0] == 3.0
    assert figure(found, "csat")[3:] == (2, 0)


def test_names_that_one_call_was_rated_under_are_one_opinion_of_it():
    calls = [call("a"), call("b")]
    ratings = [
        rating(5.0, call_id="a", name="tone"),
        rating(1.0, call_id="a", name="correct"),
        rating(1.0, call_id="b", name="correct"),
    ]
    assert figure(health(calls, feedback=ratings), "csat")[0] == 2.0
    assert figure(health(calls, feedback=ratings), "csat")[3:] == (2, 0)


def test_two_ratings_under_one_name_are_two_opinions():
    ratings = [
        rating(stars, call_id="a", name="tone", comment=str(stars)) for stars in (5.0, 4.0, 3.0)
    ]
    found = health([call("a")], feedback=[*ratings, rating(2.0, call_id="a", name="correct")])
    assert figure(found, "csat")[3:] == (3, 0)
