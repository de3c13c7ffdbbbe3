"""Nights that go wrong: a damaged lake, judges that still owe verdicts, two nights at once."""

import html
import json
import subprocess
import sys
import time
from contextlib import redirect_stdout
from datetime import date, datetime, timedelta
from io import StringIO

import dagster as dg
import polars as pl
import pytest

from llmops_pipelines import ingest
from llmops_pipelines.cli.night import night
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.graph.daily import INPUTS_KEY
from llmops_pipelines.orchestration.graph.io_manager import TABLE_KEY
from llmops_pipelines.orchestration.graph.staleness import daily_assets, stale_assets
from llmops_pipelines.orchestration.landing.landing import log_index
from llmops_pipelines.orchestration.runs.nightly import NightlyRunner, open_instance
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.tables import (
    FEATURE_COSTS,
    JUDGE_SCORES,
    LANDED_CALLS,
    LANDED_DAYS,
    LLM_CALLS,
    NIGHTLY_REPORTS,
    RAGAS_SCORES,
    ROLLBACKS,
    RULE_EVALUATIONS,
    SAMPLED_TRACES,
    SERVICE_HEALTH,
    TABLES,
)
from tests.incidents.factories import evaluated, evaluations
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of
from tests.orchestration.processes import CHECKOUT, environment

LAST = NEXT + timedelta(days=1)
AFTERWARDS = "2026-11-13T06:00:00"


def digests(folder: Folder) -> dict[tuple[str, date], str]:
    """Content of every day of every table; reports also show the golden dataset as it is now."""
    lake = folder.lake
    return {
        (table.name, day): lake.stored(table, day).digest
        for table in TABLES.values()
        if table.partitioned and table is not NIGHTLY_REPORTS
        for day in lake.days(table)
    }


def told(folder: Folder, **settings) -> tuple[int, dict]:
    """Exit code and JSON of `llmops nightly --json`."""
    printed = StringIO()
    with redirect_stdout(printed):
        code = night(folder.at(**settings), None, None, as_json=True)
    return code, json.loads(printed.getvalue())


# A night after nights, over three small days; each test goes on where the one before stopped.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = {"now": AFTERWARDS, "sample_per_day": 1}
    folder = Folder(tmp_path_factory.mktemp("night") / "data", settings)
    for day, numbers in ((DAY, range(1, 5)), (NEXT, range(5, 9)), (LAST, range(9, 13))):
        folder.log(f"{day}.jsonl", calls_of(day, *numbers))
    return folder


@pytest.fixture(scope="module")
def done(folder):
    """The first night is over."""
    code, said = told(folder)
    assert (code, said["failures"]) == (0, [])
    assert set(said["computed"]) == {str(DAY), str(NEXT), str(LAST)}
    return folder


@pytest.mark.slow
def test_a_second_night_recomputes_nothing_with_a_judge_set_or_not(done):
    before = digests(done)
    assert told(done)[1]["computed"] == {}
    with_judge = {"judge_base_url": "http://127.0.0.1:9/v1", "judge_model": "m"}
    assert told(done, **with_judge)[1]["computed"] == {}
    assert digests(done) == before


@pytest.mark.slow
def test_what_a_stopped_night_owed_is_computed_by_the_next(tmp_path, monkeypatch):
    """No day is outdated by then: savings, books and warehouse stayed out until new logs came."""
    folder = Folder(tmp_path / "data", {"now": AFTERWARDS, "sample_per_day": 0})
    folder.log(f"{DAY}.jsonl", calls_of(DAY, 1))

    def stopped(*_names: str) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(NightlyRunner, "refresh", stopped)
        with pytest.raises(KeyboardInterrupt):
            folder.night()
    assert not (folder.root / "lake" / "warehouse.duckdb").exists()
    caught_up = folder.night()
    assert (caught_up.computed, caught_up.replayed, caught_up.failures) == ({}, True, [])
    assert (folder.root / "lake" / "warehouse.duckdb").exists()
    assert folder.night().replayed is False


