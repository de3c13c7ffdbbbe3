"""Reference files in Dagster: their digest is their data version."""

import dagster as dg
import pytest

from llmops_pipelines.orchestration.graph.reference_assets import digest_of
from llmops_pipelines.orchestration.graph.reference_files import MODELS
from tests.orchestration.folders import QUIET, Folder

FILES = {
    "sources", "features", "prices", "privacy", "budgets", "judges", "rubrics", "alert_rules",
    "prompts", "finance",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    folder.edit("budgets.yaml", "total: {daily_usd: 10}\n")
    folder.edit("prompts/answer.yaml", "name: answer\n")
    folder.edit("prompts/summary.yaml", "name: summary\n")
    return folder


def test_a_digest_follows_content_and_names_and_nothing_else(folder):
    reference = folder.root / "reference"
    first = digest_of(reference, "prompts/*.yaml")
    assert digest_of(reference, "prompts/*.yaml") == first
    (reference / "prompts/answer.yaml").touch()
    assert digest_of(reference, "prompts/*.yaml") == first
    (reference / "prompts/answer.yaml").rename(reference / "prompts/reply.yaml")
    renamed = digest_of(reference, "prompts/*.yaml")
    folder.edit("prompts/reply.yaml", "name: reply\n")
    assert len({first, renamed, digest_of(reference, "prompts/*.yaml")}) == 3


def test_content_cannot_move_from_one_file_to_another_unseen(folder):
    reference = folder.root / "reference"
    first = digest_of(reference, "prompts/*.yaml")
    folder.edit("prompts/answer.yaml", "name: summary\n")
    folder.edit("prompts/summary.yaml", "name: answer\n")
    assert digest_of(reference, "prompts/*.yaml") != first


def test_a_file_that_is_not_there_is_missing_not_an_error(folder):
    assert digest_of(folder.root / "reference", "prices.yaml") == "missing"
    assert digest_of(folder.root / "nowhere", "*.yaml") == "missing"


def test_every_reference_file_is_an_asset_that_can_be_observed(folder):
    graph = folder.definitions().resolve_asset_graph()
    edited = {key.path[-1] for key in graph.get_all_asset_keys() if key.path[0] == "reference"}
    assert edited == FILES
    assert {f"{name}.yaml" for name in FILES - {"prompts"}} == set(MODELS)
    assert all(graph.get(dg.AssetKey(["reference", name])).is_observable for name in FILES)


def test_an_observation_reports_the_digest(folder):
    key = dg.AssetKey(["reference", "budgets"])
    look = dg.define_asset_job("look", dg.AssetSelection.assets(key))
    looking = dg.Definitions.merge(folder.definitions(), dg.Definitions(jobs=[look]))
    with dg.DagsterInstance.ephemeral() as instance:
        looking.resolve_job_def("look").execute_in_process(instance=instance, run_config=QUIET)
        (record,) = instance.fetch_observations(key, limit=9).records
    expected = digest_of(folder.root / "reference", "budgets.yaml")
    assert record.asset_observation.tags["dagster/data_version"] == expected
