"""Requests and traces that run past midnight, in whatever order the files of both days land."""

import itertools
import shutil
import subprocess
import sys
from datetime import date, timedelta
from functools import partial

import polars as pl
import pytest

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landing import calls_of_day, land_new_files
from llmops_pipelines.orchestration.landing.retention import expire
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import LANDED_CALLS, LANDED_DAYS, LATE_FEEDBACK
from tests.ingest.worlds import NOON, call, lines, options
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of

FAILED = {"response": None, "error": {"type": "timeout", "message": "too slow", "status": 504}}
ONE = timedelta(days=1)
ASKED = {"request": {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}}


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def land(folder: Folder, **changes):
    files = LogFolder(root=str(folder.root / "logs")).files()
    return land_new_files(folder.lake, files, options(), **changes)


def found(folder: Folder, *columns: str, dealing=ingest.dealt) -> list[tuple]:
    """Columns of all calls, as they would be computed now, in the order of their ids."""
    calls = [
        frame
        for day in folder.lake.days(LANDED_DAYS)
        for frame in calls_of_day(
            folder.lake, day, folder.lake.read(LANDED_DAYS, [day]), Features(), dealing
        )
    ]
    return pl.concat(calls).sort("call_id").select("call_id", *columns).rows()


def tried(number: int, day: date, time: str, **changes) -> bytes:
    """One attempt of the same request."""
    return lines(call(number, timestamp=f"{day}T{time}Z", **{"trace_id": "t"} | ASKED | changes))


RETRIED = {
    "evening.jsonl": tried(1, DAY, "23:59:40", **FAILED) + tried(2, DAY, "23:59:55", **FAILED),
    "morning.jsonl": tried(3, NEXT, "00:00:03", **FAILED) + tried(4, NEXT, "00:00:20"),
    "again.jsonl": tried(5, NEXT, "00:09:00") + calls_of(NEXT, 9),
}
CHAIN = [
    ("c-1", 1, None), ("c-2", 2, "c-1"), ("c-3", 3, "c-1"), ("c-4", 4, "c-1"), ("c-5", 1, None),
    ("c-9", 1, None),
]  # fmt: skip


@pytest.mark.parametrize("order", [*itertools.permutations(RETRIED)], ids="-".join)
def test_attempts_before_and_after_midnight_are_one_chain_whatever_landed_first(folder, order):
    for name in order:
        folder.log(name, RETRIED[name])
        land(folder)
    assert found(folder, "attempt", "retry_of") == CHAIN
    in_pieces = partial(ingest.dealt, held_whole=1, piece=1)
    assert found(folder, "attempt", "retry_of", dealing=in_pieces) == CHAIN
    assert land(folder).changed == {}