@pytest.mark.slow
def test_the_page_tells_of_rollbacks_that_were_decided_after_it_was_made(tmp_path):
    settings = {"now": f"{NEXT}T06:00:00", "sample_per_day": 0}
    folder = Folder(tmp_path / "data", settings).with_reference()
    folder.log(f"{DAY}.jsonl", calls_of(DAY, 1))
    folder.night()
    breach = evaluated("critical", 0.2, rule="hallucination_rate", scope="support_assistant")
    folder.lake.write(RULE_EVALUATIONS, evaluations(breach), day=DAY)
    resources = resources_of(folder.at())
    with open_instance(folder.at().home) as instance:
        NightlyRunner(folder.definitions(), instance, lambda _: None).finish(resources)
    page = folder.lake.store.read(f"reports/{DAY}.html").decode()
    (reason,) = folder.lake.read(ROLLBACKS, [DAY])["reason"]
    assert "No rollback" in page
    assert reason in html.unescape(page)


@pytest.mark.slow
def test_a_damaged_partition_is_computed_anew(done):
    before = digests(done)
    for table in (FEATURE_COSTS, LANDED_DAYS):
        (done.root / f"lake/{table.name}/day={NEXT}/part.parquet").write_bytes(b"half a fi")
    code, said = told(done)
    assert (code, said["failures"]) == (0, [])
    assert set(said["computed"]) == {str(NEXT)}
    assert digests(done) == before


@pytest.mark.slow
def test_damaged_rows_fail_their_day_with_step_and_cause_and_other_days_go_on(done):
    (part,) = done.lake.store.walk(f"{LANDED_CALLS.name}/day={DAY}")
    rows = done.lake.store.read(part.path)
    done.lake.store.put(part.path, b"half a fi")
    done.log("late.jsonl", calls_of(DAY, 20) + calls_of(NEXT, 21))
    code, said = told(done)
    assert code == 1
    assert {failure["day"] for failure in said["failures"]} == {str(DAY)}
    causes = {failure["step"]: failure["error"] for failure in said["failures"]}
    assert part.path in causes["llm_calls"]
    assert "is no whole Parquet file; restore it, or delete it and run again" in causes["llm_calls"]
    assert done.lake.read(LLM_CALLS, [NEXT]).height == 5
    assert done.lake.read(LLM_CALLS, [DAY]).height == 4, "the old partition stands"
    code, said = told(done)
    assert (code, set(said["computed"])) == (1, {str(DAY)}), "it is tried again, and fails again"
    done.lake.store.put(part.path, rows)
    code, said = told(done)
    assert (code, said["failures"]) == (0, [])
    assert done.lake.read(LLM_CALLS, [DAY]).height == 5
    assert told(done)[1]["computed"] == {}


@pytest.mark.slow
def test_a_late_file_recomputes_its_day_and_only_windows_of_later_days(done):
    before = digests(done)
    done.log("later.jsonl", calls_of(NEXT, 30, latency_ms=9000.0))
    _, said = told(done)
    whole, window = said["computed"][str(NEXT)], said["computed"][str(LAST)]
    assert str(DAY) not in said["computed"]
    assert whole > 15 > window > 0
    changed = {key for key, digest in digests(done).items() if before.get(key) != digest}
    rows = {name for name, day in changed if day == LAST}
    assert rows <= {RULE_EVALUATIONS.name, "alerts", "prometheus_metrics"}
    assert not {key for key in changed if key[1] == DAY}


@pytest.mark.slow
def test_today_waits_for_its_end_before_it_is_sampled(done):
    today = date(2026, 11, 13)
    done.log("today.jsonl", calls_of(today, 40))
    assert told(done, now=f"{today}T12:00:00")[0] == 0
    assert done.lake.days(SERVICE_HEALTH)[-1] == today
    assert today not in done.lake.days(SAMPLED_TRACES)
    assert today not in done.lake.days(RULE_EVALUATIONS)
    assert told(done, now=f"{today}T13:00:00")[1]["computed"] == {}
    told(done, now="2026-11-14T01:00:00")
    assert done.lake.days(SAMPLED_TRACES)[-1] == today
    assert done.lake.days(NIGHTLY_REPORTS)[-1] == today


