"""What users saw, and how they rated it: the answers that a cost is divided by."""

import polars as pl

from llmops_pipelines.health import RATED_COLUMNS, rated_answers
from llmops_pipelines.tables import FEEDBACK
from tests.pricing.factories import at, call, calls


def feedback(*rows):
    usual = dict.fromkeys(FEEDBACK.schema.names())
    return pl.DataFrame(
        [usual | {"feedback_id": f"f-{n}"} | row for n, row in enumerate(rows)],
        schema=FEEDBACK.schema,
        orient="row",
    )


def logged(call_id, trace_id, **fields):
    """A call that is the one record of itself."""
    copy = {"source_format": "openai", "project": None, "trace_id": trace_id, "call_id": call_id}
    return call(call_id=call_id, trace_id=trace_id, copies=[copy], **fields)


def found(ratings, *rows):
    answers = rated_answers(calls(*rows).select(RATED_COLUMNS), feedback(*ratings))
    return answers.sort("trace_id").select("trace_id", "call_id", "rating").rows()


def test_an_answer_has_the_mean_of_its_ratings_by_call_or_trace():
    row = logged("c-1", "t", session_id="s")
    ratings = [{"call_id": "c-1", "rating": 5.0}, {"trace_id": "t", "rating": 2.0}]
    assert found(ratings, row) == [("t", "c-1", 3.5)]


def test_an_answer_that_nobody_rated_is_there_without_a_rating():
    assert found([{"call_id": "other", "rating": 5.0}], logged("c", "t")) == [("t", "c", None)]


def test_a_request_that_failed_is_no_answer_and_the_last_success_is_one():
    rows = [
        logged("a", "t", status="error", started_at=at("2026-11-10 09:00")),
        logged("b", "t", attempt=2, started_at=at("2026-11-10 09:01")),
        logged("c", "u", status="error"),
    ]
    assert found([{"call_id": "a", "rating": 1.0}], *rows) == [("t", "b", 1.0)]


def test_marks_off_the_scale_and_remarks_are_no_ratings():
    row = logged("c", "t")
    ratings = [{"call_id": "c", "rating": 9.0}, {"call_id": "c", "comment": "meh"}]
    assert found(ratings, row) == [("t", "c", None)]


def test_an_answer_is_as_good_as_the_worst_of_what_was_judged():
    ratings = [
        {"call_id": "c", "name": "tone", "rating": 5.0},
        {"call_id": "c", "name": "tone", "rating": 4.0},
        {"call_id": "c", "name": "correct", "rating": 2.0},
        {"call_id": "c", "name": "correct", "rating": 3.0},
    ]
    assert found(ratings, logged("c", "t")) == [("t", "c", 2.5)]


def test_two_names_are_one_answer_accepted_once():
    ratings = [{"call_id": "c", "name": name, "rating": 5.0} for name in ("tone", "correct", None)]
    assert found(ratings, logged("c", "t"), logged("d", "u")) == [("t", "c", 5.0), ("u", "d", None)]
