"""A late file has its day computed again: what that does to calls priced before is on record."""

from datetime import date
from decimal import Decimal

import pytest

from llmops_pipelines.orchestration.graph.resources import Clock
from llmops_pipelines.orchestration.runs.repricing import history, priced_day
from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.tables import CALL_COSTS, PRICE_RESTATEMENTS
from tests.priced_lake import priced_lake
from tests.pricing.factories import call, calls

DAY = date(2026, 11, 10)
CLOCK = Clock(fixed="2026-11-12T00:00:00")
DEARER = PriceOverrides.model_validate(
    {
        "overrides": [
            {"provider": "openai", "model": "gpt-4.1", "why": "C-1",
             "prices": {"uncached_input": 4, "output_text": 8}}
        ]
    }
)  # fmt: skip


def logged(number, tokens=1_000):
    return call(call_id=f"c{number}", model="gpt-4.1", uncached_input=tokens)


@pytest.fixture
def lake(tmp_path):
    return priced_lake(tmp_path, [logged(1), logged(2)])


def computed_again(lake, rows, book, run="run-7"):
    costs = priced_day(lake, calls(*rows), book, DAY, run_id=run, clock=CLOCK)
    lake.write(CALL_COSTS, costs, day=DAY)
    return costs


def test_calls_priced_before_keep_both_figures_and_late_calls_are_no_restatement(lake):
    rows = [logged(1), logged(2), logged(3, tokens=500)]
    costs = computed_again(lake, rows, price_book(DEARER))
    assert costs["cost"].sum() == Decimal("0.010")
    (row,) = history(lake).to_dicts()
    assert (row["calls"], row["calls_changed"]) == (2, 2)
    assert (row["cost_before"], row["cost_after"]) == (Decimal("0.004"), Decimal("0.008"))
    assert (row["restatement"], row["state"]) == ("run-7", "holds")
    assert "late logs" in row["why"]
    assert row["restated_at"] == CLOCK.now()


def test_late_calls_at_the_same_prices_restate_nothing(lake):
    computed_again(lake, [logged(1), logged(2), logged(3)], price_book(PriceOverrides()))
    assert lake.read(PRICE_RESTATEMENTS, [DAY]).is_empty()


def test_a_call_whose_tokens_are_others_now_is_no_restatement_of_prices(lake):
    rows = [logged(1, tokens=7), logged(2)]
    computed_again(lake, rows, price_book(PriceOverrides()))
    assert lake.read(PRICE_RESTATEMENTS, [DAY]).is_empty()


def test_what_stopped_before_the_costs_were_written_is_recorded_once(lake):
    rows, book = [logged(1), logged(2)], price_book(DEARER)
    priced_day(lake, calls(*rows), book, DAY, run_id="run-7", clock=CLOCK)
    assert history(lake)["state"].to_list() == ["unfinished"]
    computed_again(lake, rows, book, run="run-8")
    assert history(lake).select("restatement", "state").rows() == [("run-7", "holds")]


def test_a_day_that_was_never_priced_restates_nothing(tmp_path):
    lake = priced_lake(tmp_path, [])
    computed_again(lake, [logged(1)], price_book(DEARER))
    assert lake.read(PRICE_RESTATEMENTS, [DAY]).is_empty()
