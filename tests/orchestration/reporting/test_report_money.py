"""The money of the nightly page, from the calls in a lake."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.budgets import UTC_DAYS
from llmops_pipelines.orchestration.reporting.report_money import is_utc_dollars, report_money
from llmops_pipelines.orchestration.reporting.reports import REPORT_DAYS, write_report
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import (
    ALERTS,
    BUDGET_STATUS,
    CALL_COSTS,
    COST_DRIVERS,
    COST_FORECAST,
    EVALUATION_COSTS,
    FEATURE_COSTS,
    QUALITY,
    REJECTED_LINES,
    ROUTING_SAVINGS,
    RULE_EVALUATIONS,
    SERVICE_HEALTH,
)
from tests.finance.worlds import call, settings
from tests.orchestration.books import write
from tests.reporting.test_page import Reader
from tests.reporting.worlds import rows

DAY = date(2026, 10, 10)
RATE = (
    "report_currency: INR\nexchange_rates:\n"
    "  - {date: 2026-10-09, currency: INR, per_usd: 88.7, source: RBI}\n"
)
OWNERS = (
    "ownership:\n  - {feature: 'chat*', team: care, valid_from: 2026-10-10}\n"
    "  - {feature: '*', team: nobody-yet, valid_from: 2027-01-01}\n"
)


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path / "lake")))


def money(lake, text, day=DAY, days=14):
    spent = lake.read(FEATURE_COSTS, last_days(day, UTC_DAYS))
    return report_money(spent, lake, settings(text), day, days)


def around(*days, cost="0.123456789012"):
    """Calls of three owners at every edge of these UTC days."""
    return [
        call(f"2026-10-{day:02} {clock}", cost, feature=feature, team=team)
        for day in days
        for clock in ("00:00", "03:59", "04:00", "18:29", "18:30", "23:59")
        for feature, team in (("chat", "sales"), ("mail", "sales"), ("loose", None))
    ]


@pytest.mark.parametrize("text", ["", "report_timezone: UTC", "max_rate_age_days: 3"])
def test_settings_that_change_nothing_leave_the_page_as_it_is(text):
    assert is_utc_dollars(settings(text))


@pytest.mark.parametrize("text", ["report_timezone: Asia/Kolkata", RATE, OWNERS])
def test_days_currency_and_owners_each_change_the_page(text):
    assert not is_utc_dollars(settings(text))


@pytest.mark.parametrize(
    ("zone", "own"),
    [("Asia/Kolkata", DAY), ("America/New_York", date(2026, 10, 9)), ("UTC", DAY)],
)
def test_the_day_is_recomputed_from_its_calls_to_the_last_digit(lake, zone, own):
    calls = around(8, 9, 10, 11)
    write(lake, *calls)
    found = money(lake, f"report_timezone: {zone}\n{RATE}{OWNERS}")
    wanted = [
        one
        for one in calls
        if one["started_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() == own
    ]
    rows = found.rows.filter(day=own)
    assert found.told.day == own
    assert found.calls.height == rows["calls"].sum() == len(wanted) == 18
    assert rows["cost"].sum() == found.calls["cost"].sum() == 18 * Decimal("0.123456789012")
    owners = rows.group_by("team").agg(pl.col("cost").sum()).sort("team")
    assert owners["cost"].sum() == found.calls["cost"].sum()
    charged = ["care", "sales", "unattributed"] if own == DAY else ["sales", "unattributed"]
    assert owners["team"].to_list() == charged
    # Each row is rounded half to even at twelve decimals.
    exact = rows["cost"].sum() * Decimal("88.7")
    assert abs(rows["cost_report"].sum() - exact) <= rows.height * Decimal("5e-13")
    assert rows.select("rate", "rate_source").unique().rows() == [(Decimal("88.7"), "RBI")]


def test_hours_of_a_utc_day_without_calls_are_missing_and_the_next_day_has_only_begun(lake):
    write(lake, *around(10))
    told = money(lake, "report_timezone: Asia/Kolkata").told
    assert told.missing(DAY) == "00:00 to 05:30"
    assert told.partial_days == [DAY]
    assert told.begun() == (
        "Sunday 11 October 2026 has begun: 00:00 to 05:30 of it are logged, 05:30 to 24:00 are "
        "still missing"
    )


def test_a_page_made_again_after_later_days_says_what_it_said(lake):
    write(lake, *around(9, 10))
    before = money(lake, "report_timezone: America/New_York")
    write(lake, *around(11))
    after = money(lake, "report_timezone: America/New_York")
    assert after.rows.equals(before.rows)
    assert after.told.parts.equals(before.told.parts)


def test_calls_that_come_late_fill_the_day(lake):
    write(lake, *around(10))
    assert money(lake, "report_timezone: Asia/Kolkata").calls.height == 12
    write(lake, *around(9))
    found = money(lake, "report_timezone: Asia/Kolkata")
    assert (found.calls.height, found.told.missing(DAY)) == (18, "")


def test_attempts_again_are_those_of_the_day_of_the_business(lake):
    repeated = {"attempt": 2}
    write(
        lake,
        call("2026-10-09 18:29", "1", **repeated),
        call("2026-10-09 18:30", "2", **repeated),
        call("2026-10-10 18:29", "4", **repeated),
        call("2026-10-10 18:30", "8", **repeated),
    )
    assert money(lake, "report_timezone: Asia/Kolkata").told.retry_cost == 6


def test_a_lake_without_calls_has_no_money_and_no_fault(lake):
    found = money(lake, f"report_timezone: Asia/Kolkata\n{RATE}")
    assert (found.rows.height, found.calls.height, found.told.retry_cost) == (0, 0, None)
    assert found.told.missing(DAY) == "00:00 to 05:30 and 05:30 to 24:00"
    assert (found.told.partial_days, found.told.begun()) == ([], "")


def test_a_rate_too_old_is_none(lake):
    write(lake, *around(9, 10))
    stale = RATE.replace("2026-10-09", "2026-09-01")
    found = money(lake, f"report_timezone: Asia/Kolkata\n{stale}")
    assert (found.told.rate, found.told.is_converted) == (None, False)
    assert found.rows["cost_report"].null_count() == found.rows.height > 0


def page(lake, tmp_path, text):
    """The text of the page of ``DAY``, of a night of which nothing but the costs is known."""
    folder = tmp_path / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "finance.yaml").write_text(text)
    none = (
        *(BUDGET_STATUS, COST_FORECAST, COST_DRIVERS, SERVICE_HEALTH, QUALITY, RULE_EVALUATIONS),
        *(ALERTS, REJECTED_LINES, ROUTING_SAVINGS, EVALUATION_COSTS),
    )
    day = pl.lit(DAY)
    empty = {table.name: table.empty().with_columns(day=day) for table in none}
    row = write_report(
        lake,
        ReferenceFolder(path=str(folder)),
        DAY,
        call_costs=lake.scan(CALL_COSTS, [DAY]),
        feature_costs=lake.read(FEATURE_COSTS, last_days(DAY, REPORT_DAYS)),
        **empty,
    )
    return " ".join(" ".join(Reader(lake.store.read(row["path"][0]).decode()).text).split())


def test_the_page_follows_finance_yaml_and_nothing_else(lake, tmp_path):
    write(
        lake,
        call("2026-10-09 18:29", "100", feature="chat", team="sales"),
        call("2026-10-09 18:30", "2", feature="chat", team="sales", attempt=2),
        call("2026-10-10 18:29", "0.5", feature="loose", team=None),
        call("2026-10-10 18:29", None, feature="loose", model="own-7b", team=None),
        call("2026-10-10 18:30", "1000", feature="chat", team="sales"),
    )
    recorded = page(lake, tmp_path, "")
    assert "3 calls cost $1,000.50, 1 unpriced ones not included." in recorded
    assert "By owner" not in recorded
    told = page(lake, tmp_path, f"report_timezone: Asia/Kolkata\n{RATE}{OWNERS}")
    assert (
        "Saturday 10 October 2026 in Asia/Kolkata: 3 calls cost 221.75 INR ($2.50), 1 unpriced "
        "ones not included." in told
    )
    assert "Repeated attempts took $2.00." in told
    assert (
        "care 1 0 177.40 INR $2.00 unattributed 2 0 1 44.35 INR $0.50 "
        "Total 3 0 1 221.75 INR $2.50" in told
    )
    assert "own-7b" in told


def test_the_page_knows_what_earlier_nights_opened_and_no_later_one(lake, tmp_path):
    change = {"rule": "errors", "scope": "chat", "from_state": "ok", "summary": "errors: chat"}
    states = {
        40: {"chat": "critical"},
        3: {"chat": "warning", "mail": "critical"},
        1: {"mail": "ok"},
        -1: {"chat": "ok"},
    }
    for back, scopes in states.items():
        changes = [
            change | {"scope": scope, "to_state": state, "alert_key": f"{back}:{scope}"}
            for scope, state in scopes.items()
        ]
        lake.write(ALERTS, rows(ALERTS, *changes), day=DAY - timedelta(days=back))
    text = page(lake, tmp_path, "")
    assert "one more remains open." in text
    assert "Still open warning chat errors was not evaluated tonight; warning since 2026-10-07" in (
        text
    )
