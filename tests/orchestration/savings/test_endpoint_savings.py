"""Replays of the last days, from the lake."""

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest

from assets.savings import (
    batch_savings,
    no_cache_costs_more_than_it_saves,
    prompt_cache_savings,
)
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.savings import endpoint_savings
from llmops_pipelines.orchestration.savings.endpoint_savings import (
    batches_outdated,
    replayed_batches,
    replayed_prompts,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import (
    BATCH_SAVINGS,
    CALL_COSTS,
    CALL_TEXTS,
    LLM_CALLS,
    PRICE_BOOK,
    PROMPT_CACHE_SAVINGS,
)
from tests.golden.worlds import frame
from tests.savings.prompts import BOOK, GUIDE, asked
from tests.savings.prompts import frame as priced

FIRST = date(2026, 11, 10)
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}


@pytest.fixture
def lake(tmp_path):
    return Lake(open_store(str(tmp_path)))


def write(lake, day, *calls, without_text=()):
    """The calls on ``day``, whatever day they say, with their texts."""
    kept, costs, texts = [], [], []
    charges = priced(*calls)["cost"] if calls else []
    for call, cost in zip(calls, charges, strict=True):
        at = call["started_at"].replace(year=day.year, month=day.month, day=day.day)
        place = {"content_digest": f"d-{call['call_id']}", "source_line": 1}
        kept.append(
            {name: value for name, value in call.items() if name != "messages"}
            | {"started_at": at, "status": "ok", "context_steps": [], "tags": [], "copies": [],
               "trace_id": call["call_id"], "is_stream": None, "user_hash": None}
            | place
        )  # fmt: skip
        charged = {"call_id": call["call_id"], "cost": cost, "status": "ok", "started_at": at}
        costs.append(charged)
        if call["call_id"] not in without_text:
            texts.append(
                {"call_id": call["call_id"], "messages": call["messages"], "question": "q",
                 "answer": "a", "contexts": [], "tool_calls": []} | place
            )  # fmt: skip
    for table, rows in ((LLM_CALLS, kept), (CALL_COSTS, costs), (CALL_TEXTS, texts)):
        lake.write(table, table.require(frame(table, rows)), day=day)


def hour(day, system=lambda n: GUIDE, **fields):
    """A call a minute, twelve of them."""
    return [asked(n, system(n), call_id=f"{day}-{n}", **fields) for n in range(12)]


def of_feature(rows, name="chat"):
    return rows.row(by_predicate=pl.col("feature") == name, named=True)


def test_nothing_to_replay_is_an_empty_table(lake):
    assert replayed_prompts(lake).equals(PROMPT_CACHE_SAVINGS.empty())
    assert replayed_batches(lake, Features()).equals(BATCH_SAVINGS.empty())


def test_days_without_a_successful_call_have_no_rows(lake):
    lake.write(PRICE_BOOK, BOOK)
    write(lake, FIRST)
    assert replayed_prompts(lake).equals(PROMPT_CACHE_SAVINGS.empty())
    assert replayed_batches(lake, Features()).equals(BATCH_SAVINGS.empty())


def test_the_last_week_is_replayed_and_what_cannot_be_is_counted(lake):
    lake.write(PRICE_BOOK, BOOK)
    for n in range(9):
        day = FIRST + timedelta(days=n)
        write(lake, day, *hour(day), without_text=[f"{day}-3"])
    row = of_feature(replayed_prompts(lake))
    assert (row["first_day"], row["last_day"], row["days"]) == (
        FIRST + timedelta(days=2), FIRST + timedelta(days=8), 7,
    )  # fmt: skip
    assert (row["calls"], row["left_out_why"]) == (77, "7 without text")
    assert row["missed"] > 0
    assert row["saved_low"] < row["saved"] < row["saved_high"]


def test_where_prompts_differ_is_found_in_the_texts(lake):
    lake.write(PRICE_BOOK, BOOK)
    write(lake, FIRST, *hour(FIRST, lambda n: f"It is 09:{n:02}:17 now.\n{GUIDE}"))
    row = of_feature(replayed_prompts(lake))
    assert (row["main_reason"], row["volatile_shape"]) == ("order", "time")
    assert row["volatile_after"] == "system\nIt is "


