"""Caches replayed over the lake, with vectors that are kept between nights."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from assets.savings import every_cache_answers_rightly, semantic_cache_savings
from llmops_pipelines import ingest
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.reporting.spend_charts import saving_charts
from llmops_pipelines.orchestration.savings import caching
from llmops_pipelines.orchestration.savings.caching import (
    NO_REQUESTS,
    cache_outdated,
    cache_savings,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.orchestration.upkeep.forgetting import forget
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_COSTS,
    CALL_TEXTS,
    JUDGE_SCORES,
    LANDED_CALLS,
    LLM_CALLS,
    SEMANTIC_CACHE_SAVINGS,
    TEXT_VECTORS,
)
from tests.golden.worlds import frame
from tests.savings.cache_worlds import embed

FIRST = date(2026, 11, 1)
NOON = datetime.fromisoformat("2026-11-01T12:00:00")


def write(lake, *, calls=160, days=2, answers=("right 0",), feature="chat", cost="0.01"):
    """Each call asks at one of two near angles, in a session of its own."""
    for day in range(days):
        at = FIRST + timedelta(days=day)
        rows, costs, texts, scores = [], [], [], []
        for n in range(day, calls, days):
            call = f"{feature}-{n:03}"
            began = NOON + timedelta(days=day, seconds=n)
            rows.append(
                {"call_id": call, "trace_id": call, "feature": feature, "status": "ok", "tags": [],
                 "session_id": f"s{n}", "content_digest": f"d-{call}", "context_steps": [],
                 "copies": [], "started_at": began, "batch": "b", "model": "m", "latency_ms": 100.0}
            )  # fmt: skip
            costs.append({"call_id": call, "cost": Decimal(cost), "started_at": began})
            texts.append(
                {"call_id": call, "content_digest": f"d-{call}", "contexts": [], "tool_calls": [],
                 "messages": [{"role": "user", "content": f"turn {5 * (n // days % 2)}"}],
                 "answer": answers[n // days % len(answers)], "batch": "b"}
            )  # fmt: skip
            scores.append({"call_id": call, "spec_id": "s", "score": 0.9, "scored_at": NOON})
        for table, told in (
            (LLM_CALLS, rows), (LANDED_CALLS, rows), (CALL_COSTS, costs), (CALL_TEXTS, texts),
            (JUDGE_SCORES, scores),
        ):  # fmt: skip
            lake.write(table, table.require(frame(table, told)), day=at)


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path)))


def materialize(tmp_path):
    lake = LakeResource(root=str(tmp_path))
    result = dg.materialize(
        [semantic_cache_savings, every_cache_answers_rightly],
        resources={
            "lake": lake,
            "io_manager": LakeIOManager(lake=lake),
            "reference": ReferenceFolder(path=str(tmp_path / "reference")),
        },
    )
    (event,) = result.asset_materializations_for_node("semantic_cache_savings")
    return result.get_asset_check_evaluations(), event.metadata


def test_a_feature_that_asks_again_is_told_its_rung_and_the_same_days_are_not_replayed(
    lake, tmp_path
):
    write(lake)
    found = cache_savings(lake, Features(), embed)
    assert found["rung"].n_unique() == 12
    (best,) = found.filter("is_recommended").to_dicts()
    # 160 requests on two days; all but the first of each day are answered.
    assert (best["feature"], best["hits"], best["saved"]) == ("chat", 158, Decimal("1.58"))
    assert len(set(best["hit_calls"])) == 158
    assert best["first_at"] == NOON
    assert found.filter(~pl.col("is_recommended"))["hit_calls"].null_count() == 11
    assert (best["judged"], best["judged_wrong"], best["ttl_hours"]) == (158, 0, 24.0)
    assert best["saved_a_year_low"] < best["saved_a_year"] < best["saved_a_year_high"]
    lake.write(SEMANTIC_CACHE_SAVINGS, found)
    again = cache_savings(lake, Features(), lambda _: pytest.fail("embedded again"))
    assert again.equals(found)
    (check,), metadata = materialize(tmp_path)
    assert check.passed
    assert "chart" in metadata
    drawn = saving_charts(lake, ReferenceFolder(path=str(tmp_path)), date(2026, 11, 1))
    (sweep,) = (one for one in drawn if one.name == "cache_sweep")
    # A CSV cannot hold what is nested.
    assert sweep.rows.write_csv().count("\n") == found.height + 1


def test_a_new_night_embeds_only_what_is_new(lake):
    write(lake, days=1)
    cache_savings(lake, Features(), embed)
    kept = lake.read(TEXT_VECTORS)
    assert kept.height == 2  # answers are equal: none is embedded
    write(lake, days=2)
    asked = []
    cache_savings(lake, Features(), lambda texts: asked.extend(texts) or embed(texts))
    assert asked == []
    write(lake, answers=("right 0", "right, 0"))
    cache_savings(lake, Features(), lambda texts: asked.extend(texts) or embed(texts))
    assert asked == ["right 0", "right, 0"]
    assert lake.read(TEXT_VECTORS).height == 4


def test_a_forgotten_persons_vectors_leave_and_others_ask_anew(lake, tmp_path):
    write(lake)
    cache_savings(lake, Features(), embed)
    owners = sorted(lake.read(TEXT_VECTORS)["call_id"])
    assert owners == ["chat-000", "chat-002"]
    subjects = ingest.Subjects(frozenset(), frozenset(), frozenset({"chat-000"}))
    done = forget(lake, tmp_path / "golden", subjects, command="llmops forget", now=NOON)
    assert done.rows["text_vectors"] == 1
    assert lake.read(TEXT_VECTORS)["call_id"].to_list() == ["chat-002"]
    cache_savings(lake, Features(), embed)
    assert sorted(lake.read(TEXT_VECTORS)["call_id"]) == ["chat-002", "chat-004"]


def test_answers_that_change_are_told_and_nothing_is_recommended(lake, tmp_path):
    write(lake, answers=("right 0", "right 0", "left 90", "left 90"), calls=300)
    found = cache_savings(lake, Features(), embed)
    assert set(found["state"]) == {"cannot_tell"}
    lake.write(SEMANTIC_CACHE_SAVINGS, found)
    (check,), _ = materialize(tmp_path)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "1 feature(s)" in check.description


def test_few_requests_are_not_embedded_and_a_marked_feature_is_left_out(lake):
    write(lake, calls=40)
    embedding = lambda texts: pytest.fail("embedded") if texts else embed(texts)  # noqa: E731
    (row,) = cache_savings(lake, Features(), embedding).to_dicts()
    assert (row["rung"], row["requests"], row["state"]) == ("exact", 40, "cannot_tell")
    marked = Features.model_validate({"features": {"chat": {"cacheable": False}}})
    assert not cache_outdated(lake, marked), "what was never replayed waits for the night"
    lake.write(SEMANTIC_CACHE_SAVINGS, cache_savings(lake, Features(), embedding))
    assert [cache_outdated(lake, each) for each in (Features(), marked)] == [False, True]
    (row,) = cache_savings(lake, marked, embedding).to_dicts()
    assert (row["requests"], row["state"]) == (0, "nothing_saved")
    assert row["left_out"] == [{"reason": "feature not cacheable", "requests": 40}]


def test_no_more_is_compared_by_equality_than_is_replayed(lake, monkeypatch):
    write(lake)
    long = [{"role": "user", "content": "word " * 200}]
    for day in (FIRST, FIRST + timedelta(days=1)):
        texts = lake.read(CALL_TEXTS, [day]).drop("day").to_dicts()
        rows = frame(CALL_TEXTS, [text | {"messages": long} for text in texts])
        lake.write(CALL_TEXTS, CALL_TEXTS.require(rows), day=day)
    monkeypatch.setattr(caching, "POLICY", replace(caching.POLICY, most_requests=60))
    (row,) = cache_savings(lake, Features(), embed).head(1).to_dicts()
    assert (row["requests"], row["only_exact"]) == (60, [{"reason": "long", "requests": 60}])


def test_a_feature_that_costs_next_to_nothing_is_not_embedded(lake):
    write(lake, cost="0.0001")
    (row,) = cache_savings(
        lake, Features(), lambda texts: pytest.fail("embedded") if texts else embed(texts)
    ).to_dicts()
    assert (row["rung"], row["requests"]) == ("exact", 160)
    assert "similar questions are not looked at: all of it costs $2.92 a year" in row["reason"]


def test_no_calls_say_so(lake, tmp_path):
    assert cache_savings(lake, Features(), embed).equals(SEMANTIC_CACHE_SAVINGS.empty())
    (check,), metadata = materialize(tmp_path)
    assert check.passed
    assert metadata["caches"].value == NO_REQUESTS
