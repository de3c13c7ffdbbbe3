"""Unusual days, drivers and spend by day in days of the business, from the calls in a lake."""

from datetime import date, datetime, timedelta
from itertools import count

import dagster as dg
import polars as pl
import pytest
from matplotlib.text import Text

from assets.costs import cost_anomalies, cost_drivers
from llmops_pipelines import cost
from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.partitions import DAILY
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.money.budgets import UTC_DAYS as HISTORY
from llmops_pipelines.orchestration.money.budgets import forecast_of
from llmops_pipelines.orchestration.money.business_weeks import (
    UTC_DAYS,
    anomalies_of,
    business_cube,
    drivers_of,
    told_week,
)
from llmops_pipelines.orchestration.money.finance import summed_days_of
from llmops_pipelines.orchestration.reporting.spend_charts import saving_charts, spend_charts
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.tables import (
    CALL_COSTS,
    COST_ANOMALIES,
    COST_CUBE,
    COST_DRIVERS,
    COST_FORECAST,
    FEATURE_COSTS,
    LLM_CALLS,
)
from tests.pricing.factories import call, calls

KOLKATA = "Asia/Kolkata"
OWNED = "ownership: [{feature: chat, team: sales, valid_from: 2026-10-21}]\n"
BOOK = price_book(PriceOverrides())
_COUNTER = count()


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path / "lake")))


def asked(at, dollars=1, **fields):
    """A call of gpt-4.1 that began ``at``, at $2 a million tokens of input."""
    return call(
        call_id=f"c-{next(_COUNTER):06}",
        started_at=datetime.fromisoformat(at),
        uncached_input=500_000 * dollars,
        output_text=0,
        **{"feature": "chat", "model": "gpt-4.1"} | fields,
    )


def hourly(first, hours, minute=15, **fields):
    start = datetime.fromisoformat(first) + timedelta(minutes=minute)
    return [asked(str(start + timedelta(hours=at)), **fields) for at in range(hours)]


def store(lake, *rows):
    """The tables of the calls' UTC days that drivers and unusual days rest on."""
    by_day = calls(*rows).group_by(pl.col("started_at").dt.date(), maintain_order=True)
    for (day,), own in by_day:
        costs = price_calls(own, BOOK)
        lake.write(LLM_CALLS, own, day=day)
        lake.write(CALL_COSTS, costs, day=day)
        lake.write(FEATURE_COSTS, cost.feature_costs(costs), day=day)
        lake.write(COST_CUBE, cost.cost_cube(own.select(cost.CUBE_COLUMNS), costs), day=day)


def files(tmp_path, finance):
    folder = tmp_path / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "finance.yaml").write_text(finance)
    return ReferenceFolder(path=str(folder))


def cube_of(lake, utc_day):
    return lake.read(COST_CUBE, last_days(date.fromisoformat(utc_day), UTC_DAYS))


