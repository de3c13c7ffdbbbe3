"""The graph as Dagster sees it: it loads light, is documented, and can be placed anywhere."""

import json
import subprocess
import sys
from datetime import date

import dagster as dg
import pytest

from llmops_pipelines.definitions import Settings, build_definitions
from llmops_pipelines.orchestration.graph.daily import INPUTS_KEY
from llmops_pipelines.tables import TABLES

HEAVY = [
    "torch", "ragas", "great_expectations", "sentence_transformers", "matplotlib", "scipy",
    "sklearn", "statsmodels", "openai",
]  # fmt: skip

LOAD = """
import json, resource, sys
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
import llmops_pipelines.definitions as location
location.defs().resolve_all_asset_specs()
print(json.dumps([name for name in sys.argv[1:] if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def definitions(tmp_path_factory):
    return build_definitions(Settings(data=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def specs(definitions):
    return list(definitions.resolve_all_asset_specs())


def test_loading_the_code_location_imports_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, *HEAVY],
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == []


def test_every_asset_says_what_it_is_and_who_owns_it(specs):
    silent = [
        spec.key.to_user_string()
        for spec in specs
        if not (spec.description and spec.group_name not in (None, "default"))
    ]
    assert silent == []
    assert [spec.key.to_user_string() for spec in specs if not spec.owners] == []
    assert [spec.key.to_user_string() for spec in specs if not spec.kinds] == []


def test_every_daily_asset_stores_the_table_of_its_name(specs):
    daily = [spec for spec in specs if INPUTS_KEY in spec.metadata]
    assert len(daily) >= 20
    for spec in daily:
        assert spec.key.path[-1] == spec.metadata["llmops/table"]
        columns = spec.metadata["dagster/column_schema"].columns
        assert [column.name for column in columns] == TABLES[spec.key.path[-1]].schema.names()


def test_every_daily_asset_but_rollback_and_pull_recomputes_by_itself(specs):
    asked = [
        spec.key.path[-1]
        for spec in specs
        if INPUTS_KEY in spec.metadata and spec.automation_condition is None
    ]
    assert sorted(asked) == ["pulled_logs", "rollbacks"]


def test_jobs_schedule_and_sensors_are_there(definitions):
    repository = definitions.get_repository_def()
    assert {schedule.name for schedule in repository.schedule_defs} == {"nightly"}
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "automation_sensor",
        "landing_sensor",
        "alert_sensor",
        "rollback_sensor",
        "run_failure_sensor",
        "judge_batches_sensor",
        "owed_verdicts_sensor",
    }
    assert {"nightly_job", "land_job", "roll_back_job", "judge_job", "rescore_job"} <= set(
        repository.job_names
    )


def test_checks_that_guard_money_and_lines_block(definitions):
    graph = definitions.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert blocking == {
        "every_line_is_accounted_for",
        "every_landed_call_is_kept_or_a_duplicate",
        "calls_meet_expectations",
        "spend_adds_up_to_the_last_digit",
        "cube_adds_up_to_the_last_digit",
        "business_days_add_up_to_the_last_digit",
    }


def test_prefix_tenant_first_day_and_schedule_name_are_settings(tmp_path):
    placed = build_definitions(
        Settings(
            data=tmp_path,
            key_prefix="acme/llm",
            tenant="acme",
            start=date(2026, 1, 1),
            schedule_name="acme_nightly",
        )
    )
    specs = list(placed.resolve_all_asset_specs())
    assert {spec.key.path[:2] == ["acme", "llm"] for spec in specs} == {True}
    computed = [spec for spec in specs if spec.group_name != "reference"]
    assert {spec.tags["llmops/tenant"] for spec in computed} == {"acme"}
    starts = {spec.partitions_def.start for spec in specs if spec.partitions_def}
    assert {start.date() for start in starts} == {date(2026, 1, 1)}
    repository = placed.get_repository_def()
    assert [schedule.name for schedule in repository.schedule_defs] == ["acme_nightly"]
    graph = placed.resolve_asset_graph()
    assert all(key.asset_key.path[:2] == ["acme", "llm"] for key in graph.asset_check_keys)
    prefixed = dg.AssetKey(["acme", "llm", "call_costs"])
    assert dg.AssetKey(["acme", "llm", "llm_calls"]) in graph.get(prefixed).parent_keys


def test_a_backfill_of_all_nightly_days_reaches_every_table(definitions):
    graph = definitions.resolve_asset_graph()
    chosen = {
        key
        for key in definitions.resolve_job_def("nightly_job").asset_layer.selected_asset_keys
        if graph.get(key).is_partitioned
    }
    # As Dagster does: from what descends from nothing chosen, from parent to child.
    reached = set(dg.AssetSelection.assets(*chosen).roots().resolve(graph))
    roots = set(reached)
    while found := {key for key in chosen - reached if graph.get(key).parent_keys & reached}:
        reached |= found
    assert dg.AssetKey("pulled_logs") in roots
    assert chosen == reached
