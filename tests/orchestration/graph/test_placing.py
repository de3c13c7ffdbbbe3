"""The graph under a tenant's prefix: keys, tags, checks, events; and a night under it."""

import dagster as dg
import pytest
from dagster._core.definitions.assets.definition.cacheable_assets_definition import (
    CacheableAssetsDefinition,
)

from llmops_pipelines.orchestration.graph.placing import place
from llmops_pipelines.orchestration.runs.nightly import open_instance
from llmops_pipelines.tables import LANDED_DAYS
from tests.orchestration.folders import DAY, Folder, calls_of


class Computed(CacheableAssetsDefinition):
    """Assets of which nothing is known before they are asked for."""

    def compute_cacheable_data(self):
        return []

    def build_definitions(self, data):
        return []


TENANT = {"key_prefix": "acme/llm", "tenant": "acme"}


def key(*parts: str) -> dg.AssetKey:
    return dg.AssetKey(["acme", "llm", *parts])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("placed"), {**TENANT, "sample_per_day": 0})
    folder.log("one.jsonl", calls_of(DAY, 1, 2))
    return folder


def test_daily_checks_share_the_days_of_their_assets(folder):
    graph = folder.definitions().resolve_asset_graph()
    checks = {check.name: graph.get(check) for check in graph.asset_check_keys}
    days = graph.get(key("llm_calls")).partitions_def
    assert str(days.start.date()) == "2026-11-01"
    assert checks["calls_meet_expectations"].partitions_def == days
    assert checks["every_line_is_accounted_for"].partitions_def is None


def test_reference_files_lie_below_the_prefix_too(folder):
    graph = folder.definitions().resolve_asset_graph()
    assert key("reference", "prices") in graph.get(key("price_book")).parent_keys


def test_what_is_neither_asset_nor_check_cannot_be_placed(folder):
    cacheable = dg.Definitions(assets=[Computed("later")])
    with pytest.raises(TypeError, match="cannot place a Computed; expected an asset or a check"):
        place(cacheable, start=DAY, prefix="", tenant="")


@pytest.mark.slow
def test_a_night_under_a_prefix_reports_everything_below_it(folder):
    night = folder.night()
    assert night.failures == []
    assert night.computed[DAY] >= 19
    with open_instance(folder.root / ".dagster") as instance:
        assert {tuple(found.path[:2]) for found in instance.get_asset_keys()} == {("acme", "llm")}
        (event,) = instance.fetch_materializations(key("landed_days"), limit=9).records
        runs = [run for run in instance.get_runs() if run.tags.get("dagster/partition")]
        checked = instance.get_latest_asset_check_evaluation_record(
            dg.AssetCheckKey(key("llm_calls"), "calls_meet_expectations")
        )
    stored = folder.lake.stored(LANDED_DAYS, DAY)
    assert event.partition_key == str(DAY)
    assert event.asset_materialization.tags["dagster/data_version"] == stored.digest
    assert checked.evaluation.passed
    assert {run.tags["dagster/partition"] for run in runs} == {str(DAY)}
    assert folder.night().computed == {}
