"""All savings as one, from a lake in which every single replay recommends something."""

from datetime import timedelta

import dagster as dg
import pytest

from assets.savings import savings_plan
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.savings.compression import NO_TEXTS
from llmops_pipelines.orchestration.savings.plan import replayed_plan
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.savings import STEPS
from llmops_pipelines.tables import CALL_TEXTS, SAVINGS_PLAN
from llmops_pipelines.tables.routing import FRONTIER_POINT
from tests.orchestration.plan_worlds import (
    CALLS,
    FIRST,
    NOON,
    embed,
    policy,
    write_calls,
    write_recommendations,
)

FRONTIER = [field.name for field in FRONTIER_POINT.fields]


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path)))


def of(rows, feature="chat"):
    return {row["step"]: row for row in rows.filter(feature=feature).iter_rows(named=True)}


def materialize(tmp_path):
    lake = LakeResource(root=str(tmp_path))
    result = dg.materialize(
        [savings_plan], resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)}
    )
    (told,) = result.asset_materializations_for_node("savings_plan")
    return told.metadata


def test_all_four_steps_are_replayed_one_behind_the_other(lake, tmp_path):
    write_calls(lake)
    write_recommendations(lake)
    rows = replayed_plan(lake, embed)
    chat = of(rows)
    # 40 calls of 1,000 and 100 tokens; gpt-4.1 takes $2 and $8 a million, nano $0.10 and $0.40.
    large, small = 0.0028, 0.00014
    assert chat["plan"]["paid_per_call"] == pytest.approx(large)
    assert [chat[step]["changed"] for step in STEPS] == [10, 23, 30, 30]
    saved = {
        "cache": 10 * large,
        # A quarter of the questions is hard: 7 of the 30 that are left.
        "route": 23 * (large - small),
        "compress": 600e-6 * (7 * 2 + 23 * 0.1),
        "batch": (7 * (large - 600e-6 * 2) + 23 * (small - 600e-6 * 0.1)) / 2,
    }
    for step, total in saved.items():
        assert chat[step]["saved"] == pytest.approx(total / 40), step
    assert chat["plan"]["saved"] == pytest.approx(sum(saved.values()) / 40)
    alone = 10 * large + 30 * (large - small) + 40 * 600e-6 * 2 + 40 * large / 2
    assert chat["plan"]["saved_alone"] == pytest.approx(alone / 40)
    assert chat["plan"]["saved_a_year"] == pytest.approx(chat["plan"]["saved"] * 365_000)
    losses = [chat[step]["loss_at_most"] for step in (*STEPS, "plan")]
    assert losses == pytest.approx([0.25 * 0.02, 0.04, 0.03, 0.0, 0.075])
    assert all(chat[step]["is_taken"] for step in STEPS)
    lake.write(SAVINGS_PLAN, rows)
    assert replayed_plan(lake, lambda _: pytest.fail("replayed again")).equals(rows)
    told = materialize(tmp_path)
    assert told["saved_a_year_usd"].value == pytest.approx(chat["plan"]["saved_a_year"])
    assert "chart" in told


def test_what_is_not_recommended_is_not_taken_and_says_why(lake):
    write_calls(lake)
    write_recommendations(
        lake,
        cache={"state": "cannot_tell", "reason": "3 hits at most", "is_recommended": False},
        route={"state": "too_few", "reason": "12 questions", "policy": None},
        compress={"state": "loses_too_much", "is_recommended": False, "calls_after": None},
        batch={"kind": "detected"},
    )
    chat = of(replayed_plan(lake, lambda _: pytest.fail("nothing is routed")))
    assert [chat[step]["setting"] for step in STEPS] == [
        "cannot tell: 3 hits at most",
        "too few: 12 questions",
        "loses too much: extractive",
        "detected: its owner has to say",
    ]
    assert chat["plan"]["setting"] == "nothing is recommended"
    assert chat["plan"]["loss_at_most"] is None
    assert {row["saved"] for row in chat.values()} == {0.0}
    assert not any(row["is_taken"] for row in chat.values())


def test_batches_that_are_not_proven_to_save_are_not_taken_though_their_owner_wants_them(lake):
    write_calls(lake)
    told = "not proven to save anything: $0.0100 in all at best"
    write_recommendations(lake, batch={"state": "cannot_tell", "reason": told})
    chat = of(replayed_plan(lake, embed))
    assert (chat["batch"]["is_taken"], chat["batch"]["changed"]) == (False, 0)
    assert chat["batch"]["setting"] == f"cannot tell: {told}"
    assert chat["plan"]["setting"] == "cache, then route, then compress"


def test_features_that_no_replay_speaks_of_are_in_the_sum_by_their_traffic(lake):
    write_calls(lake, features=("chat", "mail"))
    write_recommendations(lake)
    rows = replayed_plan(lake, embed)
    mail = of(rows, "mail")
    assert [mail[step]["setting"] for step in STEPS] == [
        "no request of it was replayed",
        "no question was answered by two models and scored by one judge",
        "no call of it was replayed",
        "no call in the last days",
    ]
    whole, chat = of(rows, "*")["plan"], of(rows)["plan"]
    assert whole["calls_per_day"] == 2_000
    assert whole["saved_a_year"] == pytest.approx(chat["saved_a_year"])
    assert whole["loss_at_most"] == chat["loss_at_most"]


