"""Days that are older than their table is kept go, once, and stay gone."""

from datetime import date, datetime

import dagster as dg
import pytest

from llmops_pipelines.orchestration.graph.staleness import DailyAsset, stale_assets
from llmops_pipelines.orchestration.landing.landing import calls_of_day, land_new_files
from llmops_pipelines.orchestration.landing.retention import Expired, expire, kept_from
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Features, PrivacyRules
from llmops_pipelines.tables import (
    CALL_TEXTS,
    ERASURES,
    HEURISTIC_SCORES,
    LANDED_CALLS,
    LANDED_DAYS,
    LLM_CALLS,
)
from tests.golden.worlds import frame
from tests.ingest.worlds import log, options
from tests.orchestration.folders import DAY, NEXT, calls_of

NOW = datetime.fromisoformat("2026-11-12T06:00:00")
RULES = PrivacyRules(retention_days={"call_texts": 2, "heuristic_scores": 2})


@pytest.fixture(params=["folder", "s3"])
def lake(request, tmp_path):
    """Two days of calls; on the 12th, the 10th is past two days."""
    if request.param == "folder":
        lake = Lake(open_store(str(tmp_path / "lake")))
    else:
        lake = Lake(open_store(f"s3://lake/{tmp_path.name}", request.getfixturevalue("s3")))
    land(lake)
    for day in (DAY, NEXT):
        rows = [{"call_id": "c-1", "unmatched": []}]
        inputs = {"llm_calls": {str(day): "d"}}
        lake.write(HEURISTIC_SCORES, frame(HEURISTIC_SCORES, rows), day=day, inputs=inputs)
    return lake


def land(lake, more=b"", **settings):
    file = log("a.jsonl", calls_of(DAY, 1, 2) + calls_of(NEXT, 3) + more)
    land_new_files(lake, [file], options(now=NOW), **settings)


def test_today_is_the_first_of_the_days_that_are_kept():
    assert kept_from(RULES, date(2026, 11, 12))["call_texts"] == date(2026, 11, 11)


def test_old_days_go_and_are_counted(lake):
    found = expire(lake, kept_from(RULES, NOW.date()), now=NOW)
    assert found == [Expired("call_texts", 2, [DAY]), Expired("heuristic_scores", 1, [DAY])]
    assert lake.read(CALL_TEXTS)["call_id"].to_list() == ["c-3"]
    assert lake.read(HEURISTIC_SCORES)["day"].to_list() == [NEXT]
    assert lake.read(LANDED_CALLS).height == 3
    assert lake.read(ERASURES).select("command", "place", "rows").rows() == [
        ("retention", "call_texts", 2),
        ("retention", "heuristic_scores", 1),
    ]


def test_a_computed_day_stays_as_an_empty_one_so_that_no_night_computes_it_anew(lake):
    before = lake.stored(HEURISTIC_SCORES, DAY)
    expire(lake, kept_from(RULES, NOW.date()), now=NOW)
    assert lake.stored(HEURISTIC_SCORES, DAY) == before
    assert list(lake.store.walk(f"call_texts/day={DAY}")) == []


def test_a_dry_run_says_what_would_go_and_leaves_it(lake):
    found = expire(lake, kept_from(RULES, NOW.date()), now=None)
    assert [expired.rows for expired in found] == [2, 1]
    assert lake.read(CALL_TEXTS).height == 3
    assert lake.read(ERASURES).is_empty()


def test_a_second_time_there_is_nothing_to_do_or_to_record(lake):
    first_days = kept_from(RULES, NOW.date())
    expire(lake, first_days, now=NOW)
    assert [expired.rows for expired in expire(lake, first_days, now=NOW)] == [0, 0]
    assert lake.read(ERASURES).height == 2


