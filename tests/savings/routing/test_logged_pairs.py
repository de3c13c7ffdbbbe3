"""Questions that two models answered, found in the logs."""

from datetime import date
from decimal import Decimal

import polars as pl

from llmops_pipelines.savings.routing.logged_pairs import LOGGED_PAIRS, logged_pairs, pairs_digest

DAY = date(2026, 11, 1)


def paired(*answers, judge="j1"):
    """Pairs of answers told as (model, request digest, score, cost)."""
    calls = pl.DataFrame(
        [
            {"call_id": f"c{n}", "day": DAY, "feature": "chat", "model": model, "cost": cost,
             "request_digest": digest, "session_id": f"s{digest}"}
            for n, (model, digest, _, cost) in enumerate(answers)
        ],
        schema_overrides={"cost": pl.Decimal(38, 12), "model": pl.String},
    )  # fmt: skip
    scores = pl.DataFrame(
        [
            {"call_id": f"c{n}", "spec_id": judge, "metric": "tone", "score": score}
            for n, (_, _, score, _) in enumerate(answers)
        ],
        schema_overrides={"score": pl.Float64},
    )
    return logged_pairs(calls, scores)


def test_the_same_messages_to_two_models_are_a_pair_and_the_dearer_is_large():
    found = paired(
        ("a-big", "q1", 0.9, Decimal("0.02")), ("b-small", "q1", 0.4, Decimal("0.001")),
        ("b-small", "q2", 0.8, Decimal("0.001")), ("a-big", "q3", 0.8, Decimal("0.02")),
    )  # fmt: skip
    assert found.schema == LOGGED_PAIRS
    (row,) = found.to_dicts()
    assert (row["model_weak"], row["model_strong"]) == ("b-small", "a-big")
    assert (row["score_weak"], row["score_strong"]) == (0.4, 0.9)
    assert (row["cost_weak"], row["cost_strong"]) == (0.001, 0.02)
    assert (row["id"], row["group"], row["call_id"]) == ("q1", "sq1", "c0")


def test_repeated_answers_count_once_and_unscored_ones_not_at_all():
    (row,) = paired(
        ("a", "q1", 1.0, Decimal(1)), ("a", "q1", 0.0, Decimal(3)), ("b", "q1", 0.5, Decimal(9)),
        ("a", "q2", None, Decimal(1)), ("b", "q2", 0.5, Decimal(9)), (None, "q1", 1.0, Decimal(1)),
    ).to_dicts()  # fmt: skip
    assert (row["id"], row["score_weak"], row["cost_weak"]) == ("q1", 0.5, 2.0)


def test_without_costs_the_better_scored_model_is_large():
    rows = paired(("a", "q1", 0.2, None), ("b", "q1", 0.9, Decimal(1))).to_dicts()
    assert [(row["model_strong"], row["cost_weak"]) for row in rows] == [("b", None)]


def test_nothing_pairs_with_nothing():
    assert paired(("a", "q1", 1.0, None), ("a", "q1", 0.0, None)).is_empty()


def test_the_digest_knows_scores_and_not_the_order():
    found = paired(
        *((model, f"q{n}", n / 9, Decimal(cost)) for n in range(3) for model, cost in
          (("a", 1), ("b", 9)))
    )  # fmt: skip
    assert pairs_digest(found) == pairs_digest(found[::-1])
    assert pairs_digest(found) != pairs_digest(found.with_columns(score_weak=pl.lit(0.5)))
