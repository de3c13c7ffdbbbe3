"""Times of every spelling become the same naive UTC, on every host."""

import os
import time

import polars as pl
import pytest

from llmops_pipelines.formats import read_times
from tests.formats.worlds import call, one, utc

NINE = utc("2026-11-10T09:15:02")


def moment(text, **how):
    return read_times(pl.Series([text], dtype=pl.String), **how)[0]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-10T09:15:02Z",
        "2026-11-10 09:15:02",
        "2026-11-10T11:15:02+02:00",
        "2026-11-10T11:15:02+0200",
        "2026-11-10 11:15:02 +02",
        "2026-11-10T03:45:02-05:30",
        "2026-11-10t09:15:02z",
        " 2026-11-10T09:15:02Z ",
        "20261110T091502Z",
        "20261110T111502+0200",
        "Tue, 10 Nov 2026 09:15:02 GMT",
        "Tue, 10 Nov 2026 11:15:02 +0200",
        "10 Nov 2026 09:15:02 UTC",
        "10.11.2026 09:15:02",
        "10.11.2026, 9:15:02 Z",
        "2026/11/10 09:15:02",
        "2026/11/10 11:15:02.000 +02:00",
        "11/10/2026 9:15:02 AM",
        "11/10/2026, 09:15:02 a.m.",
        "1794302102",
        "1794302102000",
        "1794302102000000",
        "1794302102000000000",
        "1794302102.0",
    ],
)
def test_one_moment_in_many_spellings(text):
    assert moment(text) == NINE


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-11-10T09:15:02.123Z", 123_000),
        ("2026-11-10T09:15:02,5Z", 500_000),
        ("2026-11-10T09:15:02.123456789+00:00", 123_456),
        ("1794302102.25", 250_000),
        ("1794302102123", 123_000),
        ("1794302102123456", 123_456),
        ("1794302102123456789", 123_456),
    ],
)
def test_fractions_are_kept_to_the_microsecond(text, microseconds):
    assert moment(text) == NINE.replace(microsecond=microseconds)


def test_minutes_are_enough():
    for text in ("2026-11-10T09:15Z", "10.11.2026 9:15", "2026/11/10 09:15", "11/10/2026 9:15 AM"):
        assert moment(text) == NINE.replace(second=0)


def test_noon_and_midnight_are_twelve():
    assert moment("11/10/2026 12:30 PM") == NINE.replace(hour=12, minute=30, second=0)
    assert moment("11/10/2026 12:30 AM") == NINE.replace(hour=0, minute=30, second=0)
    assert moment("11/10/2026 1:30 PM") == NINE.replace(hour=13, minute=30, second=0)


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-11-10", "2026-13-10T09:15:02Z", "2026-11-10T25:15:02Z", "NaN", "Infinity",
        "1e400", "2026-11-10T09:15:02Zulu", "2026-11-10T09:15:02.Z", "10/11/2026 09:15:02", "{}",
        "10.13.2026 09:15:02", "13/10/2026 9:15 AM", "10.11.2026", "10.11.2026 9:15 Uhr",
    ],
)  # fmt: skip
def test_what_is_no_time_is_null(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("unit", "number"),
    [("s", "1794302102"), ("ms", "1794302102000"), ("us", "1794302102000000"),
     ("ns", "1794302102000000000")],
)  # fmt: skip
def test_a_unit_that_is_stated_is_believed(unit, number):
    assert moment(number, unit=unit) == NINE


def test_a_small_number_of_milliseconds_needs_its_unit():
    assert moment("86400000", unit="ms") == utc("1970-01-02T00:00:00")


def test_a_time_without_zone_is_local_to_its_source():
    assert moment("2026-07-01T12:00:00", zone="Europe/Berlin") == utc("2026-07-01T10:00:00")
    assert moment("2026-12-01T12:00:00", zone="Europe/Berlin") == utc("2026-12-01T11:00:00")


def test_a_time_with_an_offset_ignores_the_zone_of_its_source():
    assert moment("2026-07-01T12:00:00+00:00", zone="Europe/Berlin") == utc("2026-07-01T12:00:00")


def test_the_hour_that_happens_twice_is_the_earlier_one():
    assert moment("2026-10-25T02:30:00", zone="Europe/Berlin") == utc("2026-10-25T00:30:00")


def test_the_hour_that_never_was_is_null():
    assert moment("2026-03-29T02:30:00", zone="Europe/Berlin") is None


def test_numbers_and_texts_may_be_mixed():
    mixed = pl.Series(["1794302102", "2026-11-10T09:15:02Z", None, "soon"])
    assert read_times(mixed).to_list() == [NINE, NINE, None, None]


@pytest.mark.parametrize("host", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_zone_of_the_host_changes_nothing(host, monkeypatch):
    monkeypatch.setitem(os.environ, "TZ", host)
    time.tzset()
    try:
        for text in ("2026-11-10T09:15:02", "2026-11-10T11:15:02+02:00", 1794302102):
            assert one(call(timestamp=text))["started_at"] == NINE
    finally:
        monkeypatch.undo()
        time.tzset()
