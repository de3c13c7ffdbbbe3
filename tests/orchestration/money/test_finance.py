"""The books in a lake: what is read again, what is closed for good, what the assets store."""

import shutil
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.finance import (
    business_days,
    business_days_add_up_to_the_last_digit,
    cost_adjustments,
    monthly_costs,
)
from llmops_pipelines.cost import feature_costs
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.money import finance
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import (
    BUSINESS_DAYS,
    CALL_COSTS,
    COST_ADJUSTMENTS,
    FEATURE_COSTS,
    MONTHLY_COSTS,
)
from tests.cost.factories import costs
from tests.finance.worlds import call
from tests.orchestration.books import FIRST, LATE, NOW, close, kept, write


@pytest.fixture
def lake(tmp_path):
    lake = Lake(open_store(str(tmp_path / "lake")))
    write(lake, *(call(f"2026-10-{day} 20:00", str(day)) for day in (30, 31)))
    return lake


def materialize(tmp_path, text="", now=NOW):
    """Run the assets of the books as a night does."""
    reference = tmp_path / "reference"
    reference.mkdir(exist_ok=True)
    (reference / "finance.yaml").write_text(text)
    resource = LakeResource(root=str(tmp_path / "lake"))
    return dg.materialize(
        [business_days, cost_adjustments, monthly_costs, business_days_add_up_to_the_last_digit],
        resources={
            "lake": resource,
            "io_manager": LakeIOManager(lake=resource),
            "reference": ReferenceFolder(path=str(reference)),
            "clock": Clock(fixed=now),
        },
    )


def test_only_days_whose_calls_changed_are_read_again(lake):
    rows, read = finance.summed_days(lake, "Asia/Kolkata")
    lake.write(BUSINESS_DAYS, rows, inputs=read)
    assert rows["business_day"].to_list() == [date(2026, 10, 31), date(2026, 11, 1)]
    # A day that cannot be read shows that it is not read.
    unchanged = Path(lake.store.uri("call_costs/day=2026-10-30/part.parquet"))
    write(lake, LATE)
    content = unchanged.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    unchanged.write_bytes(b"PAR1".ljust(len(content) - footer, b"\0") + content[-footer:])
    again, _ = finance.summed_days(lake, "Asia/Kolkata")
    assert again["cost"].to_list() == [30, 4]
    with pytest.raises(pl.exceptions.PolarsError):
        finance.summed_days(lake, "UTC")


def test_a_day_that_is_gone_leaves_the_books_and_a_damaged_one_is_told(lake):
    rows, read = finance.summed_days(lake, "UTC")
    lake.write(BUSINESS_DAYS, rows, inputs=read)
    folder = Path(lake.store.uri("call_costs/day=2026-10-31"))
    shutil.rmtree(folder)
    assert finance.summed_days(lake, "UTC")[0]["utc_day"].to_list() == [FIRST]
    folder.mkdir()
    (folder / "part.parquet").write_bytes(b"PAR1")
    with pytest.raises(LakeError, match="no whole Parquet file"):
        finance.summed_days(lake, "UTC")


def test_calls_that_retention_took_stay_in_the_books(lake):
    rows, read = finance.summed_days(lake, "UTC")
    lake.write(BUSINESS_DAYS, rows, inputs=read)
    lake.expire(CALL_COSTS, FIRST)
    assert finance.summed_days(lake, "UTC")[0].equals(rows)


def test_a_lake_without_calls_has_empty_books(tmp_path):
    books = kept(Lake(open_store(str(tmp_path))))
    assert (books.lines.height, books.adjustments.height) == (0, 0)


def test_the_assets_store_days_months_and_adjustments_and_do_the_same_twice(tmp_path, lake):
    text = "report_timezone: Asia/Kolkata\nfees:\n" \
        "- {name: gpu, usd_per_month: 10, by: spend, why: x}"  # fmt: skip
    assert materialize(tmp_path, text).success
    months = lake.read(MONTHLY_COSTS).select("month", "kind", "cost").rows()
    assert months == [
        ("2026-10", "fee", 10),
        ("2026-10", "usage", 30),
        ("2026-11", "fee", 10),
        ("2026-11", "usage", 31),
    ]
    tables = (BUSINESS_DAYS, COST_ADJUSTMENTS, MONTHLY_COSTS)
    before = [lake.store.read(f"{table.name}/part.parquet") for table in tables]
    assert materialize(tmp_path, text).success
    assert [lake.store.read(f"{table.name}/part.parquet") for table in tables] == before


def test_a_late_call_is_booked_once_however_many_nights_see_it(tmp_path, lake):
    close(lake)
    write(lake, call("2026-10-31 20:00", "31"), LATE | {"model": "m"})
    assert materialize(tmp_path).success
    assert materialize(tmp_path, now="2026-11-06T03:00:00").success
    (row,) = lake.read(COST_ADJUSTMENTS).rows(named=True)
    assert (row["difference"], row["first_seen"]) == (4, datetime.fromisoformat(NOW))
    assert materialize(tmp_path, now="2026-12-06T03:00:00").success
    assert lake.read(COST_ADJUSTMENTS).rows(named=True) == [row]
    found = lake.read(MONTHLY_COSTS).select("month", "kind", "cost").rows()
    assert found == [("2026-10", "usage", 61), ("2026-11", "adjustment", 4)]


def test_a_closed_month_keeps_its_adjustments_too(lake, tmp_path):
    close(lake)
    write(lake, LATE)
    assert materialize(tmp_path).success
    close(lake, "2026-11", now="2026-12-01T00:00:00")
    write(lake, call("2026-10-31 20:00", "31"))
    books = kept(lake, now="2026-12-02T00:00:00")
    found = books.lines.select("month", "kind", "of_month", "cost").rows()
    assert found == [
        ("2026-10", "usage", None, 61),
        ("2026-11", "adjustment", "2026-10", -27),
        ("2026-12", "adjustment", "2026-10", 27),
    ]


def test_the_check_finds_a_day_that_does_not_add_up(tmp_path, lake):
    write(lake, call("2026-10-31 20:00", "31"))
    lake.write(FEATURE_COSTS, feature_costs(costs(LATE)), day=date(2026, 10, 31))
    result = materialize_failing(tmp_path)
    (event,) = result.get_asset_check_evaluations()
    assert (event.passed, event.blocking) == (False, True)
    assert event.description == (
        "the business days of 1 UTC day(s) do not add up to the spend of the features"
    )


def test_a_day_whose_calls_are_no_longer_there_is_found_too(lake):
    lake.write(FEATURE_COSTS, feature_costs(costs(LATE)), day=date(2026, 11, 2))
    rows, read = finance.summed_days(lake, "UTC")
    lake.write(BUSINESS_DAYS, rows, inputs=read)
    assert finance.days_that_differ(lake).rows() == [(date(2026, 11, 2), 4, None)]


def materialize_failing(tmp_path):
    (tmp_path / "reference").mkdir()
    resource = LakeResource(root=str(tmp_path / "lake"))
    return dg.materialize(
        [business_days, business_days_add_up_to_the_last_digit],
        resources={
            "lake": resource,
            "io_manager": LakeIOManager(lake=resource),
            "reference": ReferenceFolder(path=str(tmp_path / "reference")),
        },
        raise_on_error=False,
    )
