"""A line that could not be read is counted on the day it most likely belongs to."""

import pytest

from llmops_pipelines.tables import LANDED_REJECTIONS
from tests.ingest.worlds import call, landed, lines, log

DAY = 86_400 * 10**9


def at(day, number=1):
    return call(number, timestamp=f"2026-11-{day:02d}T10:00:00Z")


def days(data, path="log.jsonl", **changes):
    """Line and day of the month of each rejection."""
    lake = landed(log(path, data, modified_ns=changes.pop("modified_ns", 0)), **changes)
    rows = lake.rows(LANDED_REJECTIONS).select("source_line", "day").rows()
    return [(line, day.day) for line, day in rows]


def test_its_own_time_comes_first():
    assert days(lines(at(10), call(2, timestamp="2026-11-12T10:00:00Z", latency_ms=-1))) == [
        (2, 12)
    ]


def test_then_the_line_above_then_the_line_below():
    data = lines("{", at(10), "{", at(12), "{", "{", at(14))
    assert days(data) == [(1, 10), (3, 10), (5, 12), (6, 12)]


@pytest.mark.parametrize("batch_bytes", [1, 400, 10**9])
def test_neighbours_are_found_across_parts(batch_bytes):
    data = lines("{", "{", at(10), at(11), "{", "{", at(12), "{")
    assert days(data, batch_bytes=batch_bytes) == [(1, 10), (2, 10), (5, 11), (6, 11), (8, 12)]


def test_a_time_out_of_range_is_not_believed():
    assert days(lines(at(10), call(2, timestamp="2019-11-12T10:00:00Z"))) == [(2, 10)]


@pytest.mark.parametrize(
    "path", ["2026-11-05.jsonl", "2026/11/05/app.log", "app_20261105.gz", "x/2026_11_05_1.json"]
)
def test_without_neighbours_the_path_tells(path):
    assert days(lines("{"), path=path) == [(0, 5)]


def test_a_date_in_the_path_outside_the_lake_is_passed_over():
    assert days(lines("{"), path="2019-01-01/2026-11-06.jsonl") == [(0, 6)]
    assert days(lines("{"), path="2026-11-31.jsonl", modified_ns=20_772 * DAY) == [(0, 15)]


def test_else_the_day_the_file_was_modified_within_the_lake():
    assert days(lines("{"), modified_ns=20_772 * DAY) == [(0, 15)]
    assert days(lines("{"), modified_ns=0) == [(0, 1)]
    assert days(lines("{"), modified_ns=30_000 * DAY) == [(0, 20)]


def test_each_file_has_its_own_neighbours():
    lake = landed(log("a.jsonl", lines(at(10), "{")), log("b.jsonl", lines("{", at(12))))
    rows = lake.rows(LANDED_REJECTIONS).select("source_file", "day").rows()
    assert [(file, day.day) for file, day in rows] == [("a.jsonl", 10), ("b.jsonl", 12)]


def test_calls_land_on_the_utc_day_they_began():
    late = call(1, timestamp="2026-11-10T23:30:00-02:00")
    assert [day.day for day in landed(log("a", lines(late))).rows()["day"]] == [11]


def test_the_index_names_every_day_of_a_file():
    lake = landed(log("log.jsonl", lines(at(12), at(10), "{")))
    assert [day.day for day in lake.file()["days"]] == [10, 12]
