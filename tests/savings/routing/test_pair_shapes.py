"""Routing results as others write them, read as paired outcomes."""

import polars as pl
import pytest

from llmops_pipelines.savings import OutcomesError, as_paired, paired_outcomes

LONG = [
    {"global_index": f"{source}_{n}", "model": model, "question": f"q {source} {n}",
     "score": float(n % 2 == 0 or model == "big"), "inference_cost": cost}
    for source in ("AIME", "MMLU")
    for n in range(3)
    for model, cost in (("big", 0.01), ("tiny", 0.001))
]  # fmt: skip


def test_a_table_of_ours_stays_as_it_is():
    ours = pl.DataFrame({"text": ["q"], "score_weak": [0.0], "score_strong": [1.0], "x": [1]})
    assert as_paired(ours) == (ours, {})


def test_columns_per_side_are_found_under_other_names():
    theirs = pl.DataFrame(
        {"prompt": ["q"], "weak_correct": [False], "strong_correct": [True], "weak cost": [0.1],
         "benchmark": ["mmlu"], "subject": [None], "id": ["a"]}
    )  # fmt: skip
    found = as_paired(theirs)
    assert found.rows.row(0, named=True) == {
        "text": "q", "id": "a", "group": "mmlu", "score_weak": False, "score_strong": True,
        "cost_weak": 0.1,
    }  # fmt: skip
    assert found.read_as["score_weak"] == "weak_correct"
    assert "id" not in found.read_as
    assert paired_outcomes(found.rows).pairs["score_strong"].item() == 1.0


@pytest.mark.parametrize(
    ("score", "cost"),
    [("{}", "{}|total_cost"), ("score_{}", "cost_{}"), ("scores.{}", "costs.{}"),
     ("{} Correct", "{} Cost USD")],
)  # fmt: skip
def test_columns_named_after_models_need_the_two_names(score, cost):
    models = {"gpt-4-1106": (1, 0.03), "mixtral-8x7b": (0, 0.001), "other": (1, 1)}
    row = {"sample_id": "a.1", "prompt": "q", "eval_name": "arc"}
    for model, (right, usd) in models.items():
        row |= {score.format(model): right, cost.format(model): usd}
    found = as_paired(pl.DataFrame([row]), weak="mixtral-8x7b", strong="gpt-4-1106").rows
    assert found.row(0, named=True) == {
        "text": "q", "id": "a.1", "group": "arc", "score_weak": 0, "score_strong": 1,
        "cost_weak": 0.001, "cost_strong": 0.03,
    }  # fmt: skip


def test_a_row_per_question_and_model_is_paired_by_id_and_grouped_by_what_ids_begin_with():
    shuffled = pl.DataFrame(LONG[1:]).sample(fraction=1, shuffle=True, seed=3)
    found = as_paired(shuffled, weak="tiny", strong="big")
    outcomes = paired_outcomes(found.rows)
    assert outcomes.left_out == {"a score is missing": 1}, "big did not answer the first"
    assert outcomes.pairs["score_weak"].sum() == 3
    assert set(outcomes.pairs["group"]) == {"AIME", "MMLU"}
    assert set(outcomes.pairs["cost_strong"]) == {0.01}
    assert found.read_as["score_weak"] == "score of tiny"


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        (LONG, {}, "a row per question and model: model (big, tiny): say which"),
        (LONG, {"weak": "big", "strong": "big"}, "both 'big'; name two models"),
        (
            [{"question": "q", "score_a": 1, "score_b": 0}],
            {},
            "columns per model (a, b): say",
        ),
        (
            [{"question": "q", "score_a": 1}],
            {"weak": "x", "strong": "a"},
            "scores of 'x'; it has a",
        ),
        ([{"question": "q", "score_weak": 1, "score_strog": 1}], {}, "no column score_strong; the"),
        (
            [{"question": "q", "model": m, "score": 1} for m in "ab"],
            {"weak": "x", "strong": "a"},
            "no row of model 'x'; it has a, b",
        ),
        (LONG, {"weak": "tiny"}, "name both models"),
        (
            [{"question_id": 1, "model": m, "score": 1} for m in "ab"],
            {"weak": "a", "strong": "b"},
            "put the question that the models were asked into one called text (prompt, question,",
        ),
        (
            [{"question": "q", "model": m, "stars": 1} for m in "ab"],
            {"weak": "a", "strong": "b"},
            "put what an answer is worth into one called score (correct, is_correct,",
        ),
        ([{"text": "q"}], {}, "no column score_weak, score_strong; the columns are text"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_name(rows, names, said):
    with pytest.raises(OutcomesError) as error:
        as_paired(pl.DataFrame(rows), **names)
    assert said in str(error.value)


def test_several_answers_of_a_model_to_a_question_count_with_their_mean():
    rows = [
        {"question_id": 7, "prompt": "q", "model": model, "score": score}
        for model, scores in (("tiny", (0, 1, 1, 0)), ("big", (1, 1, 0)))
        for score in scores
    ]
    found = as_paired(pl.DataFrame(rows), weak="tiny", strong="big")
    assert found.rows.select("score_weak", "score_strong").row(0) == (0.5, pytest.approx(2 / 3))
    assert found.read_as["score_weak"] == "score of tiny, mean of up to 4 answers"


def test_turns_under_one_id_are_questions_of_their_own():
    rows = [
        {"question_id": 81, "turn": turn, "prompt": f"turn {turn}", "model": model, "score": score}
        for turn in (1, 2)
        for model, score in (("tiny", turn), ("big", 8 + turn))
    ]
    found = as_paired(pl.DataFrame(rows), weak="tiny", strong="big").rows
    assert sorted(found.select("text", "score_weak", "score_strong").rows()) == [
        ("turn 1", 1.0, 9.0),
        ("turn 2", 2.0, 10.0),
    ]


def test_columns_that_end_in_a_kind_tell_their_models():
    row = {"prompt": "q", "gpt-4": 1, "mixtral": 0, "gpt-4|total_cost": 1, "mixtral|total_cost": 2}
    with pytest.raises(OutcomesError, match=r"columns per model \(gpt-4, mixtral\): say which"):
        as_paired(pl.DataFrame([row]))
    with pytest.raises(OutcomesError, match="named after models and --weak NAME"):
        as_paired(pl.DataFrame([{"prompt": "q", "gpt-4": 1, "mixtral": 0}]))
