"""Shorter prompts replayed from what the lake holds."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets.savings import compression_savings, every_loss_of_compression_is_proven_small
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import LakeResource
from llmops_pipelines.orchestration.savings.compression import NO_TEXTS, replayed_compression
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.tables import (
    CALL_COSTS,
    CALL_TEXTS,
    COMPRESSION_SAVINGS,
    LLM_CALLS,
    PRICE_BOOK,
    SAMPLED_TRACES,
)
from tests.golden.worlds import frame
from tests.savings.compression_worlds import GREEN, RED, WHITE, embed

FIRST = date(2026, 11, 1)
NOON = datetime.fromisoformat("2026-11-01T12:00:00")


def write(lake, *, calls=80, days=2, answer=GREEN, text=True):
    """Calls in sessions of two, each with three contexts of which its answer needs the first."""
    for day in range(days):
        own, costs, sampled, texts = [], [], [], []
        for n in range(day, calls, days):
            call = f"c-{n:03}"
            own.append(
                {"call_id": call, "model": "gpt-4.1", "provider": "openai", "feature": "chat",
                 "status": "ok", "is_batch": False, "service_tier": None,
                 "session_id": f"s{n // 2}", "content_digest": f"d-{call}", "source_line": 1,
                 "context_steps": [], "tags": [], "copies": [], "started_at": NOON,
                 "uncached_input": 30, "cache_read": 0, "output_text": 5}
            )  # fmt: skip
            costs.append({"call_id": call, "cost": Decimal("0.0001"), "status": "ok",
                          "started_at": NOON})  # fmt: skip
            sampled.append({"trace_id": call, "call_id": call, "feature": "chat",
                            "session_id": f"s{n // 2}", "probability": 0.04,
                            "has_text": text})  # fmt: skip
            texts.append(
                {"call_id": call, "content_digest": f"d-{call}", "source_line": 1,
                 "question": "Which colour has grass?", "answer": answer, "tool_calls": [],
                 "messages": [{"role": "user", "content": "Which colour has grass?"}],
                 "contexts": [{"id": None, "content": c, "score": None}
                              for c in (GREEN, WHITE, RED)]}
            )  # fmt: skip
        at = FIRST + timedelta(days=day)
        for table, rows in (
            (LLM_CALLS, own), (CALL_COSTS, costs), (SAMPLED_TRACES, sampled), (CALL_TEXTS, texts),
        ):  # fmt: skip
            lake.write(table, table.require(frame(table, rows)), day=at)
    lake.write(PRICE_BOOK, price_book(PriceOverrides()))


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path)))


def materialize(tmp_path):
    lake = LakeResource(root=str(tmp_path))
    result = dg.materialize(
        [compression_savings, every_loss_of_compression_is_proven_small],
        resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
    )
    (told,) = (m.metadata for m in result.asset_materializations_for_node("compression_savings"))
    return result.get_asset_check_evaluations(), told


def test_sampled_calls_are_replayed_once_and_recommend_what_loses_nothing(lake, tmp_path):
    write(lake)
    rows = replayed_compression(lake, embed)
    (best,) = rows.filter("is_recommended", technique="contexts_by_likeness").to_dicts()
    assert (best["setting"], best["calls"], best["unpriced"]) == (1.0, 80, 0)
    assert (best["loss"], best["used_lost_share"]) == (0.0, 0.0)
    assert 0 < best["loss_at_most"] < 0.05
    # gpt-4.1 takes $2 a million; 40 calls a day stand for 1,000.
    assert best["saved"] == pytest.approx(best["tokens_saved"] * 2e-6)
    assert best["saved_a_year"] == pytest.approx(best["saved"] * 365_000)
    assert best["counted_by"] == "text length"
    assert best["tokens_before"] == 30
    lake.write(COMPRESSION_SAVINGS, rows)
    again = replayed_compression(lake, lambda _: pytest.fail("embedded again"))
    assert again.equals(rows)
    (check,), told = materialize(tmp_path)
    assert check.passed
    assert "chart" in told
    write(lake, answer="Blood is red.")
    lake.write(CALL_COSTS, lake.read(CALL_COSTS, [FIRST]).drop("day").head(3), day=FIRST)
    assert not replayed_compression(lake, embed).equals(rows)


def test_a_year_follows_the_traffic_though_nothing_is_replayed_again(lake):
    write(lake)
    rows = replayed_compression(lake, embed)
    lake.write(COMPRESSION_SAVINGS, rows)
    nobody_asks = FIRST + timedelta(days=3)
    lake.write(SAMPLED_TRACES, SAMPLED_TRACES.empty(), day=nobody_asks)
    again = replayed_compression(lake, lambda _: pytest.fail("embedded again"))
    half = rows.with_columns(pl.col("^(calls_per_day|saved_a_year.*)$") / 2)
    assert_frame_equal(again, half)


def test_calls_whose_texts_are_forgotten_are_counted(lake):
    write(lake)
    texts = lake.read(CALL_TEXTS, [FIRST]).drop("day")
    lake.write(CALL_TEXTS, texts.head(0), day=FIRST)
    rows = replayed_compression(lake, embed)
    assert set(rows.select("calls", "left_out").iter_rows()) == {(40, 40)}


def test_few_answers_are_a_warning_and_nothing_is_recommended(lake, tmp_path):
    write(lake, calls=12)
    lake.write(COMPRESSION_SAVINGS, replayed_compression(lake, embed))
    (check,), _ = materialize(tmp_path)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "cannot tell for" in check.description
    assert "a night replays at most 100 calls of a feature, `llmops compress FILE`" in (
        check.description
    )


def test_without_texts_nothing_is_read_or_told(lake, tmp_path):
    write(lake, calls=4, text=False)
    assert replayed_compression(lake, embed).equals(COMPRESSION_SAVINGS.empty())
    (check,), told = materialize(tmp_path)
    assert check.passed
    assert told["compression"].value == NO_TEXTS