def hourly(lake, day, hours=24):
    """A call an hour that nobody waits for."""
    calls = [asked(n, GUIDE, call_id=f"{day}-{n}", **CLAUDE) for n in range(hours)]
    clock = (call["started_at"].replace(hour=n) for n, call in enumerate(calls))
    write(lake, day, *(call | {"started_at": at} for call, at in zip(calls, clock, strict=True)))


def test_a_year_is_of_as_many_days_as_traffic_lasted(lake):
    lake.write(PRICE_BOOK, BOOK)
    for n in range(4):
        hourly(lake, FIRST + timedelta(days=n))
    whole = a_years(lake)
    hourly(lake, FIRST + timedelta(days=4), hours=2)  # which is today
    assert a_years(lake) == pytest.approx(whole, rel=0.01)


def test_who_calls_on_weekdays_does_not_call_on_365_days(lake):
    lake.write(PRICE_BOOK, BOOK)
    monday = date(2026, 11, 9)
    hourly(lake, monday)
    whole = a_years(lake)
    for n in (1, 2, 3, 4, 7, 8, 9, 10, 11):
        hourly(lake, monday + timedelta(days=n))
    # The last seven of these days with the weekend, and another one behind them.
    assert a_years(lake) == pytest.approx([7 / 11 * each for each in whole], rel=0.01)


def a_years(lake):
    marked = Features(features={"chat": Feature(interactive=False)})
    found = replayed_batches(lake, marked), replayed_prompts(lake)
    return [of_feature(rows)["saved_a_year"] for rows in found]


def test_unchanged_inputs_are_not_replayed_again(lake, monkeypatch):
    lake.write(PRICE_BOOK, BOOK)
    write(lake, FIRST, *hour(FIRST))
    first = replayed_prompts(lake), replayed_batches(lake, Features())
    lake.write(PROMPT_CACHE_SAVINGS, first[0])
    lake.write(BATCH_SAVINGS, first[1])
    with monkeypatch.context() as patched:
        patched.setattr(endpoint_savings, "_calls", None)
        assert replayed_prompts(lake).equals(first[0])
        assert replayed_batches(lake, Features()).equals(first[1])
    assert not batches_outdated(lake, Features())
    marked = Features(features={"chat": Feature(interactive=False)})
    assert batches_outdated(lake, marked), "the next night replays it, without new calls too"
    assert of_feature(replayed_batches(lake, marked))["kind"] == "marked"
    write(lake, FIRST, *hour(FIRST)[:6])
    assert of_feature(replayed_prompts(lake))["calls"] == 6


def test_a_window_of_too_many_calls_is_shortened_by_whole_days(lake, monkeypatch):
    lake.write(PRICE_BOOK, BOOK)
    days = [FIRST + timedelta(days=n) for n in range(3)]
    for day in days:
        write(lake, day, *hour(day))
    monkeypatch.setattr(endpoint_savings, "MOST_CALLS", 30)
    row = of_feature(replayed_prompts(lake))
    assert (row["first_day"], row["days"], row["calls"]) == (days[1], 2, 24)
    monkeypatch.setattr(endpoint_savings, "MOST_CALLS", 1)
    assert of_feature(replayed_prompts(lake))["calls"] == 12


def test_the_assets_store_show_and_check(lake, tmp_path):
    lake.write(PRICE_BOOK, BOOK)
    wasted = {"uncached_input": 100, "cache_write_5m": 1_900, **CLAUDE}
    write(lake, FIRST, *hour(FIRST, lambda n: f"{n}\n{GUIDE}", **wasted))
    resource = LakeResource(root=str(tmp_path))
    result = dg.materialize(
        [prompt_cache_savings, batch_savings, no_cache_costs_more_than_it_saves],
        resources={
            "lake": resource,
            "io_manager": LakeIOManager(lake=resource),
            "reference": ReferenceFolder(path=str(tmp_path / "reference")),
        },
    )
    row = of_feature(lake.read(PROMPT_CACHE_SAVINGS))
    assert row["already_saved"] < 0
    assert of_feature(lake.read(BATCH_SAVINGS))["kind"] == "interactive"
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert check.description.startswith("1 prompt(s) for which writing to the cache cost more")
    metadata = result.asset_materializations_for_node("prompt_cache_savings")[0].metadata
    assert "data:image/png" in metadata["chart"].value
    assert {told["feature"] for told in metadata["prompts"].value} == {"chat", "*"}
