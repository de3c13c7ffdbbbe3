"""The lake: atomic replacement, parts, schema versions, hostile content, object stores."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from llmops_pipelines.orchestration.storage.lake import Lake, LakeError, last_days
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import DELIVERIES, LANDED_DAYS, PRICE_BOOK, Column, TableError
from tests.orchestration.worlds import FIRST, SECOND, THIRD, landed

KILLED_WRITER = """
import sys
from datetime import date
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from tests.orchestration.worlds import landed
lake = Lake(open_store(sys.argv[1]))
print("writing", flush=True)
while True:
    lake.write(
        __import__("llmops_pipelines.tables", fromlist=["LANDED_DAYS"]).LANDED_DAYS,
        landed(**{f"file{i}": "new" for i in range(20_000)}),
        day=date(2026, 11, 1),
    )
"""


@pytest.fixture(params=["folder", "s3"])
def lake(request, tmp_path):
    if request.param == "folder":
        return Lake(open_store(str(tmp_path / "lake")))
    options = request.getfixturevalue("s3")
    return Lake(open_store(f"s3://lake/{tmp_path.name}", options))


def delivery(key: str) -> pl.DataFrame:
    return pl.DataFrame(
        [{"alert_key": key, "outcome": "delivered", "detail": "200", "sent_at": None}],
        schema=DELIVERIES.schema,
    ).with_columns(sent_at=pl.lit("2026-11-01").str.to_datetime(time_unit="us"))


def test_what_was_written_is_read_back_with_its_day(lake):
    lake.write(LANDED_DAYS, landed(b="2", a="1"), day=FIRST)
    rows = lake.read(LANDED_DAYS).select("source_file", "digest", "day").rows()
    assert rows == [("a", "1", FIRST), ("b", "2", FIRST)]


def test_a_partition_is_replaced_and_others_stay(lake):
    lake.write(LANDED_DAYS, landed(a="1"), day=FIRST)
    lake.write(LANDED_DAYS, landed(b="1"), day=SECOND)
    lake.write(LANDED_DAYS, landed(c="1"), day=FIRST)
    assert lake.read(LANDED_DAYS).sort("day")["source_file"].to_list() == ["c", "b"]
    assert lake.days(LANDED_DAYS) == [FIRST, SECOND]


def test_a_quiet_day_keeps_the_schema(lake):
    lake.write(LANDED_DAYS, LANDED_DAYS.empty(), day=FIRST)
    assert lake.read(LANDED_DAYS, [FIRST]).drop("day").schema == LANDED_DAYS.schema
    assert lake.stored(LANDED_DAYS, FIRST) is not None


def test_days_without_a_partition_add_no_rows(lake):
    lake.write(LANDED_DAYS, landed(a="1"), day=SECOND)
    assert lake.before(LANDED_DAYS, THIRD, 5).height == 1
    assert lake.read(LANDED_DAYS, last_days(FIRST, 5)).height == 0


def test_a_part_is_created_once_and_never_overwritten(lake):
    assert lake.append(DELIVERIES, delivery("first"), name="p", day=FIRST)
    assert not lake.append(DELIVERIES, delivery("second"), name="p", day=FIRST)
    assert lake.append(DELIVERIES, delivery("third"), name="q", day=FIRST)
    assert sorted(lake.read(DELIVERIES)["alert_key"]) == ["first", "third"]


def test_a_part_that_is_named_by_what_it_is_made_of_takes_that_for_its_digest(lake):
    lake.append(DELIVERIES, delivery("first"), name="p", day=FIRST, digest="made-of-this")
    assert lake.stored(DELIVERIES, FIRST).digest == "made-of-this"


def test_a_table_without_days_is_one_file(lake):
    lake.write(PRICE_BOOK, PRICE_BOOK.empty())
    assert lake.read(PRICE_BOOK).schema == PRICE_BOOK.schema


def test_what_it_was_computed_from_is_kept_in_the_file(lake):
    inputs = {"landed_days": {"2026-11-01": "abc"}}
    digest = lake.write(LANDED_DAYS, landed(a="1"), day=FIRST, inputs=inputs)
    assert lake.stored(LANDED_DAYS, FIRST) == (digest, inputs)
    assert lake.stored(LANDED_DAYS, SECOND) is None


def test_a_clock_is_not_content(lake):
    early = delivery("a")
    late = early.with_columns(pl.col("sent_at").dt.offset_by("1h"))
    assert lake.write(DELIVERIES, early, day=FIRST) == lake.write(DELIVERIES, late, day=FIRST)


def test_the_order_of_rows_is_not_content(lake):
    assert lake.write(LANDED_DAYS, landed(a="1", b="2"), day=FIRST) == lake.write(
        LANDED_DAYS, landed(b="2", a="1"), day=SECOND
    )


def test_a_file_of_a_newer_release_is_refused_with_the_remedy(lake):
    lake.write(replace(LANDED_DAYS, version=4), landed(a="1"), day=FIRST)
    with pytest.raises(LakeError, match=r"version 4 of landed_days.*knows 3; upgrade"):
        lake.read(LANDED_DAYS)


def test_an_older_file_gets_nulls_for_the_columns_it_lacks(lake):
    lake.write(LANDED_DAYS, landed(a="1"), day=FIRST)
    newer = replace(
        LANDED_DAYS,
        version=4,
        columns=(*LANDED_DAYS.columns, Column("size", pl.Int64, "Bytes.", nullable=True)),
    )
    assert lake.read(newer)["size"].to_list() == [None]


def test_a_daily_table_wants_its_day_and_another_refuses_one(lake):
    with pytest.raises(ValueError, match="landed_days: give the day"):
        lake.write(LANDED_DAYS, landed(a="1"))
    with pytest.raises(ValueError, match="price_book: has no days"):
        lake.write(PRICE_BOOK, PRICE_BOOK.empty(), day=FIRST)


def test_a_frame_of_another_shape_names_every_fault(lake):
    bad = landed(a="1").with_columns(digest=pl.lit(3)).drop("batch")
    with pytest.raises(TableError, match=r"2 problem\(s\) in 1 rows") as error:
        lake.write(LANDED_DAYS, bad, day=FIRST)
    assert "digest: is Int32, expected String" in str(error.value)


def test_files_outside_the_lake_root_are_not_listed(lake):
    assert lake.days(LANDED_DAYS) == []
    assert list(lake.store.walk("nowhere")) == []
    assert lake.store.read("nowhere/file") is None


def test_an_object_can_be_streamed_and_deleted(lake):
    lake.store.put("notes/a.txt", b"one\ntwo\n")
    with lake.store.open("notes/a.txt") as file:
        assert file.read(4) == b"one\n"
    lake.store.delete("notes/a.txt")
    lake.store.delete("notes/a.txt")
    assert lake.store.read("notes/a.txt") is None


def test_a_root_of_an_unknown_kind_is_refused():
    with pytest.raises(Exception, match=r"(?i)gopher|scheme|url"):
        open_store("gopher://lake")


@pytest.mark.slow
def test_sigkill_in_the_middle_of_a_write_leaves_the_old_partition_readable(tmp_path):
    root = str(tmp_path / "lake")
    lake = Lake(open_store(root))
    lake.write(LANDED_DAYS, landed(old="1"), day=FIRST)
    old = lake.store.read(f"landed_days/day={FIRST}/part.parquet")
    for attempt in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, root], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "writing\n"
        time.sleep(0.004 * attempt)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        rows = lake.read(LANDED_DAYS, [FIRST])
        assert rows.height in (1, 20_000)
        if rows.height == 1:
            assert lake.store.read(f"landed_days/day={FIRST}/part.parquet") == old


def test_leftovers_of_a_killed_write_are_not_read(tmp_path):
    lake = Lake(open_store(str(tmp_path)))
    lake.write(LANDED_DAYS, landed(a="1"), day=FIRST)
    (tmp_path / f"landed_days/day={FIRST}/.writing-abc").write_bytes(b"half a file")
    assert lake.read(LANDED_DAYS).height == 1


def test_last_days_are_oldest_first():
    assert last_days(date(2026, 3, 1), 2) == [date(2026, 2, 28), date(2026, 3, 1)]


def test_a_partition_in_frames_is_read_back_like_one_frame(lake):
    one, other, inputs = landed(a="1", b="2"), landed(c="3"), {"x": {"y": "z"}}
    lake.write(LANDED_DAYS, pl.concat([one, other]), day=FIRST)
    written = lake.read(LANDED_DAYS)
    digest = lake.write(LANDED_DAYS, iter([one, other]), day=FIRST, inputs=inputs)
    assert lake.read(LANDED_DAYS).equals(written)
    assert lake.stored(LANDED_DAYS, FIRST) == (digest, inputs)
    assert lake.write(LANDED_DAYS, iter([one, landed(c="4")]), day=FIRST) != digest


def test_a_frame_that_cannot_be_made_leaves_the_old_partition(lake):
    def frames():
        yield landed(b="2")
        raise ValueError("no more")

    lake.write(LANDED_DAYS, landed(a="1"), day=FIRST)
    with pytest.raises(ValueError, match="no more"):
        lake.write(LANDED_DAYS, frames(), day=FIRST)
    assert lake.read(LANDED_DAYS)["source_file"].to_list() == ["a"]


def test_every_part_of_a_day_can_be_read_by_itself(lake):
    for name in ("one", "two"):
        lake.append(DELIVERIES, delivery(name), name=name, day=FIRST)
    parts = [part.collect()["alert_key"].to_list() for part in lake.parts(DELIVERIES, FIRST)]
    assert parts == [["one"], ["two"]]
