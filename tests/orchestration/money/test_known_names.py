"""Names in reference files that nothing has."""

import pytest

from llmops_pipelines import pricing
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.known_names import unknown_names
from llmops_pipelines.tables import CALL_COSTS
from tests.orchestration.folders import DAY, Folder
from tests.pricing.factories import call, calls

LIST = """
  - provider: {}
    model: m
    why: agreed
    prices: {{uncached_input: 1, output_text: 2}}
"""


@pytest.fixture
def lake(tmp_path):
    lake = Folder(tmp_path / "data").lake
    book = pricing.price_book(pricing.PriceOverrides())
    lake.write(CALL_COSTS, pricing.price_calls(calls(call(provider="Acme")), book), day=DAY)
    return lake


def test_a_price_list_of_a_provider_that_nothing_has_is_named(lake, tmp_path):
    lists = "".join(LIST.format(name) for name in ("opnai", "OpenAI", "acme", "azure_openai"))
    (tmp_path / "prices.yaml").write_text(f"overrides:{lists}")
    found = unknown_names(lake, ReferenceFolder(path=str(tmp_path)), DAY)
    ((place, name, instead),) = found.iter_rows()
    assert (place, name) == ("prices.yaml: overrides.0.provider", "opnai")
    assert "openai" in instead.split(", ")
