"""Past days at other prices, over a real lake of three days: both figures stay, other days too."""

import hashlib
import json
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import polars as pl
import pytest

from llmops_pipelines import cost, ingest, pricing
from llmops_pipelines.orchestration.graph.daily import input_digests
from llmops_pipelines.orchestration.graph.resources import Clock, LogFolder
from llmops_pipelines.orchestration.graph.staleness import daily_assets
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import land_new_files
from llmops_pipelines.orchestration.runs import repricing
from llmops_pipelines.orchestration.runs.repricing import Repricing, history, plan_day, record_day
from llmops_pipelines.reference import parse_document
from llmops_pipelines.tables import (
    CALL_COSTS,
    COST_CUBE,
    FEATURE_COSTS,
    LANDED_CALLS,
    LANDED_DAYS,
    LLM_CALLS,
    PRICE_RESTATEMENTS,
    Table,
)
from tests.cli.worlds import call, invoke, text
from tests.ingest.worlds import options
from tests.orchestration.folders import DAY, NEXT, Folder

LAST = NEXT + timedelta(days=1)
DAYS = [DAY, NEXT, LAST]
COMPUTED = ("llm_calls", "call_costs", "feature_costs", "cost_cube")
RANGE = ("--from", DAY, "--to", LAST)


def prices(input_price: str, since: date = NEXT, until: date = LAST) -> str:
    """A price of the model of all calls, for one day unless said."""
    return (
        "overrides:\n- provider: openai\n  model: gpt-4.1-mini\n  why: contract\n"
        f"  valid_from: {since}\n  valid_to: {until}\n"
        f"  prices: {{uncached_input: {input_price}, output_text: 1}}\n"
    )


def log(day: date, *numbers: int) -> bytes:
    return text(*(call(number, timestamp=f"{day}T09:{number:02d}:00Z") for number in numbers))


def files(folder: Folder) -> dict[str, tuple[str, int]]:
    """Content and time of change of every file of the lake."""
    root = folder.root / "lake"
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in root.rglob("*")
        if path.is_file()
    }