def test_calls_older_than_the_replay_of_the_cache_are_left_out(lake):
    write_calls(lake)
    second_day = NOON + timedelta(days=1)
    write_recommendations(lake, cache={"first_at": second_day, "hit_calls": CALLS[20:25]})
    chat = of(replayed_plan(lake, embed))
    assert (chat["cache"]["calls"], chat["cache"]["changed"]) == (20, 5)
    write_recommendations(lake, cache={"first_at": second_day + timedelta(hours=1)})
    chat = of(replayed_plan(lake, embed))
    assert (chat["cache"]["is_taken"], chat["cache"]["calls"]) == (False, 40)
    assert "only 0 sampled call(s)" in chat["cache"]["setting"]


def test_a_policy_that_cannot_be_asked_is_not_taken_and_says_why(lake):
    write_calls(lake)
    write_recommendations(lake, route={"policy": policy("others 1.0").to_json()})
    route = of(replayed_plan(lake, lambda _: pytest.fail("embedded")))["route"]
    assert (route["is_taken"], route["setting"]) == (
        False,
        "its policy needs vectors of others 1.0",
    )
    write_recommendations(lake, route={"policy": "{}"})
    route = of(replayed_plan(lake, embed))["route"]
    assert route["setting"].startswith("its policy cannot be used: not a routing policy")


def frontier(*points):
    """A frontier of shares of large calls, with losses a tenth wide on either side."""
    return [
        dict.fromkeys(FRONTIER)
        | {"strong_share": share, "loss": loss, "loss_low": loss - 0.1, "loss_high": loss + 0.1}
        for share, loss in points
    ]


def test_a_policy_that_another_score_of_the_same_models_contradicts_is_not_taken(lake):
    write_calls(lake)
    # The policy sends a quarter to the large model.
    facts = {"spec_id": "facts", "metric": "facts", "state": "cannot_tell", "policy": None}
    lost = frontier((1.0, 0.0), (0.5, 0.1), (0.25, 0.2), (0.0, 0.5))
    write_recommendations(lake, route=[{}, facts | {"frontier": lost}])
    route = of(replayed_plan(lake, lambda _: pytest.fail("nothing is routed")))["route"]
    assert (route["is_taken"], route["setting"]) == (
        False,
        "75 % of the questions to gpt-4.1-nano instead of gpt-4.1 is recommended by tone, but so "
        "facts loses 20 % (10 % to 30 %)",
    )
    # From 4 to 24 %: that it is more than 5 % is not proven.
    unsure = frontier((1.0, 0.0), (0.25, 0.14), (0.0, 0.5))
    write_recommendations(lake, route=[{}, facts | {"frontier": unsure}])
    assert of(replayed_plan(lake, embed))["route"]["changed"] == 23
    # Another small model is another matter.
    other = facts | {"frontier": lost, "model_weak": "gpt-4.1-mini"}
    write_recommendations(lake, route=[{}, other])
    assert of(replayed_plan(lake, embed))["route"]["changed"] == 23


def test_the_next_best_policy_is_taken_where_the_best_is_contradicted(lake):
    write_calls(lake)
    best = {"saved": 0.002, "strong_share": 0.0, "model_weak": "gpt-4.1-mini"}
    facts = {"spec_id": "facts", "metric": "facts", "state": "cannot_tell", "policy": None}
    lost = {"model_weak": "gpt-4.1-mini", "frontier": frontier((1.0, 0.0), (0.0, 0.5))}
    write_recommendations(lake, route=[best, facts | lost, {}])
    route = of(replayed_plan(lake, embed))["route"]
    assert route["setting"].startswith("75 % of the questions to gpt-4.1-nano instead")


def test_what_one_step_gains_makes_up_for_nothing_that_another_loses(lake):
    write_calls(lake)
    write_recommendations(lake, route={"loss_at_most": -0.3})
    chat = of(replayed_plan(lake, embed))
    assert chat["route"]["setting"].endswith("none of the tone is lost, at least 30 % is gained")
    losses = [chat[step]["loss_at_most"] for step in (*STEPS, "plan")]
    assert losses == pytest.approx([0.005, -0.3, 0.03, 0.0, 0.035])


def test_questions_that_were_forgotten_are_not_routed(lake):
    write_calls(lake)
    write_recommendations(lake)
    for day in (FIRST, FIRST + timedelta(days=1)):
        lake.write(CALL_TEXTS, lake.read(CALL_TEXTS, [day]).drop("day").head(0), day=day)
    assert of(replayed_plan(lake, embed))["route"]["changed"] == 0


def test_a_small_model_without_a_price_is_not_taken_and_counted(lake):
    write_calls(lake)
    write_recommendations(lake, route={"model_weak": "no-such-model"})
    route = of(replayed_plan(lake, embed))["route"]
    assert (route["changed"], route["dearer"], route["saved"]) == (0, 23, 0.0)


def test_without_sampled_texts_there_is_no_plan(lake, tmp_path):
    write_calls(lake, text=False)
    write_recommendations(lake)
    assert replayed_plan(lake, embed).equals(SAVINGS_PLAN.empty())
    assert materialize(tmp_path)["plan"].value == NO_TEXTS
