"""Policies learned from the pairs in the lake."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import numpy as np
import pytest

from assets.savings import every_loss_of_routing_is_proven_small, routing_policies
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.savings.routing import NO_PAIRS, learned_policies
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.savings import RoutingPolicy
from llmops_pipelines.tables import (
    CALL_COSTS,
    CALL_TEXTS,
    FEATURE_COSTS,
    JUDGE_SCORES,
    LLM_CALLS,
    ROUTING_POLICIES,
)
from tests.golden.worlds import frame

FIRST = date(2026, 11, 1)
NOON = datetime.fromisoformat("2026-11-01T12:00:00")
EASY, HARD = (
    "What is the opening time on {n}?",
    "Explain why clause {n} does not apply, step by step.",
)


def embed(texts):
    """The first word of the question, as a direction."""
    return np.array([[float(text.startswith("Explain")), 1.0] for text in texts])


def write(lake, *, questions=200, days=2):
    """Both models answer every question of a session of five; the small one fails the hard ones."""
    for day in range(days):
        calls, costs, scores, texts = [], [], [], []
        for n in range(day, questions, days):
            hard = n % 4 == 0
            for model, cost in (("small", Decimal("0.001")), ("large", Decimal("0.02"))):
                call = f"{model}-{n:03}"
                calls.append(
                    {"call_id": call, "model": model, "feature": "chat", "status": "ok",
                     "request_digest": f"q{n:03}", "session_id": f"s{n // 5}",
                     "content_digest": f"d-{call}", "source_line": 1, "context_steps": [],
                     "tags": [], "copies": [], "started_at": NOON}
                )  # fmt: skip
                costs.append({"call_id": call, "cost": cost, "status": "ok", "started_at": NOON})
                scores.append(
                    {"call_id": call, "spec_id": "tone-1", "metric": "tone", "outcome": "scored",
                     "scored_at": NOON,
                     "score": float(model == "large" or not hard or n % 8 == 0)}
                )  # fmt: skip
                texts.append(
                    {"call_id": call, "content_digest": f"d-{call}", "source_line": 1,
                     "question": (HARD if hard else EASY).format(n=n), "answer": "a",
                     "messages": [], "contexts": [], "tool_calls": []}
                )  # fmt: skip
        at = FIRST + timedelta(days=day)
        totals = [{"feature": "chat", "calls": 1_000, "errors": 0}]
        for table, rows in (
            (LLM_CALLS, calls), (CALL_COSTS, costs), (JUDGE_SCORES, scores), (CALL_TEXTS, texts),
            (FEATURE_COSTS, totals),
        ):  # fmt: skip
            lake.write(table, table.require(frame(table, rows)), day=at)


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path)))


def materialize(tmp_path):
    lake = LakeResource(root=str(tmp_path))
    result = dg.materialize(
        [routing_policies, every_loss_of_routing_is_proven_small],
        resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
    )
    (metadata,) = (m.metadata for m in result.asset_materializations_for_node("routing_policies"))
    return result.get_asset_check_evaluations(), metadata


def test_pairs_in_the_logs_become_a_policy_and_are_learned_from_once(lake, tmp_path):
    write(lake)
    learned = learned_policies(lake, embed)
    assert learned["router"].to_list() == ["classifier", "length", "oracle", "random"]
    (own,) = learned.filter("is_own").to_dicts()
    assert (own["model_weak"], own["model_strong"], own["questions"]) == ("small", "large", 200)
    assert (own["state"], own["groups"]) == ("recommended", 40)
    # A quarter is hard; the rest saves 0.019 a request, of 100 that both models were sent a day.
    assert own["strong_share"] == pytest.approx(0.25, abs=0.08)
    assert own["saved"] == pytest.approx(0.019 * (1 - own["strong_share"]))
    assert own["saved_a_year"] == pytest.approx(own["saved"] * 36_500)
    assert own["calls_per_day"] == 100
    policy = RoutingPolicy.from_json(own["policy"])
    assert json.loads(own["policy"])["training"]["questions"] == 200
    assert policy.promise["loss_at_most"] <= 0.05
    lake.write(ROUTING_POLICIES, learned)
    assert learned_policies(lake, lambda _: pytest.fail("embedded again")).equals(learned)
    (check,), metadata = materialize(tmp_path)
    assert check.passed
    assert "chart" in metadata


def test_no_pairs_say_what_to_do_and_read_no_text(lake, tmp_path):
    assert learned_policies(lake, embed).equals(ROUTING_POLICIES.empty())
    (check,), metadata = materialize(tmp_path)
    assert check.passed
    assert metadata["policies"].value == NO_PAIRS


def test_too_few_pairs_are_told_and_nothing_is_recommended(lake, tmp_path):
    write(lake, questions=20)
    (row,) = learned_policies(lake, embed).to_dicts()
    assert (row["state"], row["questions"], row["policy"]) == ("too_few", 20, None)
    (check,), _ = materialize(tmp_path)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "cannot tell for 1 pair(s) of models" in check.description
