"""A router learned from paired outcomes, its rivals, and the policy that comes of it."""

import json

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.savings import (
    CANNOT_TELL,
    NOTHING_SAVED,
    RECOMMENDED,
    OutcomesError,
    PolicyError,
    RoutingPolicy,
    paired_outcomes,
    replay_routing,
    saved_a_year,
)
from llmops_pipelines.savings.routing.complexity import cross_fitted, held_out
from llmops_pipelines.savings.routing.features import FEATURES, simple_features
from tests.savings.worlds import world


@pytest.fixture(scope="module")
def learned():
    outcomes, vectors = world(1_200)
    return outcomes, vectors, replay_routing(outcomes, vectors, embedding="planted 1")


def test_a_planted_reason_is_found_and_ranked_between_chance_and_oracle(learned):
    _, _, replay = learned
    apgr = {one.router: one.metrics.apgr.estimate for one in replay.routers}
    assert apgr["random"] == pytest.approx(0.5)
    assert 0.5 < apgr["length"] < apgr["classifier"] < apgr["oracle"]
    # Hard questions are 30 %; the small model loses nothing on the rest.
    assert apgr["classifier"] == pytest.approx(0.85, abs=0.05)
    assert replay.calibration_error < 0.05


def test_the_recommended_point_has_its_loss_its_saving_and_both_intervals(learned):
    _, _, replay = learned
    own = replay.of("classifier")
    point = own.point
    assert own.choice.state == RECOMMENDED
    assert point["loss"] <= point["loss_at_most"] <= 0.05
    assert point["loss_low"] < point["loss"] < point["loss_high"]
    assert point["saved_share_low"] < point["saved_share"] < point["saved_share_high"]
    assert point["saved"] == pytest.approx(0.009 * (1 - point["strong_share"]))
    assert point["saved"] > replay.of("random").point["saved"]
    year = saved_a_year(point, 1_000)
    assert year.estimate == pytest.approx(point["saved"] * 365_000)
    assert (year.low, year.high) == (point["saved_low"] * 365_000, point["saved_high"] * 365_000)
    assert saved_a_year(point, None).estimate is None


def test_a_policy_read_back_decides_the_same_one_by_one_and_together(learned):
    outcomes, vectors, replay = learned
    texts = outcomes.pairs["text"]
    policy = replay.policy
    again = RoutingPolicy.from_json(policy.to_json())
    decided = again.asks_strong(vectors, list(texts))
    assert (decided == policy.asks_strong(vectors, texts)).all()
    one_by_one = [
        again.asks_strong(vectors[n : n + 1], texts[n : n + 1])[0] for n in range(0, 1_200, 60)
    ]
    assert (decided[::60] == one_by_one).all()
    assert decided.mean() == pytest.approx(replay.of("classifier").point["strong_share"], abs=0.05)
    assert again.promise["max_loss"] == 0.05
    assert again.training["questions"] == 1_200


def test_every_question_meets_one_rule(learned):
    rules = pl.DataFrame(learned[2].policy.rules)
    assert rules["questions"].sum() == 1_200
    assert rules["share"].sum() == pytest.approx(1)
    assert set(rules["model"]) == {"small", "large"}
    assert rules["agreement"].min() >= 0.5


def test_the_order_of_rows_changes_nothing(learned):
    outcomes, vectors, replay = learned
    shuffled = outcomes.pairs.sample(fraction=1.0, shuffle=True, seed=3)
    again = paired_outcomes(shuffled)
    assert again.pairs.equals(outcomes.pairs)
    repeated = replay_routing(again, vectors, embedding="planted 1")
    assert repeated.policy.to_json() == replay.policy.to_json()


def test_a_vector_that_only_names_the_group_tells_nothing_of_others():
    draw = np.random.default_rng(2)
    group = np.arange(600) // 30
    needy = draw.permutation(20) < 10  # all questions of half of the groups need the large model
    outcomes = paired_outcomes(
        pl.DataFrame(
            {"id": [f"{n:03}" for n in range(600)], "text": [chr(0x4E00 + n) for n in range(600)],
             "group": group.astype(str),
             "score_weak": ~needy[group], "score_strong": True}
        )
    )  # fmt: skip
    rows = outcomes.pairs
    vectors = np.eye(20)[rows["group"].cast(pl.Int64).to_numpy()]
    features = simple_features(rows["text"])
    gain = (rows["score_strong"] - rows["score_weak"]).to_numpy()
    told = cross_fitted(vectors, features, rows)
    by_question = cross_fitted(vectors, features, rows.with_columns(group=pl.col("id")))
    assert np.corrcoef(by_question.need, gain)[0, 1] > 0.8
    assert told.slope == 0 or np.corrcoef(told.need, gain)[0, 1] < 0.2


def test_what_the_router_costs_is_taken_off_the_saving():
    outcomes, vectors = world(300)
    plain, paid, dear = (
        replay_routing(
            outcomes._replace(pairs=outcomes.pairs.with_columns(cost_router=pl.lit(cost))),
            vectors,
            embedding="planted 1",
        ).of("classifier")
        for cost in (None, 0.001, 0.02)
    )
    assert paid.points["saved"].to_list() == pytest.approx(
        (plain.points["saved"] - 0.001).to_list()
    )
    assert dear.choice.state == NOTHING_SAVED


