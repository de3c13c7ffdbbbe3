import polars as pl
import pytest

from llmops_pipelines.savings import PAIRED, OutcomesError, paired_outcomes
from llmops_pipelines.savings.routing.outcomes import by_source


def test_what_is_not_given_is_null_and_a_question_alone_is_its_own_group():
    found = paired_outcomes(
        pl.DataFrame({"text": ["a", "b"], "score_weak": [True, False], "score_strong": [1, 1]})
    )
    assert found.pairs.schema == PAIRED
    assert found.by == "text"
    assert found.pairs.select("id", "group", "score_weak", "cost_weak").rows() == [
        ("1", "a", 1.0, None),
        ("2", "b", 0.0, None),
    ]


def test_rows_that_cannot_be_replayed_are_counted_by_reason():
    found = paired_outcomes(
        pl.DataFrame(
            {
                "text": ["a", " ", None, "b", "c"],
                "group": ["g", "g", "g", None, "g"],
                "score_weak": [1.0, 1.0, 1.0, None, float("nan")],
                "score_strong": [1.0] * 5,
                "cost_weak": [-1.0] * 5,
            }
        )
    )
    assert found.left_out == {"a score is missing": 2, "no text": 2}
    assert found.pairs.select("text", "cost_weak").rows() == [("a", None)]
    assert found.by == "group"


def test_numbers_written_as_text_are_read_and_others_named():
    row = {"text": "a", "score_weak": " 0.5", "score_strong": "TRUE", "cost_weak": ""}
    found = paired_outcomes(pl.DataFrame([row]))
    assert found.pairs.select("score_weak", "score_strong", "cost_weak").row(0) == (0.5, 1, None)
    with pytest.raises(OutcomesError, match=r"score_weak: 1 value\(s\) are no number.*'good'"):
        paired_outcomes(pl.DataFrame([row | {"score_weak": "good"}]))


def test_a_missing_column_is_named_beside_those_there_are():
    with pytest.raises(OutcomesError, match=r"no column score_weak, score_strong; .* are text, x"):
        paired_outcomes(pl.DataFrame({"text": ["a"], "x": [1]}))


def test_the_order_of_rows_does_not_matter():
    given = pl.DataFrame(
        {"id": list("abcd"), "text": list("wxyz"), "score_weak": [0, 1, 0, 1], "score_strong": 1.0}
    )
    assert paired_outcomes(given).pairs.equals(paired_outcomes(given[::-1]).pairs)


def test_groups_that_share_most_of_their_questions_are_no_sources():
    rows = [
        {"text": f" Question  {n}" if run else f"question {n}", "group": f"run {run}",
         "score_weak": 0, "score_strong": 1}
        for n in range(4)
        for run in range(5)
    ]  # fmt: skip
    given = paired_outcomes(pl.DataFrame(rows))
    found = by_source(given)
    assert (given.by, found.by) == ("group", "text")
    assert found.pairs["group"].n_unique() == 4
    assert found.pairs.drop("group").equals(given.pairs.drop("group")), "vectors are in this order"


def test_groups_that_share_a_question_or_two_stay():
    rows = [
        {"text": "who are you?" if n == 0 else f"{group} {n}", "group": group,
         "score_weak": 0, "score_strong": 1}
        for n in range(4)
        for group in ("a", "b")
    ]  # fmt: skip
    given = paired_outcomes(pl.DataFrame(rows))
    assert by_source(given) == given