def compute(folder: Folder, day: date) -> None:
    """What a night computes of the day's costs, straight from the library."""
    lake, windows = folder.lake, {a.table: a.windows for a in daily_assets(specs(folder))}

    def write(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        lake.write(table, frame, day=day, inputs=input_digests(lake, windows[table.name], day))
        return frame

    landed = landed_rows(lake, LANDED_CALLS, day, lake.read(LANDED_DAYS, [day]))
    calls = write(LLM_CALLS, ingest.llm_calls(landed))
    costs = write(CALL_COSTS, pricing.price_calls(calls, book(folder)))
    write(FEATURE_COSTS, cost.feature_costs(costs))
    write(COST_CUBE, cost.cost_cube(calls.select(cost.CUBE_COLUMNS), costs))


def specs(folder: Folder):
    return folder.definitions().resolve_all_asset_specs()


def book(folder: Folder) -> pl.DataFrame:
    return _book_of((folder.root / "reference" / "prices.yaml").read_text())


@cache
def _book_of(text: str) -> pl.DataFrame:
    return pricing.price_book(parse_document(text, pricing.PriceOverrides, file="prices.yaml"))


def reprice(folder: Folder, *arguments: object):
    said = invoke(
        *("--data", folder.root, "reprice", *arguments, "--json"),
        environment={"LLMOPS_NOW": "2026-11-13T06:00:00", "LLMOPS_START": "2026-11-01"},
    )
    return said, json.loads(said.stdout) if said.stdout else None


def spent(folder: Folder, day: date) -> Decimal:
    return folder.lake.read(CALL_COSTS, [day])["cost"].sum()


def planned(folder: Folder, day: date = NEXT) -> repricing.DayPlan:
    return plan_day(folder.lake, book(folder), daily_assets(specs(folder)), day)


def recorded(folder: Folder, day: date = NEXT, name: str = "r1") -> pl.DataFrame:
    clock = Clock(fixed="2026-11-13T06:00:00")
    return record_day(folder.lake, book(folder), day, Repricing(restatement=name), clock)


def states(folder: Folder, day: date = NEXT) -> list[tuple[int, str]]:
    rows = history(folder.lake, [day]).select("number", "state").unique(maintain_order=True)
    return rows.rows()


# A story: each test goes on where the one before stopped.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("reprice") / "data", {"sample_per_day": 0})
    folder.with_reference()
    folder.edit("prices.yaml", "overrides: []\n")
    for number, day in enumerate(DAYS):
        folder.log(f"{day}.jsonl", log(day, *range(3 * number, 3 * number + 3)))
    land_new_files(folder.lake, LogFolder(root=str(folder.root / "logs")).files(), options())
    for day in DAYS:
        compute(folder, day)
    return folder


def test_both_figures_are_shown_before_somebody_agrees_and_nothing_is_written(folder):
    folder.edit("prices.yaml", prices("2"))
    before, old = files(folder), spent(folder, NEXT)
    said, _ = reprice(folder, *RANGE)
    assert said.returncode == 2
    assert "add --yes, or --dry-run to only look" in said.stderr
    said, told = reprice(folder, *RANGE, "--dry-run")
    assert said.returncode == 0
    assert [day["state"] for day in told["days"]] == ["same", "changes", "same"]
    changing = told["days"][1]
    told_of = {name: Decimal(text) for name, text in changing.items() if name.endswith("_usd")}
    assert told_of["cost_before_usd"] == old
    assert told_of["difference_usd"] == told_of["cost_after_usd"] - told_of["cost_before_usd"] != 0
    assert (changing["calls"], changing["calls_changed"]) == (3, 3)
    assert (told["total"]["calls"], told["total"]["calls_changed"]) == (9, 3)
    (group,) = told["groups"]
    assert (group["day"], group["model"]) == (str(NEXT), "gpt-4.1-mini-2025-04-14")
    assert group["difference_usd"] == changing["difference_usd"]
    assert files(folder) == before


def test_one_price_restates_only_the_day_it_touches(folder):
    before, old = files(folder), spent(folder, NEXT)
    said, told = reprice(folder, *RANGE, "--yes", "--why", "invoice 12")
    assert (said.returncode, told["restated"], told["failures"]) == (0, [str(NEXT)], [])
    after = files(folder)
    daily = {name for name in before | after if "day=" in name}
    touched = {name for name in daily if before.get(name) != after.get(name)}
    assert touched == {
        *(f"{name}/day={NEXT}/part.parquet" for name in COMPUTED[1:]),
        f"price_restatements/day={NEXT}/000001.parquet",
    }
    new = spent(folder, NEXT)
    assert new == Decimal(told["days"][1]["cost_after_usd"]) != old
    for table in (FEATURE_COSTS, COST_CUBE):
        assert folder.lake.read(table, [NEXT])["cost"].sum() == new
    (row,) = folder.lake.read(PRICE_RESTATEMENTS, [NEXT]).rows(named=True)
    assert (row["cost_before"], row["cost_after"], row["why"]) == (old, new, "invoice 12")
    assert (row["calls"], row["calls_changed"]) == (3, 3)
    assert row["prices_before"][0].startswith("genai-prices ")
    assert row["prices_after"] == ["prices.yaml overrides.0: contract: openai/gpt-4.1-mini"]
    assert states(folder) == [(1, "holds")]


def test_a_second_time_says_that_nothing_changes_and_writes_nothing(folder):
    before = files(folder)
    said, told = reprice(folder, *RANGE, "--yes")
    assert said.returncode == 0
    assert "nothing changes: the 9 calls of 3 day(s)" in said.stderr
    assert [day["state"] for day in told["days"]] == ["same"] * 3
    assert (told["groups"], told["restated"]) == ([], [])
    assert files(folder) == before


def test_stopped_after_the_record_the_same_command_goes_on_and_the_earlier_one_stays(folder):
    folder.edit("prices.yaml", prices("3"))
    rows = recorded(folder)
    assert states(folder) == [(1, "replaced"), (2, "unfinished")]
    assert planned(folder).state == "changes"
    assert recorded(folder, name="r2").equals(rows)
    said, told = reprice(folder, *RANGE, "--yes")
    assert (said.returncode, told["restated"]) == (0, [str(NEXT)])
    assert states(folder) == [(1, "replaced"), (2, "holds")]


def test_the_history_tells_every_restatement_with_both_figures(folder):
    said, told = reprice(folder, "--history", "--from", NEXT)
    assert said.returncode == 0
    first, second = told
    assert first["cost_after_usd"] == second["cost_before_usd"]
    assert [row["state"] for row in told] == ["replaced", "holds"]
    plain = invoke("--data", folder.root, "reprice", "--history").stdout.splitlines()
    assert len(plain) == 2
    assert "replaced; 2026-11-13 06:00: invoice 12" in plain[0]
    assert "holds; 2026-11-13 06:00: no reason given" in plain[1]


def test_stopped_after_the_costs_what_rests_on_them_is_still_computed(folder):
    folder.edit("prices.yaml", prices("5"))
    recorded(folder)
    lake = folder.lake
    costs = pricing.price_calls(lake.read(LLM_CALLS, [NEXT]).drop("day"), book(folder))
    lake.write(CALL_COSTS, costs, day=NEXT, inputs=lake.stored(CALL_COSTS, NEXT).inputs)
    assert folder.lake.read(FEATURE_COSTS, [NEXT])["cost"].sum() != spent(folder, NEXT)
    assert planned(folder).state == "unfinished"
    assert planned(folder, DAY).state == "same"
    said, told = reprice(folder, *RANGE, "--yes")
    assert (said.returncode, told["restated"]) == (0, [str(NEXT)])
    assert folder.lake.read(FEATURE_COSTS, [NEXT])["cost"].sum() == spent(folder, NEXT)
    assert states(folder)[-1] == (3, "holds")
    assert planned(folder).state == "same"


def test_a_price_edited_again_before_it_held_is_told(folder):
    folder.edit("prices.yaml", prices("6"))
    recorded(folder)
    folder.edit("prices.yaml", prices("7"))
    recorded(folder)
    assert states(folder)[-2:] == [(4, "never_held"), (5, "unfinished")]


def test_days_that_cannot_be_priced_again_are_left_and_said(folder):
    folder.log("late.jsonl", log(DAY, 50))
    land_new_files(folder.lake, LogFolder(root=str(folder.root / "logs")).files(), options())
    folder.lake.expire(LLM_CALLS, LAST)
    before = files(folder)
    said, told = reprice(folder, *RANGE, "--dry-run")
    assert said.returncode == 1
    waiting, changing, expired = told["days"]
    assert waiting == {"day": str(DAY), "state": "not_computed"}
    assert changing["state"] == "changes"
    assert expired == {"day": str(LAST), "state": "expired"}
    assert f"1 day(s) have logs that are not computed yet and were left, the first {DAY}" in (
        said.stderr
    )
    assert f"1 day(s) keep their costs, the last {LAST}" in said.stderr
    assert files(folder) == before


def test_days_without_calls_are_named_with_those_there_are(folder):
    said, _ = reprice(folder, "--from", "2026-01-01", "--to", "2026-01-02")
    assert said.returncode == 2
    assert f"the lake holds {DAY} to {LAST}" in said.stderr
    assert invoke("--data", folder.root, "reprice", "--from", DAY).returncode == 2


def test_an_empty_lake_has_no_history(tmp_path):
    said = invoke("--data", tmp_path, "reprice", "--history")
    assert (said.returncode, said.stdout) == (0, "nothing was ever restated\n")