def test_a_file_that_lands_again_brings_no_expired_texts_back(lake):
    first_days = kept_from(RULES, NOW.date())
    expire(lake, first_days, now=NOW)
    land(lake, calls_of(DAY, 4), first_days=first_days)
    assert set(lake.read(CALL_TEXTS)["call_id"]) == {"c-3"}
    assert set(lake.read(LANDED_CALLS)["call_id"]) == {"c-1", "c-2", "c-3", "c-4"}


def test_a_late_file_leaves_a_day_that_lost_its_landed_rows_as_it_is(lake):
    rules = PrivacyRules(retention_days={"landed_calls": 2})
    first_days = kept_from(rules, NOW.date())
    before = lake.read(LANDED_DAYS, [DAY])
    expire(lake, first_days, now=NOW)
    file = log("late.jsonl", calls_of(DAY, 4) + calls_of(NEXT, 5))
    landing = land_new_files(lake, [file], options(now=NOW), first_days=first_days)
    assert list(landing.changed) == [NEXT]
    assert lake.read(LANDED_DAYS, [DAY]).equals(before)

    assert set(lake.read(CALL_TEXTS)["call_id"]) == {"c-1", "c-2", "c-3", "c-5"}


def test_a_day_that_lost_its_landed_rows_stays_closed_where_they_would_be_kept_by_now(lake):
    rules = PrivacyRules(retention_days={"landed_calls": 2})
    expire(lake, kept_from(rules, NOW.date()), now=NOW)
    assert lake.expired(LANDED_DAYS, DAY)
    assert not lake.expired(LANDED_DAYS, NEXT)
    before = lake.stored(LANDED_DAYS, DAY)
    file = log("late.jsonl", calls_of(DAY, 4) + calls_of(NEXT, 5))
    landing = land_new_files(lake, [file], options(now=NOW))
    assert list(landing.changed) == [NEXT]
    assert lake.stored(LANDED_DAYS, DAY) == before


def test_nothing_is_computed_from_rows_that_are_past_their_retention(lake):
    """Without the calls that a table reads, it would be empty."""
    key = dg.AssetKey("x")
    calls = DailyAsset(key, "llm_calls", {"landed_days": 1})
    scores = DailyAsset(key, "heuristic_scores", {"llm_calls": 1})
    graph = [calls, scores]

    def stale():
        return [asset.table for asset in stale_assets(lake, graph, DAY)]

    compute_calls(lake)
    assert stale() == ["heuristic_scores"]
    expire(lake, {"llm_calls": NEXT}, now=NOW)
    assert lake.expired(LLM_CALLS, DAY)
    assert stale() == []
    # A late file brings the calls again, and so what is made of them.
    land_new_files(lake, [log("late.jsonl", calls_of(DAY, 4))], options(now=NOW))
    assert stale() == ["llm_calls", "heuristic_scores"]
    compute_calls(lake)
    assert not lake.expired(LLM_CALLS, DAY)
    assert stale() == ["heuristic_scores"]
    expire(lake, {"landed_calls": NEXT}, now=NOW)
    lake.write(LLM_CALLS, LLM_CALLS.empty(), day=DAY)
    assert stale() == ["heuristic_scores"], "calls are kept as they are, and can still be read"


def compute_calls(lake):
    """The calls of the day, as a night makes them."""
    inputs = {"landed_days": {str(DAY): lake.stored(LANDED_DAYS, DAY).digest}}
    rows = calls_of_day(lake, DAY, lake.read(LANDED_DAYS, [DAY]).drop("day"), Features())
    lake.write(LLM_CALLS, rows, day=DAY, inputs=inputs)


def test_a_late_file_changes_a_day_that_lost_its_texts_alone(lake):
    first_days = kept_from(RULES, NOW.date())
    expire(lake, first_days, now=NOW)
    file = log("late.jsonl", calls_of(DAY, 4))
    landing = land_new_files(lake, [file], options(now=NOW), first_days=first_days)
    assert list(landing.changed) == [DAY]


def test_without_settings_everything_is_kept(lake):
    assert expire(lake, kept_from(PrivacyRules(), NOW.date()), now=NOW) == []