@pytest.mark.parametrize(
    "zone", ["UTC", KOLKATA, "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]
)
def test_each_call_is_in_the_cube_of_its_own_day_of_the_business_to_the_last_digit(lake, zone):
    store(
        lake,
        *hourly("2026-10-20", 9 * 24, minute=0),
        *hourly("2026-10-20", 9 * 24, minute=29, feature="mail"),
        *hourly("2026-10-20", 9 * 24, minute=30, model="gpt-4.1-mini"),
        *hourly("2026-10-20", 9 * 24, minute=45, model="unheard-of"),
    )
    utc = cube_of(lake, "2026-10-28")
    found = business_cube(utc, lake, zone)
    by = ["day", "feature", "model"]
    sums = found.group_by(by).agg(pl.col("calls", "cost", "unpriced_calls").sum())
    days = summed_days_of(lake, zone, lake.days(CALL_COSTS)).rename({"business_day": "day"})
    expected = days.group_by(by).agg(pl.col("calls", "cost", "unpriced_calls").sum())
    assert sums.sort(by).rows() == expected.sort(by).rows()
    assert (found["cost"].sum(), found["calls"].sum()) == (utc["cost"].sum(), 36 * 24)
    assert found.schema == utc.schema


def test_the_week_ends_at_the_midnight_of_the_business(tmp_path, lake):
    store(
        lake,
        *hourly("2026-10-05", 16 * 24),
        # Half past six in the evening is midnight in Kolkata: the week of 14 to 20 October.
        *(asked(f"2026-10-{at}", dollars) for at, dollars in (
            ("06 18:29", 1), ("06 18:30", 2), ("13 18:29", 4), ("13 18:30", 8), ("20 18:29", 16),
            ("20 18:30", 32),
        )),
    )  # fmt: skip
    reference = files(tmp_path, f"report_timezone: {KOLKATA}\n")
    rows = drivers_of(cube_of(lake, "2026-10-20"), lake, reference, date(2026, 10, 20))
    week = 7 * 24
    assert rows.select("business_day", "report_timezone", "before", "after").unique().rows() == [
        (date(2026, 10, 20), KOLKATA, week + 2 + 4, week + 8 + 16)
    ]
    for (_,), own in rows.group_by("feature"):
        assert own["amount"].sum() == 8 + 16 - 2 - 4
    lake.write(COST_DRIVERS, rows, day=date(2026, 10, 20))
    assert told_week(lake, date(2026, 10, 20)).startswith("+$18.00 (+10%): ")
    (chart,) = (one for one in saving_charts(lake, reference, date(2026, 10, 20)))
    assert "seven days up to 20 Oct" in "".join(
        text.get_text() for text in chart.figure.findobj(Text)
    )


def test_west_of_greenwich_the_week_is_the_one_that_has_ended(tmp_path, lake):
    store(lake, *hourly("2026-10-05", 16 * 24))
    reference = files(tmp_path, "report_timezone: America/New_York\n")
    rows = drivers_of(cube_of(lake, "2026-10-20"), lake, reference, date(2026, 10, 20))
    assert rows["business_day"].unique().to_list() == [date(2026, 10, 19)]
    # Of the first day, the 6th, nothing is missing though it begins on UTC's at four o'clock.
    assert rows.select("before", "after").unique().rows() == [(7 * 24, 7 * 24)]


def test_without_a_whole_week_before_nothing_is_compared_and_it_says_so(tmp_path, lake):
    store(lake, *hourly("2026-10-15", 6 * 24))
    reference = files(tmp_path, f"report_timezone: {KOLKATA}\n")
    rows = drivers_of(cube_of(lake, "2026-10-20"), lake, reference, date(2026, 10, 20))
    assert rows.is_empty()
    lake.write(COST_DRIVERS, rows, day=date(2026, 10, 20))
    assert told_week(lake, date(2026, 10, 20)) == (
        "not compared: 0 of the 7 days before have calls, and 6 of these"
    )


@pytest.mark.parametrize(
    ("zone", "unusual"), [("UTC", date(2026, 10, 20)), (KOLKATA, date(2026, 10, 21))]
)
def test_a_spike_is_on_the_day_of_the_business_and_its_owners(tmp_path, lake, zone, unusual):
    store(
        lake,
        *hourly("2026-09-12", 41 * 24, team="care"),
        asked("2026-10-20 20:00", 500, team="care"),
    )
    reference = files(tmp_path, f"report_timezone: {zone}\n{OWNED}")
    found = {}
    for day in (date(2026, 10, 20), date(2026, 10, 21)):
        spent = lake.read(FEATURE_COSTS, last_days(day, HISTORY))
        rows = anomalies_of(spent, lake, reference, day)
        assert rows.select("business_day", "report_timezone").unique().rows() == [(day, zone)]
        found[day] = {(row["kind"], row["scope"]): row for row in rows.to_dicts()}
    total = {day: rows["total", "total"] for day, rows in found.items()}
    assert [day for day, row in total.items() if row["status"] == "unusual"] == [unusual]
    assert (total[unusual]["spent"], total[unusual]["direction"]) == (524, "higher")
    assert (total[unusual]["driver_feature"], total[unusual]["driver_model"]) == (
        "chat",
        "gpt-4.1",
    )
    assert total[unusual]["driver_change"] == 500
    # From the 21st on chat is paid for by sales.
    assert found[date(2026, 10, 20)]["team", "care"]["spent"] == total[date(2026, 10, 20)]["spent"]
    assert found[date(2026, 10, 21)]["team", "care"]["spent"] == 0
    assert found[date(2026, 10, 21)]["team", "sales"]["spent"] == total[date(2026, 10, 21)]["spent"]


def test_an_unnamed_model_drives_a_day_of_the_business_as_one_of_utc(tmp_path, lake):
    store(lake, *hourly("2026-09-12", 41 * 24), asked("2026-10-20 20:00", 500))
    for day in lake.days(CALL_COSTS):
        named = lake.read(CALL_COSTS, [day]).drop("day")
        lake.write(CALL_COSTS, named.with_columns(model=pl.lit(None, pl.String)), day=day)
    day = date(2026, 10, 21)
    reference = files(tmp_path, f"report_timezone: {KOLKATA}\n")
    spent = lake.read(FEATURE_COSTS, last_days(day, HISTORY))
    rows = anomalies_of(spent, lake, reference, day)
    (total,) = rows.filter(kind="total").to_dicts()
    assert (total["driver_model"], total["driver_change"]) == ("unknown", 500)


def test_spend_by_day_is_drawn_by_day_of_the_business_and_charged_team(tmp_path, lake):
    store(lake, *hourly("2026-10-17", 5 * 24, team="care"))
    reference = files(tmp_path, f"report_timezone: {KOLKATA}\n{OWNED}")
    drawn = {
        chart.name: chart
        for chart in spend_charts(lake, reference, date(2026, 10, 18), date(2026, 10, 21))
    }
    days = drawn["spend_by_day"]
    assert days.rows.select("day", "team", "calls", "cost").rows() == [
        (date(2026, 10, 18), "care", 24, 24),
        (date(2026, 10, 19), "care", 24, 24),
        (date(2026, 10, 20), "care", 24, 24),
        (date(2026, 10, 21), "sales", 24, 24),
    ]
    assert "Spend per day, Asia/Kolkata" in [text.get_text() for text in days.figure.findobj(Text)]
    assert drawn["model_mix"].rows.equals(days.rows)


def test_charts_of_spend_are_drawn_in_the_currency_of_reports(tmp_path, lake):
    store(lake, *hourly("2026-10-01", 22 * 24, team="care"))
    day = date(2026, 10, 21)
    reference = files(
        tmp_path,
        f"""
report_timezone: {KOLKATA}
report_currency: INR
exchange_rates:
- {{date: 2026-09-30, currency: INR, per_usd: 80, source: RBI}}
- {{date: 2026-10-20, currency: INR, per_usd: 90, source: RBI}}
max_rate_age_days: 30
""",
    )
    spent = lake.read(FEATURE_COSTS, last_days(day, HISTORY))
    clock = Clock(fixed="2026-10-22T00:00:00")
    lake.write(COST_FORECAST, forecast_of(spent, lake, reference, day, clock), day=day)
    cube = lake.read(COST_CUBE, last_days(day, UTC_DAYS))
    lake.write(COST_DRIVERS, drivers_of(cube, lake, reference, day), day=day)
    charts = (*spend_charts(lake, reference, date(2026, 10, 18), day),
              *saving_charts(lake, reference, day))  # fmt: skip
    said = {
        chart.name: [text.get_text() for text in chart.figure.findobj(Text)] for chart in charts
    }
    assert "2,160 INR" in said["spend_by_day"]
    assert any(text.startswith("INR by feature; ") for text in said["spend_by_day"])
    spend = charts[0].rows.select("cost", "cost_report", "rate").rows()
    assert spend == [(24, 24 * 80, 80), (24, 24 * 80, 80), (24, 24 * 90, 90), (24, 24 * 90, 90)]
    assert any(text.startswith("bars: INR a day") for text in said["spend_forecast"])
    # The first of the month lacks its hours before 05:30, so the median is a little below 24 calls.
    assert "median 2,153 INR" in said["spend_forecast"]
    assert sum(text.endswith(" INR") for text in said["budget_burn_down"]) == 3
    assert "15,120 INR" in said["cost_drivers"]
    assert not [
        text for texts in said.values() for text in texts if "$" in text or "dollars" in text
    ]


def test_the_assets_store_what_the_days_of_the_business_say(tmp_path, lake):
    store(lake, *hourly("2026-09-12", 41 * 24), asked("2026-10-20 20:00", 500))
    resource = LakeResource(root=str(tmp_path / "lake"))
    upstream = [
        dg.AssetSpec(table.name, partitions_def=DAILY, metadata=table_metadata(table))
        for table in (FEATURE_COSTS, COST_CUBE)
    ]
    done = dg.materialize(
        [cost_anomalies, cost_drivers, *upstream],
        selection=[cost_anomalies, cost_drivers],
        partition_key="2026-10-21",
        resources={
            "lake": resource,
            "io_manager": LakeIOManager(lake=resource),
            "reference": files(tmp_path, f"report_timezone: {KOLKATA}\n"),
        },
    )
    assert done.success
    day = date(2026, 10, 21)
    total = lake.read(COST_ANOMALIES, [day]).filter(kind="total")
    assert total.select("spent", "report_timezone").rows() == [(524, KOLKATA)]
    drivers = lake.read(COST_DRIVERS, [day]).filter(feature="*")
    assert drivers.select("before", "after").unique().rows() == [(168, 668)]
    (told,) = done.asset_materializations_for_node("cost_drivers")
    assert told.metadata["why"].value.startswith("+$500.00 (+298%): ")