def test_a_source_that_counts_attempts_itself_is_believed_across_midnight(folder):
    folder.log("a.jsonl", tried(1, DAY, "23:30:00", attempt=1, **FAILED))
    folder.log(
        "b.jsonl", tried(2, NEXT, "00:01:00", attempt=2) + tried(3, NEXT, "00:02:00", attempt=1)
    )
    land(folder)
    assert found(folder, "attempt", "retry_of") == [
        ("c-1", 1, None), ("c-2", 2, "c-1"), ("c-3", 1, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "evening",
    [
        tried(1, DAY, "23:59:58"),
        tried(1, DAY, "23:52:00", **FAILED),
        tried(1, DAY, "23:59:58", **FAILED | {"request": call(7)["request"]}),
        tried(1, DAY, "23:59:58", **FAILED | {"trace_id": "u"}),
    ],
    ids=["it had succeeded", "it is long ago", "it is another request", "in another trace"],
)
def test_a_call_of_the_morning_is_a_request_of_its_own_where(folder, evening):
    folder.log("a.jsonl", evening)
    folder.log("b.jsonl", tried(2, NEXT, "00:05:00"))
    land(folder)
    assert found(folder, "attempt", "retry_of") == [("c-1", 1, None), ("c-2", 1, None)]


ROOT = {"user_id": "jo", "session_id": "s", "feature": "search", "team": "find"}
TRACE = {
    "root.jsonl": tried(1, DAY, "22:30:00", **ROOT),
    "child.jsonl": tried(2, NEXT, "00:20:00", parent_id="c-1", feature=None),
    "late.jsonl": tried(3, NEXT, "11:00:00", parent_id="c-1", session_id="own", feature=None),
    "other.jsonl": calls_of(NEXT, 9, feature=None),
}


@pytest.mark.parametrize("order", [*itertools.permutations(TRACE)], ids="-".join)
def test_the_calls_of_the_morning_are_those_of_whom_the_evening_named(folder, order):
    for name in order:
        folder.log(name, TRACE[name])
        land(folder)
    (jo,) = ingest.hidden(pl.Series(["jo"]), b"key")
    assert found(folder, "user_hash", "session_id", "feature", "team") == [
        ("c-1", jo, "s", "search", "find"),
        ("c-2", jo, "s", "search", "find"),
        ("c-3", jo, "own", "search", "find"),
        ("c-9", None, None, "unattributed", None),
    ]


DAYS = {
    "root.jsonl": tried(1, DAY, "14:30:00", **ROOT),
    "second.jsonl": tried(2, NEXT, "17:20:00", parent_id="c-1", feature=None),
    "third.jsonl": tried(3, NEXT + ONE, "11:00:00", parent_id="c-1", feature=None),
    "fourth.jsonl": tried(4, NEXT + 2 * ONE, "23:00:00", parent_id="c-1", feature=None),
}


@pytest.mark.parametrize("order", [*itertools.permutations(DAYS)], ids="-".join)
def test_a_trace_may_go_on_for_days(folder, order):
    for name in order:
        folder.log(name, DAYS[name])
        land(folder)
    (jo,) = ingest.hidden(pl.Series(["jo"]), b"key")
    known = found(folder, "user_hash", "session_id", "feature", "team")
    assert known == [(f"c-{n}", jo, "s", "search", "find") for n in range(1, 5)]
    assert land(folder).changed == {}
    folder.log("root.jsonl", tried(1, DAY, "14:30:00", **ROOT | {"feature": "other"}))
    land(folder)
    assert {feature for _, feature in found(folder, "feature")} == {"other"}


def test_a_step_may_be_the_root_of_the_evening(folder):
    step = {
        "kind": "step", "id": "s-1", "trace_id": "t", "step": "chain", "user_id": "jo",
        "timestamp": f"{DAY}T23:59:00Z",
    }  # fmt: skip
    folder.log("a.jsonl", lines(step))
    folder.log("b.jsonl", tried(2, NEXT, "00:00:05", parent_id="s-1"))
    land(folder)
    (jo,) = ingest.hidden(pl.Series(["jo"]), b"key")
    assert found(folder, "user_hash") == [("c-2", jo)]


def test_only_a_morning_that_goes_on_with_something_changes_with_its_evening(folder):
    folder.log("morning.jsonl", RETRIED["morning.jsonl"])
    folder.log("noon.jsonl", calls_of(DAY, 7))
    land(folder)
    folder.log("more.jsonl", calls_of(DAY, 8))
    assert set(land(folder).changed) == {DAY}
    folder.log("evening.jsonl", RETRIED["evening.jsonl"])
    assert set(land(folder).changed) == {DAY, NEXT}
    folder.log("evening.jsonl", calls_of(DAY, 6))
    assert set(land(folder).changed) == {DAY, NEXT}
    assert [row[1:] for row in found(folder, "attempt", "retry_of")][:2] == [(1, None), (2, "c-3")]


def test_one_id_for_everything_is_no_trace_that_goes_on(folder):
    many = (tried(n, DAY, "23:00:00", **ROOT) for n in range(1, ingest.LARGEST + 2))
    folder.log("a.jsonl", b"".join(many))
    folder.log("b.jsonl", tried(5000, NEXT, "00:00:05", feature=None))
    land(folder)
    assert dict(found(folder, "feature"))["c-5000"] == "unattributed"


def test_what_was_heard_of_a_day_stays_when_that_day_is_closed(folder):
    for name, content in TRACE.items():
        folder.log(name, content)
    land(folder)
    folder.lake.expire(LANDED_CALLS, DAY)
    folder.log("more.jsonl", calls_of(NEXT, 10))
    assert set(land(folder, first_days={LANDED_CALLS.name: NEXT}).changed) == {NEXT}
    assert dict(found(folder, "session_id")) | {"c-1": None} == {
        "c-1": None, "c-2": "s", "c-3": "own", "c-9": None, "c-10": None,
    }  # fmt: skip


def test_users_and_sessions_of_the_evening_leave_with_the_calls_of_the_morning(folder):
    for name, content in TRACE.items():
        folder.log(name, content)
    land(folder)
    said = folder.lake.read(LANDED_DAYS, [NEXT])["said_before"]
    assert said.list.len().sum() == 2, "of both files that go on"
    stored = folder.lake.stored(LANDED_DAYS, NEXT)
    expire(folder.lake, {LANDED_CALLS.name: date(2026, 11, 12)}, now=NOON)
    assert folder.lake.read(LANDED_DAYS, [NEXT])["said_before"].list.len().sum() == 0
    assert folder.lake.stored(LANDED_DAYS, NEXT) == stored, "nothing is computed anew for it"


def test_a_damaged_evening_says_what_it_said(folder):
    for name, content in TRACE.items():
        folder.log(name, content)
    land(folder)
    for part in folder.lake.store.walk(f"{LANDED_CALLS.name}/day={DAY}"):
        folder.lake.store.put(part.path, b"half a fi")
    folder.log("more.jsonl", calls_of(NEXT, 10))
    assert set(land(folder).changed) == {NEXT}
    said = folder.lake.read(LANDED_DAYS, [NEXT])["said_before"]
    assert said.list.len().sum() == 2, "of both files that go on"


def test_a_lake_of_an_earlier_release_has_its_midnights_looked_at_once(folder):
    for name, content in RETRIED.items():
        folder.log(name, content)
    land(folder)
    for day in (DAY, NEXT):
        rows = folder.lake.read(LANDED_DAYS, [day]).drop("day")
        none = (
            pl.lit([], rows.schema[name]).alias(name) for name in ("said_before", "tried_before")
        )
        folder.lake.write(LANDED_DAYS, rows.with_columns(none), day=day)
    shutil.rmtree(folder.root / "lake" / LATE_FEEDBACK.name)
    assert set(land(folder).changed) == {NEXT}
    assert found(folder, "attempt", "retry_of") == CHAIN


MANY = """
import io, re
import polars as pl
from datetime import date
from llmops_pipelines.orchestration.landing.midnights import with_neighbours
from llmops_pipelines.tables import LANDED_DAYS

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

lists = {name: dtype for name, dtype in LANDED_DAYS.schema.items() if isinstance(dtype, pl.List)}
files = pl.DataFrame({"source_file": [f"{n:06d}.json" for n in range(200_000)]}).with_columns(
    pl.lit("d").alias("digest"), pl.lit("b").alias("batch"),
    *(pl.lit([], dtype).alias(name) for name, dtype in lists.items()),
)
stored = io.BytesIO()
files.write_parquet(stored)
files = pl.read_parquet(stored.getvalue())
day, held = date(2026, 11, 10), peak()
told = with_neighbours(None, {day: files}, {day: files}, ())
assert told[day].equals(files)
print(peak() - held)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel")
def test_files_that_have_nothing_in_common_with_their_neighbours_take_no_memory():
    """A day may be a million objects of one record each."""
    child = [sys.executable, "-c", MANY]
    told = subprocess.run(child, capture_output=True, check=True, text=True).stdout
    assert int(told) < 100, "MB"
