"""Budgets and forecasts in days of the business, from the calls in a lake."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest
from matplotlib.text import Text

from assets.costs import budget_status, cost_forecast
from llmops_pipelines.orchestration.checking.checks import unknown_budgets
from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.reference_files import check_reference
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.money import budgets
from llmops_pipelines.orchestration.money.budgets import UTC_DAYS, business_spend
from llmops_pipelines.orchestration.reporting.spend_charts import spend_charts
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import ReferenceFileError
from llmops_pipelines.tables import BUDGET_STATUS, COST_FORECAST, FEATURE_COSTS
from tests.finance.worlds import call, settings
from tests.orchestration.books import kept, write

BUDGETS = "total: {daily_usd: 24, monthly_usd: 1000, rolling: {days: 2, usd: 48}}"


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path / "lake")))


def hourly(first, hours, minute=30, cost="1.0", **fields):
    """A call in each hour, of a dollar unless said otherwise."""
    start = datetime.fromisoformat(first) + timedelta(minutes=minute)
    return [call(str(start + timedelta(hours=at)), cost, **fields) for at in range(hours)]


def files(tmp_path, finance, budgets):
    folder = tmp_path / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "finance.yaml").write_text(finance)
    (folder / "budgets.yaml").write_text(budgets)
    return ReferenceFolder(path=str(folder))


def stand(tmp_path, day, finance, text=BUDGETS, now="2026-12-24T00:00:00"):
    """Forecast and budgets of a UTC day, stored; the latter by scope and period."""
    reference, utc_day = files(tmp_path, finance, text), date.fromisoformat(day)
    lake = Lake(open_store(str(tmp_path / "lake")))
    spent = lake.read(FEATURE_COSTS, last_days(utc_day, UTC_DAYS))
    forecast = budgets.forecast_of(spent, lake, reference, utc_day, Clock(fixed=now))
    rows = budgets.status_of(spent, forecast, lake, reference, utc_day)
    lake.write(COST_FORECAST, forecast, day=utc_day)
    lake.write(BUDGET_STATUS, rows, day=utc_day)
    return {(row["scope"], row["period"]): row for row in rows.to_dicts()}


@pytest.mark.parametrize(
    ("zone", "utc_day", "day", "hours"),
    [
        ("UTC", "2026-10-25", "2026-10-25", 24),
        ("Europe/Berlin", "2026-10-25", "2026-10-25", 25),
        ("Europe/Berlin", "2026-03-29", "2026-03-29", 23),
        ("Asia/Kolkata", "2026-10-25", "2026-10-25", 24),
        ("Pacific/Kiritimati", "2026-10-25", "2026-10-25", 24),
        # West of Greenwich a day ends on the next day of UTC.
        ("America/New_York", "2026-11-02", "2026-11-01", 25),
        ("America/New_York", "2026-03-09", "2026-03-08", 23),
        ("Pacific/Honolulu", "2026-11-02", "2026-11-01", 24),
    ],
)
def test_a_day_is_the_latest_of_the_business_to_have_ended_with_all_its_hours(
    tmp_path, lake, zone, utc_day, day, hours
):
    first = date.fromisoformat(utc_day) - timedelta(days=3)
    write(lake, *hourly(f"{first}", 4 * 24))
    row = stand(tmp_path, utc_day, f"report_timezone: {zone}")["total", "day"]
    assert (str(row["business_day"]), row["report_timezone"]) == (day, zone)
    assert (row["spent"], row["status"]) == (hours, "over" if hours > 24 else "within")


def test_half_an_hour_is_on_the_side_of_midnight_on_which_it_began(tmp_path, lake):
    # Midnight of Kolkata is at half past six in the evening.
    edges = {"2026-10-09 18:29": "1", "2026-10-09 18:30": "2", "2026-10-10 18:29": "4",
             "2026-10-10 18:30": "8"}  # fmt: skip
    write(lake, *(call(at, cost) for at, cost in edges.items()))
    rows = stand(tmp_path, "2026-10-10", "report_timezone: Asia/Kolkata")
    assert rows["total", "day"]["spent"] == 6
    assert rows["total", "rolling"]["spent"] == 7


@pytest.mark.parametrize(
    ("utc_day", "month", "rolling"), [("2026-10-31", 7, 6), ("2026-11-01", 24, 30)]
)
def test_a_month_begins_and_ends_where_the_business_is(tmp_path, lake, utc_day, month, rolling):
    at = ["09-30 18:29", "09-30 18:30", "10-30 18:30", "10-31 18:29", "10-31 18:30", "11-01 18:29"]
    costs = [32, 1, 2, 4, 8, 16]
    write(lake, *(call(f"2026-{own}", str(n)) for own, n in zip(at, costs, strict=True)))
    rows = stand(tmp_path, utc_day, "report_timezone: Asia/Kolkata")
    assert rows["total", "month"]["spent"] == month
    assert rows["total", "rolling"]["spent"] == rolling


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin", "America/St_Johns"])
def test_days_of_the_business_add_up_to_those_of_utc_and_to_the_books(tmp_path, lake, zone):
    calls = hourly("2026-10-01", 24 * 31, minute=0) + hourly("2026-10-24", 72, minute=31)
    write(lake, *(one | {"cost": Decimal("0.000000000001") * at} for at, one in enumerate(calls)))
    utc = lake.read(FEATURE_COSTS, last_days(date(2026, 11, 2), UTC_DAYS))
    rules = settings(f"report_timezone: {zone}")
    rows, day = business_spend(utc, lake, rules, date(2026, 11, 2))
    assert rows["cost"].sum() == utc["cost"].sum() == Decimal(815 * 816 // 2).scaleb(-12)
    assert rows["calls"].sum() == utc["calls"].sum()
    month = stand(tmp_path, "2026-11-01", f"report_timezone: {zone}")["total", "month"]
    books = kept(lake, rules).lines
    own = books.filter(pl.col("month") == str(month["business_day"])[:7])["cost"].sum()
    assert (month["spent"], own > 0) == (own, True)
    assert day <= date(2026, 11, 2)


def test_as_many_days_of_the_business_are_looked_back_on_as_a_budget_may_roll(tmp_path, lake):
    write(lake, *hourly("2026-09-01", 24 * 61))
    for zone, day in (("Asia/Kolkata", "2026-10-31"), ("America/New_York", "2026-10-31")):
        text = "total: {rolling: {days: 42, usd: 5}}"
        rows = stand(tmp_path, day, f"report_timezone: {zone}", text)
        assert rows["total", "rolling"]["spent"] == 42 * 24


def test_the_forecast_of_the_month_is_of_the_months_of_the_business(tmp_path, lake):
    write(lake, *hourly("2026-10-01", 24 * 21))
    row = stand(tmp_path, "2026-10-20", "report_timezone: Asia/Kolkata")["total", "month"]
    days = lake.read(COST_FORECAST, [date(2026, 10, 20)]).filter(pl.col("kind") == "total")
    assert days["known_until"].unique().to_list() == [date(2026, 10, 20)]
    # Six calls of its October lie in UTC's September, and were not logged.
    assert row["spent"] == 20 * 24 - 6
    assert row["forecast"] == pytest.approx(31 * 24 - 6, abs=3)


def test_a_day_of_the_business_that_has_not_ended_is_not_known_yet(tmp_path, lake):
    write(lake, *hourly("2026-10-01", 24 * 20))
    for now, known in (("2026-10-20T18:29:00", 19), ("2026-10-20T18:31:00", 20)):
        stand(tmp_path, "2026-10-20", "report_timezone: Asia/Kolkata", now=now)
        days = lake.read(COST_FORECAST, [date(2026, 10, 20)])
        assert days["known_until"].unique().to_list() == [date(2026, 10, known)]


EUR = """
report_timezone: Europe/Berlin
report_currency: EUR
exchange_rates:
- {date: 2026-10-01, currency: EUR, per_usd: "0.8", source: ECB}
- {date: 2026-10-03, currency: EUR, per_usd: "0.5", source: ECB}
"""


def test_a_budget_in_the_report_currency_is_held_against_each_day_at_its_own_rate(tmp_path, lake):
    write(lake, *(call(f"2026-10-0{day} 12:00", "10") for day in (1, 2, 3)))
    row = stand(tmp_path, "2026-10-03", EUR, "total: {monthly: 20 EUR}")["total", "month"]
    assert (row["spent_report"], row["budget_report"], row["currency"]) == (21, 20, "EUR")
    assert (row["share"], row["status"]) == (1.05, "over")
    assert (row["spent"], row["budget"]) == (30, 40), "in dollars, at the rate of the day"
    assert (row["rate"], str(row["rate_date"]), row["rate_source"]) == (
        Decimal("0.5"),
        "2026-10-03",
        "ECB",
    )
    books = kept(lake, settings(EUR)).lines
    assert row["spent_report"] == books.filter(kind="usage", month="2026-10")["cost_report"].sum()


def test_without_a_rate_the_amount_is_null_with_the_day_that_lacks_it(tmp_path, lake):
    write(lake, call("2026-09-30 12:00", "9"), call("2026-10-01 12:00", "10"))
    text = "total: {daily: 20 EUR, rolling: {days: 2, amount: 30 EUR}}"
    rows = stand(tmp_path, "2026-10-01", EUR, text)
    assert (rows["total", "day"]["spent_report"], rows["total", "day"]["status"]) == (8, "within")
    row = rows["total", "rolling"]
    assert (row["spent_report"], row["share"], row["status"]) == (None, None, "no_data")
    assert (row["spent"], row["budget"]) == (19, Decimal("37.5"))
    assert row["hint"] == (
        "no EUR rate for what was spent on 2026-09-30: add it to exchange_rates in "
        "data/reference/finance.yaml"
    )


def test_an_old_rate_is_none_and_a_scope_that_spent_nothing_needs_none(tmp_path, lake):
    write(lake, call("2026-10-20 12:00", "10"))
    text = "total: {daily: 20 EUR}\nfeatures: {mail: {daily: 20 EUR}}"
    rows = stand(tmp_path, "2026-10-20", EUR, text)
    total, mail = rows["total", "day"], rows["mail", "day"]
    assert (total["budget"], total["rate"], total["rate_date"]) == (None, None, None)
    assert (total["spent"], total["spent_report"], total["status"]) == (10, None, "no_data")
    assert (mail["budget"], mail["spent_report"], mail["status"]) == (None, 0, "within")


def test_a_budget_in_dollars_stays_one(tmp_path, lake):
    write(lake, call("2026-10-01 12:00", "10"))
    for text in ("total: {daily_usd: 20}", "total: {daily: 20 USD}"):
        row = stand(tmp_path, "2026-10-01", EUR, text)["total", "day"]
        assert (row["budget"], row["share"]) == (20, 0.5)
        assert (row["currency"], row["budget_report"], row["spent_report"]) == (None, None, None)


OWNERS = """
report_timezone: {zone}
ownership:
- {{feature: "cha*", team: sales, valid_from: 2026-10-16, valid_to: 2026-10-20}}
- {{feature: chat, team: growth, valid_from: 2026-10-19}}
- {{feature: mail, team: growth, valid_to: 2026-10-03}}
"""

TEAMS = """
teams:
  care: {monthly_usd: 400, daily_usd: 24}
  sales: {monthly_usd: 90}
  growth: {monthly_usd: 20, rolling: {days: 2, usd: 48}}
  unattributed: {monthly_usd: 500}