@pytest.mark.slow
def test_a_landing_that_fails_is_told_and_computed_days_stay(done):
    before = digests(done)
    (part, *_) = done.lake.store.walk("log_index")
    rows = done.lake.store.read(part.path)
    done.lake.store.put(part.path, b"half a fi")
    done.log("unread.jsonl", calls_of(DAY, 50))
    code, said = told(done, now="2026-11-14T02:00:00")
    assert code == 1
    (failure, *_) = said["failures"]
    assert (failure["day"], failure["step"]) == (None, "landing")
    assert part.path in failure["error"]
    assert digests(done) == before
    done.lake.store.put(part.path, rows)


@pytest.mark.slow
def test_two_nights_at_once_on_one_folder_corrupt_nothing(tmp_path):
    settings = {"now": "2026-11-12T06:00:00", "sample_per_day": 0}
    alone = Folder(tmp_path / "alone", settings)
    shared = Folder(tmp_path / "shared", settings, shared=True)
    for folder in (alone, shared):
        for number in range(1, 41):
            folder.log(f"{DAY}/{number}.jsonl", calls_of(DAY, number))
    assert told(alone)[0] == 0
    command = [sys.executable, "-m", "llmops_pipelines.cli", "--data", str(shared.root)]
    env = environment(
        DAGSTER_HOME=None,
        LLMOPS_NOW="2026-11-12T06:00:00",
        LLMOPS_SAMPLE_PER_DAY="0",
        LLMOPS_START="2026-11-01",
        LLMOPS_USER_HASH_KEY="k",
    )
    other = subprocess.Popen(
        [*command, "nightly", "--json"], cwd=CHECKOUT, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    # The other night has begun, and not yet landed what this one is about to land too.
    while not (shared.root / ".dagster" / "nightly.lock").exists():
        assert other.poll() is None
        time.sleep(0.05)
    code, said = told(shared)
    out, err = other.communicate(timeout=500)
    for ended, failures in (
        (code, said["failures"]),
        (other.returncode, json.loads(out)["failures"]),
    ):
        assert (ended, failures) == (0, []), err
    assert digests(shared) == digests(alone)
    assert log_index(shared.lake).height == 40
    assert ingest.unaccounted_files(log_index(shared.lake)).is_empty()
    assert told(shared)[1]["computed"] == {}


# Judges that owe verdicts


def verdict(outcome: str) -> dict[str, object]:
    return {
        "spec_id": "s",
        "item_digest": "d",
        "repetition": 0,
        "metric": "groundedness",
        "call_id": "c-1",
        "outcome": outcome,
        "attempts": 1,
        "library_versions": "{}",
        "scored_at": datetime.fromisoformat("2026-11-12T06:00:00"),
    }


@pytest.mark.parametrize("table", [JUDGE_SCORES, RAGAS_SCORES])
@pytest.mark.parametrize(
    ("outcome", "judging", "stale"),
    [
        ("failed", True, True),
        ("over_budget", True, True),
        ("failed", False, False),
        ("over_policy", True, False),
        ("unreadable", True, False),
        ("scored", True, False),
    ],
)
def test_owed_verdicts_are_asked_for_again_only_while_there_is_a_judge(
    tmp_path, table, outcome, judging, stale
):
    lake = Folder(tmp_path).lake
    lake.write(table, pl.DataFrame([verdict(outcome)], schema=table.schema), day=DAY)
    spec = dg.AssetSpec(table.name, metadata={TABLE_KEY: table.name, INPUTS_KEY: {}})
    found = stale_assets(lake, daily_assets([spec]), DAY, judging=judging)
    assert bool(found) is stale


def test_a_damaged_file_is_named_with_the_remedy(tmp_path):
    lake = Folder(tmp_path).lake
    lake.store.put(f"landed_days/day={DAY}/part.parquet", b"half a fi")
    with pytest.raises(LakeError, match=r"part\.parquet: is no whole Parquet file; restore it"):
        lake.read(LANDED_DAYS, [DAY])
    assert lake.stored(LANDED_DAYS, DAY) is None


def test_a_strangers_file_is_named_with_the_remedy(tmp_path):
    lake = Folder(tmp_path).lake
    file = tmp_path / f"lake/landed_days/day={DAY}/part.parquet"
    file.parent.mkdir(parents=True)
    LANDED_DAYS.empty().write_parquet(file)
    with pytest.raises(LakeError, match="was not written by llmops-pipelines"):
        lake.read(LANDED_DAYS, [DAY])
