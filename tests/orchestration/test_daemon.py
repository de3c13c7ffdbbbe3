"""The real daemon over a real folder: a late file changes exactly its day."""

import time
from datetime import date

import dagster as dg
import pytest

from llmops_pipelines.orchestration.runs.nightly import open_instance
from llmops_pipelines.sample_company import write_sample_logs
from llmops_pipelines.tables import LLM_CALLS
from tests.orchestration.folders import Folder, calls_of
from tests.orchestration.processes import Process, command, environment

DAYS = [date(2026, 11, 21), date(2026, 11, 22)]
NOW = "2026-11-23T06:00:00"

pytestmark = pytest.mark.slow


def rows(folder: Folder, day: date) -> int:
    return folder.lake.read(LLM_CALLS, [day]).height


def files(folder: Folder, day: date) -> dict[str, bytes]:
    """Every table's file of one day."""
    return {
        entry.path: folder.lake.store.read(entry.path)
        for entry in folder.lake.store.walk("")
        if f"/day={day}/" in entry.path
    }


def has_ticked(instance: dg.DagsterInstance, sensor: str) -> bool:
    return any(
        state.name == sensor and state.instigator_data.last_tick_timestamp is not None
        for state in instance.all_instigator_state()
    )


def days_of(instance: dg.DagsterInstance, asset: str, since: float) -> list[str]:
    """Days for which ``asset`` was computed since then, in order."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), after_timestamp=since)
    found = instance.fetch_materializations(wanted, limit=99).records
    return [str(record.partition_key) for record in reversed(found)]


@pytest.mark.timeout(400)
def test_a_late_file_dropped_into_the_folder_changes_exactly_its_day(tmp_path):
    folder = Folder(tmp_path / "data", {"now": NOW, "sample_per_day": 0}, shared=True)
    folder.with_reference()
    write_sample_logs(
        folder.root / "logs", days=2, end=DAYS[-1], calls_per_day=30, seed=7,
        truth=tmp_path / "truth.json",
    )  # fmt: skip
    assert folder.night().failures == []
    home = folder.root / ".dagster"
    before, other = rows(folder, DAYS[0]), files(folder, DAYS[1])
    env = environment(
        DAGSTER_HOME=str(home),
        LLMOPS_DATA=str(folder.root),
        LLMOPS_NOW=NOW,
        LLMOPS_START="2026-11-01",
        LLMOPS_LANDING_SECONDS="5",
        LLMOPS_SAMPLE_PER_DAY="0",
        LLMOPS_USER_HASH_KEY="k",
    )
    daemon = Process(
        [command("dagster-daemon"), "run", "-w", "workspace.yaml"],
        log=tmp_path / "daemon.log", env=env,
    )  # fmt: skip
    with daemon, open_instance(home) as instance:
        daemon.until(lambda: has_ticked(instance, "automation_sensor"), 60)
        dropped = time.time()
        folder.log("from/the/archive.jsonl", calls_of(DAYS[0], 1, 2, 3))
        daemon.until(lambda: rows(folder, DAYS[0]) == before + 3, 150)
        # The rows can be seen a moment before the event that tells of them.
        daemon.until(lambda: days_of(instance, "llm_calls", dropped) != [], 30)
        assert days_of(instance, "landed_days", dropped) == [str(DAYS[0])]
        assert days_of(instance, "llm_calls", dropped) == [str(DAYS[0])]
    for path, content in files(folder, DAYS[1]).items():
        assert content == other[path], path