def test_questions_that_cost_very_differently_are_ranked_by_need_per_dollar():
    outcomes, vectors = world(900)
    rows = outcomes.pairs
    # Long questions are hard, and dear: the length tells the cost.
    cost = rows["text"].str.len_chars().cast(pl.Float64) ** 2 * 1e-6
    rows = rows.with_columns(cost_strong=cost, cost_weak=cost / 10)
    replay = replay_routing(outcomes._replace(pairs=rows), vectors, embedding="planted 1")
    assert replay.own.router == "value"
    assert replay.own.point["saved"] > replay.of("random").point["saved"]
    policy = RoutingPolicy.from_json(replay.policy.to_json())
    assert policy.extra_cost.of(simple_features(rows["text"])) == pytest.approx(
        0.9 * cost.to_numpy(), rel=0.35
    )
    decided = policy.asks_strong(vectors, rows["text"])
    assert (decided == replay.policy.asks_strong(vectors, rows["text"])).all()
    assert decided.mean() == pytest.approx(replay.own.point["strong_share"], abs=0.07)


def test_unknown_costs_recommend_by_calls_and_no_money():
    outcomes, vectors = world(600)
    free = outcomes.pairs.with_columns(cost_strong=pl.lit(None, pl.Float64))
    replay = replay_routing(outcomes._replace(pairs=free), vectors, embedding="planted 1")
    own = replay.of("classifier")
    assert own.choice.state == RECOMMENDED
    assert own.point["saved"] is None
    assert replay.unpriced == 600


def test_few_questions_cannot_tell_and_very_few_are_refused():
    outcomes, vectors = world(40, 40)
    bad = outcomes.pairs.with_columns(score_weak=pl.int_range(pl.len()).cast(pl.Float64) % 2)
    replay = replay_routing(outcomes._replace(pairs=bad), vectors * 0, embedding="planted 1")
    assert replay.of("classifier").choice.state == CANNOT_TELL
    assert replay.policy is None
    with pytest.raises(OutcomesError, match=r"29 usable row.* at least 30"):
        replay_routing(outcomes._replace(pairs=outcomes.pairs[:29]), vectors[:29], embedding="x")


@pytest.mark.parametrize(
    ("weak", "strong"), [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (7.5, 9.0)]
)
def test_outcomes_that_are_all_alike_are_no_accident(weak, strong):
    outcomes, vectors = world(120, 24)
    same = outcomes.pairs.with_columns(score_weak=pl.lit(weak), score_strong=pl.lit(strong))
    replay = replay_routing(outcomes._replace(pairs=same), vectors, embedding="planted 1")
    expected = RECOMMENDED if weak >= strong > 0 else CANNOT_TELL
    assert replay.of("classifier").choice.state == expected


def test_what_is_no_policy_is_refused(learned):
    written = json.loads(learned[2].policy.to_json())
    for broken, message in (
        ("[]", "not a routing policy"),
        ("{", "not a routing policy: JSONDecodeError"),
        (json.dumps(written | {"version": 9}), "version"),
        (json.dumps(written | {"feature_names": ["x"]}), "other features"),
    ):
        with pytest.raises(PolicyError, match=message):
            RoutingPolicy.from_json(broken)


def test_features_show_what_is_written():
    texts = pl.Series(["", "Why is 2 + 2 = 4?\nA. yes\nB. no", "def f(x):\n  return x"])
    rows = [dict(zip(FEATURES, row, strict=True)) for row in simple_features(texts)]
    assert set(rows[0].values()) == {0.0}
    assert np.expm1(rows[1]["log options"]) == pytest.approx(2)
    assert np.expm1(rows[1]["log numbers"]) == pytest.approx(3)
    assert rows[2]["log marks of code"] > 0 == rows[1]["log marks of code"]


@pytest.mark.parametrize("groups", [1, 4, 20])
def test_no_question_is_both_learned_from_and_predicted(groups):
    asked = [
        {"text": f"question {n % 90}", "group": f"g{n % groups}" if n % 90 else f"g{n % 7}",
         "score_weak": 0, "score_strong": 1}
        for n in range(360)
    ]  # fmt: skip
    rows = paired_outcomes(pl.DataFrame(asked)).pairs
    texts = rows["text"].to_numpy()
    for train, test in held_out(rows)[1]:
        assert not set(texts[train]) & set(texts[test])


def test_a_question_asked_five_times_is_one_draw():
    outcomes, vectors = world(200, 1)
    once = replay_routing(outcomes, vectors, embedding="planted 1")
    five = outcomes._replace(pairs=pl.concat([outcomes.pairs] * 5))
    often = replay_routing(five, np.vstack([vectors] * 5), embedding="planted 1")
    once_at, often_at = (each.of("random").points for each in (once, often))
    # Not five times as many questions, whose bound would be less than half as far away.
    assert often_at["loss_at_most"][50] > 0.9 * once_at["loss_at_most"][50]
