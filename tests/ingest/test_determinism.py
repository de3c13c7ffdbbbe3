"""Equal input gives equal names, rows and bytes, however it is cut, packed or ordered."""

import gzip
import io
import os
import subprocess
import sys
from random import Random

import polars as pl
import pytest

from llmops_pipelines.ingest import LANDED_TABLES, LogFile
from tests.ingest.worlds import Lake, call, lines, log, options

RANDOM = Random(3)
STEP = {"kind": "step", "id": "s", "trace_id": "t", "step": "tool", "timestamp": "2026-11-12 08:00"}
RECORDS = [
    record
    for number in range(150)
    for record in (
        call(
            number, timestamp=f"2026-11-{10 + number // 40}T09:00:00Z", note="n" * (number * 7 % 90)
        ),
        *([{"id": f"bad-{number}"}] if number % 9 == 0 else []),
        *([""] if number % 11 == 0 else []),
        *([STEP] if number == 77 else []),
        *(["{cut"] if number % 13 == 0 else []),
    )
]
DATA = b"{leading garbage\n" + lines(*RECORDS)


def rows(lake):
    """All current rows, without the names of batches."""
    return {table.name: lake.rows(table).drop("batch") for table in LANDED_TABLES}


def trickling(data, size):
    """A handle that gives at most ``size`` bytes at a time."""

    class Trickle(io.BytesIO):
        def read(self, wanted=-1):
            return super().read(size if wanted < 0 else min(size, wanted))

    return LogFile("log.jsonl", len(data), 5, lambda _: Trickle(data))


def test_the_same_files_give_the_same_names_and_bytes(tmp_path):
    written = []
    for attempt in "ab":
        lake = Lake(options(batch_bytes=10_000))
        lake.land(log("log.jsonl", DATA), log("other.jsonl", DATA))
        written.append(lake.names)
        for (table, day, name), frame in lake.parts.items():
            path = tmp_path / attempt / f"{table}-{day}-{name}.parquet"
            path.parent.mkdir(exist_ok=True)
            frame.write_parquet(path)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / attempt).iterdir()}
        for attempt in "ab"
    )
    assert first == second
    assert written[0] == written[1]
    assert len(written[0]) > 3


def test_files_in_any_order_give_the_same_names():
    files = [log(f"{number}.jsonl", lines(call(number))) for number in range(5)]
    one, other = Lake(), Lake()
    one.land(*files)
    other.land(*reversed(files))
    assert one.names == other.names


def test_the_number_of_files_in_a_batch_changes_no_row():
    files = [log(f"{n}.jsonl", lines(call(n))) for n in range(5)]
    whole, parts = Lake(), Lake(options(batch_files=2))
    whole.land(*files)
    assert len(parts.land(*files)) == 3
    assert parts.rows().drop("batch").equals(whole.rows().drop("batch"))


@pytest.mark.parametrize("batch_bytes", [500, 5_000, 50_000])
def test_the_size_of_batches_changes_no_row(batch_bytes):
    whole, parts = Lake(), Lake(options(batch_bytes=batch_bytes))
    whole.land(log("log.jsonl", DATA))
    assert len(parts.land(log("log.jsonl", DATA))) > 1
    for name, frame in rows(whole).items():
        assert rows(parts)[name].equals(frame), name
    keep = pl.exclude("batch")
    assert parts.index.select(keep).equals(whole.index.select(keep))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_reads_changes_no_row(size):
    whole, trickled = Lake(), Lake()
    whole.land(log("log.jsonl", DATA))
    trickled.land(trickling(DATA, size))
    for name, frame in rows(whole).items():
        assert rows(trickled)[name].equals(frame), name


def test_packing_changes_no_row():
    plain, packed = Lake(), Lake()
    plain.land(log("log.jsonl", DATA))
    packed.land(log("log.jsonl", gzip.compress(DATA, mtime=0)))
    for name, frame in rows(plain).items():
        assert rows(packed)[name].equals(frame), name


def test_settings_that_shape_rows_shape_the_name():
    names = set()
    for changes in ({}, {"max_line_bytes": 5_000}, {"start": options().start.replace(day=2)}):
        lake = Lake(options(**changes))
        lake.land(log("log.jsonl", DATA))
        names.update(lake.names)
    assert len(names) == 3


PROGRAM = """
from tests.ingest.test_determinism import DATA
from tests.ingest.worlds import Lake, log
lake = Lake()
lake.land(log("log.jsonl", DATA))
print(lake.names, lake.rows().select("call_id", "started_at", "day").hash_rows().sum())
"""


def test_the_zone_of_the_host_changes_nothing():
    seen = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for zone in ("America/New_York", "Asia/Kolkata")
    }
    assert len(seen) == 1
