"""Assets as functions of a day: partitions, ranges, windows, data versions, staleness."""

import dagster as dg
import polars as pl
import pytest

from llmops_pipelines.orchestration.graph.staleness import daily_assets, stale_assets
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import BUDGET_STATUS, LANDED_DAYS, PROMETHEUS_METRICS
from tests.orchestration.worlds import FIRST, SECOND, SPECS, THIRD, landed, materialize


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "lake")


@pytest.fixture
def lake(root):
    lake = Lake(open_store(root))
    lake.write(LANDED_DAYS, landed(a="1"), day=FIRST)
    lake.write(LANDED_DAYS, landed(b="1", c="1"), day=SECOND)
    return lake


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def values(lake: Lake) -> dict[str, float]:
    return dict(lake.read(PROMETHEUS_METRICS).select("sample", "value").rows())


def test_a_day_reads_its_own_rows_and_a_window_reads_the_days_before(lake, root, instance):
    assert materialize(root, instance, FIRST).success
    assert materialize(root, instance, SECOND).success
    assert values(lake) == {"files_to_2026-11-01": 1.0, "files_to_2026-11-02": 3.0}


def test_a_range_in_one_run_gives_the_same_files_as_single_days(lake, root, instance, tmp_path):
    materialize(root, instance, FIRST, SECOND)
    ranged = [lake.stored(BUDGET_STATUS, day) for day in (FIRST, SECOND)]
    for day in (FIRST, SECOND):
        materialize(root, instance, day)
    assert [lake.stored(BUDGET_STATUS, day) for day in (FIRST, SECOND)] == ranged


def test_a_quiet_day_is_an_empty_frame_not_an_error(lake, root, instance):
    assert materialize(root, instance, THIRD).success
    assert values(lake) == {"files_to_2026-11-03": 0.0}


def test_the_data_version_is_the_digest_of_the_rows(lake, root, instance):
    result = materialize(root, instance, FIRST)
    (event,) = result.asset_materializations_for_node("budget_status")
    stored = lake.stored(BUDGET_STATUS, FIRST)
    assert event.tags["dagster/data_version"] == stored.digest
    assert event.metadata["dagster/row_count"].value == 1


def test_the_same_partition_twice_gives_the_same_bytes(lake, root, instance):
    materialize(root, instance, FIRST)
    path = f"budget_status/day={FIRST}/part.parquet"
    first = lake.store.read(path)
    materialize(root, instance, FIRST)
    assert lake.store.read(path) == first


def stale(lake: Lake, day) -> list[str]:
    return [asset.table for asset in stale_assets(lake, daily_assets(SPECS), day)]


def test_nothing_is_stale_after_a_run_and_everything_before(lake, root, instance):
    assert stale(lake, FIRST) == ["budget_status", "prometheus_metrics"]
    materialize(root, instance, FIRST)
    assert stale(lake, FIRST) == []


def test_what_is_asked_for_anew_is_stale_with_all_that_rests_on_it(lake, root, instance):
    materialize(root, instance, FIRST)
    assets = daily_assets(SPECS)
    for asked, found in [("budget_status", 2), ("prometheus_metrics", 1), ("other", 0)]:
        assert len(stale_assets(lake, assets, FIRST, anew=[asked])) == found


def test_a_late_file_restales_its_day_and_only_windowed_assets_of_the_next(lake, root, instance):
    materialize(root, instance, FIRST)
    materialize(root, instance, SECOND)
    lake.write(LANDED_DAYS, landed(a="1", late="1"), day=FIRST)
    assert stale(lake, FIRST) == ["budget_status", "prometheus_metrics"]
    assert stale(lake, SECOND) == []
    materialize(root, instance, FIRST)
    assert stale(lake, SECOND) == ["prometheus_metrics"]


def test_columns_of_a_table_are_shown_with_their_units():
    schema = SPECS[0].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == BUDGET_STATUS.schema.names()
    units = {column.name: column.tags.get("unit") for column in schema.columns}
    assert units["budget"] == "usd"
    assert units["scope"] is None


def test_only_the_columns_asked_for_are_read(lake, root, instance):
    materialize(root, instance, FIRST)
    plan = lake.scan(BUDGET_STATUS).select("scope").explain()
    assert "PROJECT 1/" in plan


def test_assets_that_read_one_another_in_a_circle_are_refused():
    spec = dg.AssetSpec("a", metadata={"llmops/table": "quality", "llmops/inputs": {"alerts": 1}})
    other = dg.AssetSpec("b", metadata={"llmops/table": "alerts", "llmops/inputs": {"quality": 1}})
    with pytest.raises(ValueError, match="circle: quality, alerts"):
        daily_assets([spec, other])


def test_a_frame_that_breaks_its_table_stops_the_run_and_keeps_the_old_partition(lake):
    good = landed(a="1")
    lake.write(LANDED_DAYS, good, day=FIRST)
    with pytest.raises(ValueError, match="batch: missing"):
        lake.write(LANDED_DAYS, good.drop("batch"), day=FIRST)
    assert lake.read(LANDED_DAYS, [FIRST]).drop("day").equals(good)
    assert isinstance(lake.scan(LANDED_DAYS), pl.LazyFrame)
