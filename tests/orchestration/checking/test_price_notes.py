"""What the doctor says of prices: old ones, missing ones, those that a source tells otherwise."""

from datetime import timedelta
from decimal import Decimal

import pytest

from llmops_pipelines import pricing
from llmops_pipelines.orchestration.checking.price_notes import about_prices
from llmops_pipelines.orchestration.money.catalogue import installed_catalogue
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, PRICE_BOOK
from tests.orchestration.folders import DAY, Folder
from tests.pricing.factories import call, calls

TODAY = DAY + timedelta(days=1)
TOKENS = {"uncached_input": 1_000_000, "output_text": 100_000}
BOOK = pricing.price_book(pricing.PriceOverrides())


@pytest.fixture
def lake(tmp_path):
    return Folder(tmp_path).lake


def store(lake, *rows):
    lake.write(PRICE_BOOK, BOOK)
    lake.write(LLM_CALLS, calls(*rows), day=DAY)
    lake.write(CALL_COSTS, pricing.price_calls(calls(*rows), BOOK), day=DAY)


def test_a_recent_catalogue_and_priced_calls_need_no_words(lake):
    assert list(about_prices(lake, TODAY, 3660)) == []
    store(lake, call(**TOKENS), call(**TOKENS, cost_reported=Decimal("2.8")))
    assert list(about_prices(lake, TODAY, 3660)) == []


def test_an_old_catalogue_is_said_without_a_lake(lake):
    day = installed_catalogue(TODAY).day
    (said,) = about_prices(lake, day + timedelta(days=2), 1)
    assert f"is of {day}, 2 days ago, more than 1 " in said


def test_missing_and_differing_prices_are_named_with_figures_and_remedy(lake):
    unknown = call(model="acme-7b", provider="acme", **TOKENS)
    store(lake, unknown, call(**TOKENS), call(**TOKENS, cost_reported=Decimal("1.4")))
    told, model, differing = about_prices(lake, TODAY, 3660)
    assert told == (
        f"from {DAY} to {DAY} 1 call(s) of 1 model(s) have no price (1 unknown_model); spend "
        "leaves out an estimated $2.8000, at the prices of other models"
    )
    assert model.startswith(
        "no price: 1 call(s) of acme/acme-7b (unknown_model), an estimated $2.8000, at "
        "models that the same feature uses; under `overrides:` in prices.yaml: - {provider: "
    )
    assert differing == (
        f"from {DAY} to {DAY} 1 of 1 call(s) of openai/gpt-4.1 cost $1.4000 by their source's "
        "account and $2.8000 by ours: charged as a batch, which the log does not tell "
        "(1 of 1 calls)"
    )
