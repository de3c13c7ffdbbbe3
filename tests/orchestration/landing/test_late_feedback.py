"""Feedback on calls of other days, in whatever order files land; and what a night makes of it."""

import itertools
import shutil
from contextlib import suppress
from datetime import date, timedelta

import polars as pl
import pytest

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.graph.staleness import daily_assets, stale_assets
from llmops_pipelines.orchestration.landing.landing import land_new_files
from llmops_pipelines.orchestration.landing.late_feedback import feedback_of_day
from llmops_pipelines.orchestration.runs.nightly import APART
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.upkeep.forgetting import forget
from llmops_pipelines.tables import (
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_FEEDBACK,
    LATE_FEEDBACK,
    SERVICE_HEALTH,
    UNIT_COSTS,
)
from tests.ingest.worlds import NOON, lines, options
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of
from tests.orchestration.landing.test_landing import CrashError, DyingLake

THIRD, TENTH = NEXT + timedelta(days=1), DAY + timedelta(days=10)


def remark(name: str, given_on: date, rating: int = 5, **names: str) -> dict:
    return {
        "kind": "feedback", "id": name, "timestamp": f"{given_on}T22:00:00Z", "rating": rating,
        **names,
    }  # fmt: skip


def land(folder: Folder, lake: Lake | None = None, **changes):
    files = LogFolder(root=str(folder.root / "logs")).files()
    return land_new_files(lake or folder.lake, files, options(), **changes)


def counted(folder: Folder, said: str = "rating") -> dict[date, list[tuple]]:
    """Feedback with what it ``said`` by day, as they would be computed now."""
    found = {}
    for day in folder.lake.days(LANDED_DAYS):
        files, late = (folder.lake.read(table, [day]) for table in (LANDED_DAYS, LATE_FEEDBACK))
        rows = ingest.feedback(feedback_of_day(folder.lake, day, files, late))
        if rows.height:
            found[day] = rows.select("feedback_id", said).rows()
    return found


FILES = {
    "a.jsonl": calls_of(DAY, 1, 2),
    "b.jsonl": calls_of(NEXT, 3),
    "said.jsonl": lines(
        remark("f-1", DAY, call_id="c-1"),
        remark("f-2", NEXT, call_id="c-2"),
        remark("f-3", NEXT, call_id="nobody"),
        remark("f-4", DAY, call_id="c-3"),
    ),
    "later.jsonl": lines(
        remark("f-5", TENTH, call_id="c-1"), remark("f-2", THIRD, 1, call_id="c-2")
    ),
}
"""Two days of calls; what people said on the same evening, on the next one, and ten days later."""

TRUTH = {
    DAY: [("f-1", 5.0), ("f-2", 1.0), ("f-5", 5.0)],
    NEXT: [("f-3", 5.0), ("f-4", 5.0)],
}


@pytest.mark.parametrize("order", [*itertools.permutations(FILES)], ids="-".join)
def test_feedback_counts_on_the_day_of_its_call_whatever_landed_first(tmp_path, order):
    folder = Folder(tmp_path)
    for name in order:
        folder.log(name, FILES[name])
        land(folder)
    assert counted(folder) == TRUTH
    again = land(folder)
    assert (again.changed, again.late_feedback) == ({}, {})


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    for name, content in FILES.items():
        folder.log(name, content)
    land(folder)
    return folder


def test_a_later_remark_touches_the_feedback_of_two_days_and_no_other_table(folder):
    folder.log("more.jsonl", lines(remark("f-6", TENTH, call_id="c-3")))
    landing = land(folder)
    assert set(landing.changed) == {TENTH}
    assert set(landing.late_feedback) == {NEXT, TENTH}
    assert counted(folder)[NEXT] == [*TRUTH[NEXT], ("f-6", 5.0)]


def test_the_same_file_under_two_names_counts_once(folder):
    folder.log("copy.jsonl", FILES["later.jsonl"])
    land(folder)
    assert counted(folder) == TRUTH


def test_feedback_goes_back_to_its_own_day_when_its_call_is_taken_out(folder):
    folder.log("a.jsonl", calls_of(TENTH, 2))
    land(folder)
    assert counted(folder) == {
        DAY: [("f-1", 5.0)],
        NEXT: [("f-2", 5.0), ("f-3", 5.0), ("f-4", 5.0)],
        THIRD: [("f-2", 1.0)],
        TENTH: [("f-5", 5.0)],
    }
    folder.log("a.jsonl", FILES["a.jsonl"])
    land(folder)
    assert counted(folder) == TRUTH


def test_feedback_that_is_corrected_or_withdrawn_leaves_the_other_day(folder):
    folder.log("later.jsonl", lines(remark("f-5", TENTH, 2, call_id="c-3")))
    land(folder)
    assert counted(folder) == {
        DAY: [("f-1", 5.0), ("f-2", 5.0)],
        NEXT: [*TRUTH[NEXT], ("f-5", 2.0)],
    }


