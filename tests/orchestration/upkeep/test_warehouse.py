"""The lake as one DuckDB file: every public table, whole or as it was before."""

from datetime import timedelta
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import FolderStore
from llmops_pipelines.orchestration.upkeep.warehouse import FILE, PRIVATE, rebuild_warehouse
from llmops_pipelines.tables import ALERTS, BUDGET_STATUS, LANDED_DAYS, PRICE_BOOK, TABLES
from tests.incidents.factories import alert, alerts
from tests.orchestration.folders import DAY, NEXT, Folder
from tests.orchestration.worlds import landed


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    for day in (DAY, NEXT):
        change = alerts(alert("ok", "critical", day)).drop("day")
        folder.lake.write(ALERTS, change, day=day)
    folder.lake.write(PRICE_BOOK, PRICE_BOOK.empty())
    return folder


def query(folder: Folder, sql: str) -> list[tuple]:
    with duckdb.connect(str(folder.root / "lake" / FILE), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_every_public_table_is_there_even_when_it_is_empty(folder):
    rows = rebuild_warehouse(folder.lake)
    assert set(rows) == set(TABLES) - PRIVATE
    assert {name for (name,) in query(folder, "select table_name from duckdb_tables()")} == set(
        rows
    )
    assert {name: count for name, count in rows.items() if count} == {"alerts": 2}


def test_texts_and_landed_rows_stay_in_the_lake(folder):
    assert {"call_texts", "landed_calls", "landed_feedback"} <= PRIVATE <= set(TABLES)
    rebuild_warehouse(folder.lake)
    with pytest.raises(duckdb.CatalogException):
        query(folder, "from call_texts")


def test_days_are_a_column_and_money_stays_exact(folder):
    cost = {
        "kind": "total",
        "scope": "total",
        "period": "day",
        "period_days": 1,
        "report_timezone": "UTC",
        "spent": Decimal("0.000000000001"),
        "unpriced_calls": 0,
        "status": "within",
    }
    budgets = pl.DataFrame([cost], schema=BUDGET_STATUS.schema)
    folder.lake.write(BUDGET_STATUS, budgets, day=DAY)
    rebuild_warehouse(folder.lake)
    smallest = [(DAY, Decimal("0.000000000001"))]
    assert query(folder, "select day, spent from budget_status") == smallest
    assert query(folder, "select day from alerts order by day") == [(DAY,), (NEXT,)]


def test_a_reader_keeps_the_file_it_has_open_while_a_new_one_takes_its_place(folder):
    rebuild_warehouse(folder.lake)
    with duckdb.connect(str(folder.root / "lake" / FILE), read_only=True) as reader:
        day = NEXT + timedelta(days=1)
        folder.lake.write(ALERTS, alerts(alert("ok", "warning", day)).drop("day"), day=day)
        assert rebuild_warehouse(folder.lake)["alerts"] == 3
        assert reader.sql("select count(*) from alerts").fetchall() == [(2,)]
    assert query(folder, "select count(*) from alerts") == [(3,)]


def test_the_file_is_never_in_memory_whole(folder):
    class Streaming(FolderStore):
        def put(self, path, content):
            raise AssertionError(f"{len(content):,} bytes of {path} at once")

    rebuild_warehouse(Lake(Streaming(folder.root / "lake")))
    assert query(folder, "select count(*) from alerts") == [(2,)]


def test_a_rebuild_that_fails_leaves_the_old_file(folder):
    rebuild_warehouse(folder.lake)
    folder.lake.store.put(f"alerts/day={NEXT}/part.parquet", b"half a fi")
    with pytest.raises(RuntimeError, match="is no whole Parquet file"):
        rebuild_warehouse(folder.lake)
    assert query(folder, "select count(*) from alerts") == [(2,)]
    assert list((folder.root / "lake").glob(".writing*")) == []


def test_the_warehouse_asset_shows_the_rows_of_each_table(folder):
    folder.lake.write(LANDED_DAYS, landed(a="1"), day=DAY)
    result = folder.run("nightly_job", "warehouse")
    (event,) = result.asset_materializations_for_node("warehouse")
    assert event.metadata["alerts"].value == 2
    assert event.metadata["landed_days"].value == 1