total: {monthly_usd: 1000}
"""


@pytest.mark.parametrize(
    ("zone", "hours", "care", "growth"),
    [
        # Chat is care's for 15 days, sales' for 4, growth's for 1; mail growth's for 2 of the 20.
        ("UTC", 20 * 24, 360, "24.48"),
        # Six hours of its 1 October lie in UTC's September, and were not logged.
        ("Asia/Kolkata", 20 * 24 - 6, 354, "24.42"),
    ],
)
def test_a_team_s_budget_is_held_against_what_the_rules_charge_to_it_day_by_day(
    tmp_path, lake, zone, hours, care, growth
):
    chat = hourly("2026-10-01", hours, feature="chat", team="care")
    mail = hourly("2026-10-01", hours, cost="0.01", feature="mail", team=None)
    write(lake, *chat, *mail)
    text = OWNERS.format(zone=zone)
    rows = stand(tmp_path, "2026-10-20", text, TEAMS)
    spent = {scope: row["spent"] for (scope, period), row in rows.items() if period == "month"}
    assert spent.pop("total") == sum(spent.values())
    assert spent == {
        "care": care,
        "sales": 96,
        "growth": Decimal(growth),
        "unattributed": Decimal("4.32"),
    }
    books = kept(lake, settings(text), now="2026-10-20T23:00:00").lines
    assert spent == dict(books.group_by("team").agg(pl.col("cost").sum()).iter_rows())
    assert rows["growth", "rolling"]["spent"] == 24
    assert (rows["care", "day"]["spent"], rows["care", "day"]["status"]) == (0, "within")
    assert (rows["sales", "month"]["status"], rows["growth", "month"]["status"]) == ("over", "over")


def test_the_forecast_and_the_burn_down_of_a_team_are_of_what_is_charged_to_it(tmp_path, lake):
    write(lake, *hourly("2026-10-01", 24 * 20, feature="chat", team="care"))
    rows = stand(tmp_path, "2026-10-20", OWNERS.format(zone="UTC"), TEAMS)
    # 24 a day to growth from the 20th on is too few days to foretell by; care has paid its last.
    care = rows["care", "month"]
    assert (care["spent"], care["forecast_days"]) == (360, 20)
    assert care["forecast"] < 400
    assert (rows["growth", "month"]["forecast"], rows["growth", "month"]["forecast_days"]) == (
        None,
        1,
    )
    reference = ReferenceFolder(path=str(tmp_path / "reference"))
    drawn = spend_charts(lake, reference, date(2026, 10, 1), date(2026, 10, 20))
    left = {chart.name: chart.rows for chart in drawn}["budget_burn_down_team_sales"]
    assert left.rows() == [
        *((date(2026, 10, day), 24.0, 24.0) for day in (16, 17, 18, 19)),
        (date(2026, 10, 20), 0.0, 0.0),
    ]


def test_without_rules_a_team_s_budget_is_held_against_the_records(tmp_path, lake):
    write(lake, *hourly("2026-10-01", 48, feature="chat", team="care"))
    rows = stand(tmp_path, "2026-10-02", "", TEAMS)
    own = {scope: row["spent"] for (scope, period), row in rows.items() if period == "month"}
    assert own == {"care": 48, "sales": 0, "growth": 0, "unattributed": 0, "total": 48}


def test_owners_and_unattributed_are_known_teams_and_other_names_are_told(tmp_path, lake):
    write(lake, call("2026-10-20 12:00", feature="chat", team="care"))
    text = TEAMS.replace("sales", "salse")
    reference = files(tmp_path, OWNERS.format(zone="UTC"), text)
    found = unknown_budgets(lake, reference, date(2026, 10, 20))
    assert found.rows() == [("teams", "salse", "sales")]


def test_another_currency_is_refused_before_a_run_and_is_no_data_in_one(tmp_path, lake):
    write(lake, call("2026-10-01 12:00", "10"))
    row = stand(tmp_path, "2026-10-01", EUR, "total: {daily: 20 GBP}")["total", "day"]
    assert (row["budget"], row["share"], row["status"]) == (None, None, "no_data")
    assert "is in GBP, but report_currency is EUR" in row["hint"]
    with pytest.raises(ReferenceFileError, match=r"budgets.yaml: total.daily is in GBP, but rep"):
        check_reference(tmp_path / "reference")
    (tmp_path / "reference/finance.yaml").unlink()
    with pytest.raises(ReferenceFileError, match="report_currency is USD"):
        check_reference(tmp_path / "reference")


def test_a_mistyped_zone_is_told_with_file_line_and_field(tmp_path):
    (tmp_path / "finance.yaml").write_text("report_timezone: Europe/Berln\n")
    with pytest.raises(ReferenceFileError, match=r"yaml:1: report_timezone: .*mean Europe/Berlin"):
        check_reference(tmp_path)


def test_the_assets_store_what_the_days_of_the_business_say(tmp_path, lake):
    write(lake, *hourly("2026-10-23", 4 * 24))
    resource = LakeResource(root=str(tmp_path / "lake"))
    spent = dg.AssetSpec(
        "feature_costs", partitions_def=DAILY, metadata=table_metadata(FEATURE_COSTS)
    )
    done = dg.materialize(
        [cost_forecast, budget_status, spent],
        selection=[cost_forecast, budget_status],
        partition_key="2026-10-25",
        resources={
            "lake": resource,
            "io_manager": LakeIOManager(lake=resource),
            "reference": files(tmp_path, "report_timezone: Europe/Berlin", BUDGETS),
            "clock": Clock(fixed="2026-10-27T00:00:00"),
        },
    )
    assert done.success
    rows = lake.read(BUDGET_STATUS, [date(2026, 10, 25)])
    assert rows.filter(scope="total", period="day")["spent"].to_list() == [25]


def test_charts_of_budgets_are_of_the_month_of_the_business(tmp_path, lake):
    write(lake, *hourly("2026-10-01", 24 * 32))
    stand(tmp_path, "2026-11-01", "report_timezone: America/New_York")
    reference = ReferenceFolder(path=str(tmp_path / "reference"))
    days = date(2026, 10, 1), date(2026, 11, 1)
    drawn = {chart.name: chart for chart in spend_charts(lake, reference, *days)}
    left = drawn["budget_burn_down"]
    assert left.rows["day"].max() == date(2026, 10, 31)
    assert "Budget of October 2026" in [text.get_text() for text in left.figure.findobj(Text)]
