"""Many small ledger parts become one a day; no row is lost, doubled or brought back by it."""

import subprocess
import sys
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import FolderStore
from llmops_pipelines.orchestration.upkeep.compaction import compact_ledger
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER
from tests.judging.worlds import NOON

DAY = date(2026, 11, 10)


def verdict(number, key=None):
    return {
        "spec_id": "s", "item_digest": f"d-{number if key is None else key}", "repetition": 0,
        "metric": "groundedness", "call_id": f"c-{number}", "outcome": "scored", "score": 1.0,
        "reason": f"because of {number}", "attempts": 1, "cost": Decimal("0.01"),
        "library_versions": "{}", "scored_at": NOON,
    }  # fmt: skip


def append(lake, *rows, name):
    lake.append(JUDGE_LEDGER, pl.DataFrame(rows, schema=JUDGE_LEDGER.schema), name=name, day=DAY)


@pytest.fixture
def lake(tmp_path):
    lake = Lake(FolderStore(tmp_path))
    for number in range(5):
        append(lake, verdict(number), name=f"part-{number}")
    return lake


def reasons(lake):
    return sorted(lake.read(JUDGE_LEDGER, [DAY])["reason"].to_list())


def files(lake):
    return [entry.path for entry in lake.store.walk("judge_ledger")]


def texts_on_disk(lake):
    """What any part says, replaced or not."""
    parts = [pl.read_parquet(lake.store.uri(path), hive_partitioning=False) for path in files(lake)]
    return pl.concat(parts)["reason"].to_list()


FIVE = [f"because of {number}" for number in range(5)]


def test_a_day_becomes_one_part_and_its_old_parts_go_once_nobody_reads_them(lake):
    open_since_before = lake.scan(JUDGE_LEDGER, [DAY])
    assert compact_ledger(lake) == {"days": 1, "parts": 5, "deleted": 0}
    assert reasons(lake) == FIVE
    assert open_since_before.collect().height == 5
    assert len(files(lake)) == 6
    assert compact_ledger(lake, read_for_s=0) == {"days": 0, "parts": 0, "deleted": 5}
    assert len(files(lake)) == 1
    assert reasons(lake) == FIVE
    assert compact_ledger(lake, read_for_s=0) == {"days": 0, "parts": 0, "deleted": 0}


def test_verdicts_that_were_paid_twice_are_both_kept(lake):
    append(lake, verdict(9, key=1), name="part-9")
    compact_ledger(lake)
    assert lake.read(JUDGE_LEDGER)["item_digest"].to_list().count("d-1") == 2


def test_a_part_that_comes_meanwhile_is_left_alone_and_taken_the_next_time(lake, monkeypatch):
    create = FolderStore.create

    def and_another(store, path, content):
        monkeypatch.undo()
        append(lake, verdict(7), name="part-7")
        return create(store, path, content)

    monkeypatch.setattr(FolderStore, "create", and_another)
    compact_ledger(lake)
    assert reasons(lake) == [*FIVE, "because of 7"]
    assert compact_ledger(lake)["parts"] == 2
    compact_ledger(lake, read_for_s=0)
    assert len(files(lake)) == 1
    assert reasons(lake) == [*FIVE, "because of 7"]


def erase(rows):
    of_them = pl.col("call_id") == "c-3"
    changed = rows.with_columns(reason=pl.when(~of_them).then(pl.col("reason")))
    return changed, rows.filter(of_them).height


def test_what_is_erased_while_a_day_is_compacted_stays_erased(lake, monkeypatch):
    create = FolderStore.create

    def and_erase(store, path, content):
        monkeypatch.undo()
        assert lake.rewrite(JUDGE_LEDGER, erase, day=DAY) == 1
        return create(store, path, content)

    monkeypatch.setattr(FolderStore, "create", and_erase)
    compact_ledger(lake)
    assert "because of 3" not in str(lake.read(JUDGE_LEDGER)["reason"].to_list())
    compact_ledger(lake)
    assert len(files(lake)) == 6
    assert "because of 3" not in texts_on_disk(lake)


def test_erasing_reaches_replaced_parts_and_counts_each_row_once(lake):
    compact_ledger(lake)
    assert lake.rewrite(JUDGE_LEDGER, erase, day=DAY) == 1
    assert lake.read(JUDGE_LEDGER)["reason"].null_count() == 1
    assert len(files(lake)) == 6
    assert "because of 3" not in texts_on_disk(lake)


def test_a_day_that_expires_leaves_none_of_its_parts(lake):
    compact_ledger(lake)
    lake.expire(JUDGE_LEDGER, DAY)
    assert files(lake) == []


def test_other_tables_and_days_with_one_part_are_left_alone(tmp_path):
    lake = Lake(FolderStore(tmp_path))
    append(lake, verdict(1), name="part-1")
    lake.append(JUDGE_CALLS, JUDGE_CALLS.empty(), name="part-1", day=DAY)
    assert compact_ledger(lake) == {"days": 0, "parts": 0, "deleted": 0}


def test_a_kill_at_any_step_neither_loses_nor_doubles_a_row(lake, tmp_path):
    script = """
import os, signal, sys
from pathlib import Path
from llmops_pipelines.orchestration.upkeep.compaction import compact_ledger
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import FolderStore

step = getattr(FolderStore, sys.argv[2])
def then_die(*arguments):
    step(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(FolderStore, sys.argv[2], then_die)
compact_ledger(Lake(FolderStore(Path(sys.argv[1]))), read_for_s=0)
"""
    for step in ("_staged", "create", "delete", "delete"):
        died = subprocess.run([sys.executable, "-c", script, str(tmp_path), step], check=False)
        assert died.returncode == -9, step
        assert reasons(lake) == FIVE
    compact_ledger(lake, read_for_s=0)
    assert reasons(lake) == FIVE
    assert len(files(lake)) == 1