def test_what_counts_on_a_day_past_its_retention_is_not_counted_a_second_time(folder):
    for table in (LANDED_CALLS, LANDED_FEEDBACK):
        folder.lake.expire(table, DAY)
    before = folder.lake.stored(LATE_FEEDBACK, DAY)
    folder.log("later.jsonl", FILES["later.jsonl"] + calls_of(TENTH, 9))
    landing = land(folder, first_days={LANDED_CALLS.name: NEXT})
    assert DAY not in landing.late_feedback
    assert folder.lake.stored(LATE_FEEDBACK, DAY) == before
    assert counted(folder).keys() & {THIRD, TENTH} == set()


def test_whoever_is_forgotten_keeps_the_ratings_of_later_days_without_their_words(tmp_path):
    folder = Folder(tmp_path)
    folder.log("a.jsonl", calls_of(DAY, 1, user_id="jo"))
    folder.log("said.jsonl", lines(remark("f-1", NEXT, 1, call_id="c-1", comment="It is late")))
    land(folder)
    (jo,) = ingest.hidden(pl.Series(["jo"]), b"key")
    subjects = ingest.Subjects(frozenset([jo]), frozenset(), frozenset())
    forget(folder.lake, tmp_path / "golden", subjects, command="test", now=NOON)
    said = lines(remark("f-2", TENTH, 2, call_id="c-1", comment="It is late"))
    folder.log("later.jsonl", said + calls_of(TENTH, 9))
    land(folder)
    assert counted(folder, "comment") == {DAY: [("f-1", None), ("f-2", None)]}
    assert counted(folder) == {DAY: [("f-1", 1.0), ("f-2", 2.0)]}


@pytest.mark.parametrize("table", [LANDED_CALLS, LANDED_FEEDBACK])
def test_what_counts_on_a_damaged_day_or_comes_from_one_stays_there(folder, table):
    days = {LANDED_CALLS: DAY, LANDED_FEEDBACK: TENTH}
    parts = {
        part.path: folder.lake.store.read(part.path)
        for part in folder.lake.store.walk(f"{table.name}/day={days[table]}")
    }
    for path in parts:
        folder.lake.store.put(path, b"half a fi")
    folder.log("more.jsonl", calls_of(DAY, 7) + calls_of(TENTH, 8))
    assert set(land(folder).changed) == {DAY, TENTH}
    for path, content in parts.items():
        folder.lake.store.put(path, content)
    assert counted(folder) == TRUTH


def test_a_lake_of_an_earlier_release_is_looked_through_once(folder):
    shutil.rmtree(folder.root / "lake" / LATE_FEEDBACK.name)
    landing = land(folder)
    assert landing.changed == {}
    assert set(landing.late_feedback) == set(folder.lake.days(LANDED_DAYS))
    assert counted(folder) == TRUTH
    assert land(folder).late_feedback == {}


def test_a_landing_that_died_anywhere_is_taken_up_and_reported(tmp_path):
    for survives in itertools.count():
        folder, told = Folder(tmp_path / str(survives)), set()
        folder.log("a.jsonl", FILES["a.jsonl"] + FILES["b.jsonl"])
        land(folder)
        folder.log("later.jsonl", FILES["later.jsonl"])
        dying = DyingLake(folder.lake.store, survives)
        with suppress(CrashError):
            land(folder, lake=dying)
            break
        land(
            folder, report=lambda table, days, told=told: told.update((table, day) for day in days)
        )
        assert counted(folder) == {DAY: TRUTH[DAY][1:]}
        assert told >= {(LATE_FEEDBACK, day) for day in (DAY, THIRD, TENTH)}
    assert survives == 8, "feedback of two days, the index, both days' files, three days' feedback"


@pytest.mark.slow
def test_a_night_computes_of_an_earlier_day_what_rests_on_its_feedback(tmp_path):
    folder = Folder(tmp_path, {"sample_per_day": 1})
    folder.log("a.jsonl", FILES["a.jsonl"])
    assert folder.night(now=f"{NEXT}T06:00:00").failures == []
    folder.log("b.jsonl", FILES["b.jsonl"] + lines(remark("f-2", NEXT, 5, call_id="c-2")))
    assert folder.run("land_job", now=f"{THIRD}T06:00:00").success
    daily = daily_assets(folder.definitions().resolve_all_asset_specs())
    stale = {asset.table for asset in stale_assets(folder.lake, daily, DAY)} - set(APART)
    assert stale == {
        "feedback", "service_health", "unit_costs", "golden_candidates", "rule_evaluations",
        "alerts", "nightly_report", "prometheus_metrics",
    }  # fmt: skip
    night = folder.night(now=f"{THIRD}T06:00:00")
    assert (night.failures, night.computed[DAY]) == ([], len(stale))
    units = folder.lake.read(UNIT_COSTS, [DAY]).filter(feature="support")
    assert units.select("answers", "rated_answers", "accepted_answers").row(0) == (2, 1, 1)
    csat = folder.lake.read(SERVICE_HEALTH).filter(pl.col("n") > 0, metric="csat", model="*")
    assert sorted(csat.select("day", "feature", "n").rows()) == [(DAY, "*", 1), (DAY, "support", 1)]
    assert folder.night(now=f"{THIRD}T06:00:00").computed == {}
