"""Several processes judge at once, or are killed: caps hold, no row is lost, nothing is hidden."""

import random
import subprocess
import sys
import time
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.judging import LEDGER_KEY, evaluation_costs, judge_specs, verdicts_of
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER
from tests.adapters.judging_process import DAY, SPECS, judge_items, lake_in
from tests.judge_stub import JudgeStub
from tests.judging.worlds import item_frame

ITEMS = 40


def start(folder, url, run, usd="20", items=ITEMS):
    module = "tests.adapters.judging_process"
    return subprocess.Popen([sys.executable, "-m", module, folder, url, str(items), run, usd])


def kept(folder):
    lake = lake_in(folder)
    return lake.read(JUDGE_CALLS, [DAY]), lake.read(JUDGE_LEDGER, [DAY])


def spend(folder):
    calls, ledger = (rows.drop("day") for rows in kept(folder))
    items = item_frame(*(f"Refund {number} takes five days." for number in range(ITEMS)))
    verdicts = verdicts_of(items, ledger, SPECS)
    return evaluation_costs(calls.lazy(), verdicts.lazy(), judge_specs(SPECS)).row(0, named=True)


@pytest.mark.slow
def test_two_processes_on_one_day_keep_the_cap_lose_no_row_and_own_up_to_what_they_paid_twice(
    tmp_path,
):
    with JudgeStub(latency_ms=40) as stub:
        both = [start(tmp_path, stub.base_url, run, usd="0.30") for run in ("run-1", "run-2")]
        assert [process.wait(120) for process in both] == [0, 0]
        calls, ledger = kept(tmp_path)
        assert stub.calls == calls.height
        # A request needs three cents of room and costs one: the last is sent at 27 cents or less.
        assert 26 <= stub.calls <= 30
        assert calls["cost"].sum() == stub.calls * Decimal("0.01") <= Decimal("0.30")
        assert stub.most_in_flight <= 8
        distinct = ledger.unique(LEDGER_KEY).height
        assert ledger.height == stub.calls
        assert spend(tmp_path)["paid_twice"] == stub.calls - distinct
        judge_items(tmp_path, stub.base_url, ITEMS, "run-3", "20")
    found = spend(tmp_path)
    assert found["verdicts"] == ITEMS
    assert found["calls"] == ITEMS + found["paid_twice"] == stub.calls
    assert found["cost"] == stub.calls * Decimal("0.01")
    assert (found["paid_twice_cost"] or 0) == found["paid_twice"] * Decimal("0.01")


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_scores_every_item_once(tmp_path):
    draws = random.Random(3)
    items, kills = 100, 2
    with JudgeStub(latency_ms=100) as stub:
        for number in range(kills):
            before = stub.calls
            process = start(tmp_path, stub.base_url, f"run-{number}", items=items)
            while stub.calls == before:
                time.sleep(0.01)
            time.sleep(draws.uniform(0.05, 0.5))
            process.kill()
            process.wait()
        judge_items(tmp_path, stub.base_url, items, "run-last", "20")
        again = stub.calls - items
    calls, ledger = kept(tmp_path)
    assert ledger.select(pl.struct(LEDGER_KEY).is_unique().all()).item()
    assert ledger.height == items
    # Of each killed run: what was in flight, and at most one window that was not yet written.
    assert again <= kills * (8 + 5)
    assert calls.height <= stub.calls
