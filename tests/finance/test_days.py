from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines import finance
from llmops_pipelines.finance import Finance
from tests.cost.factories import costs, failed, priced
from tests.finance.worlds import call, days, present

ZONES = ["UTC", "Asia/Kolkata", "Europe/Berlin", "Pacific/Apia", "America/St_Johns"]

EDGES = [
    "2026-03-29 00:30",  # Berlin loses an hour
    "2026-10-25 00:30",  # and gains it
    "2026-03-08 05:30",  # St. John's, at half past the UTC hour
    "2026-11-01 04:30",
    "2011-12-30 10:00",  # Apia has no 30 December 2011
    "2026-10-31 18:30",  # midnight in Kolkata
    "2010-11-07 02:31",  # St. John's went back a minute after midnight, into the day before
]
"""Instants about which days begin, end or change their length somewhere."""

near_an_edge = st.builds(
    lambda edge, off: datetime.fromisoformat(edge) + timedelta(microseconds=off),
    st.sampled_from(EDGES),
    st.integers(-26 * 3600 * 10**6, 26 * 3600 * 10**6),
)
amount = st.none() | st.integers(0, 10**20).map(lambda pico: Decimal(pico).scaleb(-12))


@settings(max_examples=60, deadline=None)
@given(zone=st.sampled_from(ZONES), made=st.lists(st.tuples(near_an_edge, amount), min_size=1))
def test_business_days_hold_each_call_once_on_its_own_day_to_the_last_digit(zone, made):
    calls = [priced(cost, started_at=at) for at, cost in made]
    found = days(*calls, zone=zone)
    known = [cost for _, cost in made if cost is not None]
    assert found["calls"].sum() == len(made)
    assert found["unpriced_calls"].sum() == len(made) - len(known)
    assert Decimal(found["cost"].sum() or 0) == sum(known, Decimal(0))
    months = finance.present_lines(found, Finance(report_timezone=zone), date(2026, 12, 1))
    assert Decimal(months["cost"].sum() or 0) == sum(known, Decimal(0))
    for day in found["business_day"].unique():
        own = [
            cost
            for at, cost in made
            if at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() == day
        ]
        rows = found.filter(pl.col("business_day") == day)
        assert rows["calls"].sum() == len(own)
        assert Decimal(rows["cost"].sum() or 0) == sum((c for c in own if c), Decimal(0))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Asia/Kolkata", "2026-10-25", 24),
        ("America/St_Johns", "2026-03-08", 23),
        ("America/St_Johns", "2026-11-01", 25),
    ],
)
def test_a_day_has_as_many_hours_as_the_clocks_of_the_business_gave_it(zone, day, hours):
    noon = datetime.fromisoformat(f"{day} 12:00")
    calls = [priced("1", started_at=noon + timedelta(minutes=15 * n)) for n in range(-192, 192)]
    found = days(*calls, zone=zone)
    spent = found.filter(pl.col("business_day") == date.fromisoformat(day))["cost"].sum()
    assert spent == 4 * hours
    assert found["cost"].sum() == len(calls)


def test_a_call_without_usage_or_price_is_counted_and_costs_nothing_known():
    rows = costs(
        failed(started_at=datetime.fromisoformat("2026-10-01 01:00")),
        priced(None, team=None, started_at=datetime.fromisoformat("2026-10-01 01:00")),
    )
    found = finance.business_days(rows.lazy(), date(2026, 10, 1), "UTC").sort("team")
    assert found.select("team", "calls", "errors", "unpriced_calls", "cost").rows() == [
        ("platform", 1, 1, 0, None),
        ("unattributed", 1, 0, 1, None),
    ]


def test_an_empty_day_is_an_empty_table():
    assert finance.business_days(costs().lazy(), date(2026, 10, 1), "UTC").is_empty()


def test_the_first_rule_that_holds_on_the_day_says_who_owns_it_else_the_record():
    rules = """
ownership:
- {feature: chat, team: care, valid_from: 2026-10-02, valid_to: 2026-10-03}
- {feature: "c*", team: sales, valid_to: 2026-10-03}
"""
    found = present(
        call("2026-10-01 12:00", "1"),
        call("2026-10-02 12:00", "2"),
        call("2026-10-03 00:00", "4"),
        call("2026-10-02 12:00", "8", feature="mail", team=None),
        text=rules,
    )
    assert dict(found.select("team", "cost").iter_rows()) == {
        "sales": 1,
        "care": 2,
        "platform": 4,
        "unattributed": 8,
    }


def test_a_month_is_the_business_s_and_not_utc_s():
    calls = call("2026-10-31 18:29", "1"), call("2026-10-31 18:30", "2")
    found = present(*calls, text="report_timezone: Asia/Kolkata")
    assert found.select("month", "cost").rows() == [("2026-10", 1), ("2026-11", 2)]


@pytest.mark.parametrize(
    ("zone", "day", "parts"),
    [
        ("UTC", "2026-10-25", [("2026-10-25", "00:00", "24:00")]),
        (
            "Asia/Kolkata",
            "2026-10-25",
            [("2026-10-24", "00:00", "05:30"), ("2026-10-25", "05:30", "24:00")],
        ),
        # Clocks go from two hours ahead of UTC to one.
        (
            "Europe/Berlin",
            "2026-10-25",
            [("2026-10-24", "00:00", "02:00"), ("2026-10-25", "02:00", "24:00")],
        ),
        (
            "America/New_York",
            "2026-11-01",
            [("2026-11-01", "00:00", "19:00"), ("2026-11-02", "19:00", "24:00")],
        ),
        ("Pacific/Apia", "2011-12-30", []),
    ],
)
def test_a_days_parts_lie_on_the_utc_days_that_its_calls_began_on(zone, day, parts):
    found = finance.parts_of(date.fromisoformat(day), zone)
    assert [(str(utc), *clock) for utc, *clock in found.drop("business_day").rows()] == parts
