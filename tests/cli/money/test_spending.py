"""`llmops costs`: spend by any dimension, for people, machines and BI."""

import json
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.tables import CALL_COSTS, COST_CUBE
from tests.cli.worlds import invoke
from tests.priced_lake import judge_call, priced_lake
from tests.pricing.factories import at, call


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("spending")
    used = {"uncached_input": 1_000, "output_text": 100}
    lake = priced_lake(
        root,
        [
            call(started_at=at("2026-11-10 09:00"), user_hash="u-1", session_id="s-1", **used),
            call(started_at=at("2026-11-10 10:00"), user_hash="u-2", attempt=2, **used),
            call(started_at=at("2026-11-11 10:00"), user_hash="u-1", is_batch=True, **used),
            call(started_at=at("2026-11-11 11:00"), model="unheard-of", **used),
        ],
        [judge_call(1, cost=Decimal("0.25")), judge_call(2, asked_at=at("2026-12-24"))],
    )
    return root, lake


def asked(root, *arguments):
    said = invoke("--data", root, "costs", *arguments, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.mark.parametrize(
    "by", ["day", "hour", "feature", "user,day", "session", "retry", "batch", "prompt_version"]
)
def test_every_dimension_adds_up_to_the_calls(world, by):
    root, lake = world
    told = asked(root, "--by", by)
    truth = lake.read(CALL_COSTS)["cost"].sum()
    assert told["adds_up"] is True
    assert Decimal(told["total_usd"]) == truth
    assert sum(Decimal(row["cost_usd"] or 0) for row in told["rows"]) == truth
    assert told["unpriced_calls"] == 1
    assert sum(row["calls"] for row in told["rows"]) == 4


def test_no_amount_is_cut_however_many_dimensions(world):
    wide = "--by", "user,session,model,feature,team,day"
    said = invoke("--data", world[0], "costs", *wide, environment={"COLUMNS": "80"})
    told = asked(world[0], *wide)
    assert said.returncode == 0, said.stderr
    for row in told["rows"]:
        assert row["cost_usd"] is None or f"${float(row['cost_usd']):,.6f}" in said.stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in said.stdout


def test_calls_of_which_no_cost_is_known_come_to_no_total(tmp_path):
    used = {"uncached_input": 1, "output_text": 1}
    priced_lake(tmp_path, [call(model="unheard-of", **used)])
    told = asked(tmp_path)
    assert (told["total_usd"], told["adds_up"], told["unpriced_calls"]) == (None, True, 1)
    said = invoke("--data", tmp_path, "costs")
    assert "total unknown: of none of 1 calls the cost is known" in said.stdout
    assert "$0" not in said.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("costs", "--by", "feature"),
        ("drivers", "--from", "2026-11-08", "--to", "2026-11-14"),
    ],
)
def test_names_from_logs_are_shown_as_they_are_written(tmp_path, command):
    """Square brackets are markup to the library that draws tables: it ate them, or failed."""
    used = {"uncached_input": 1, "output_text": 1}
    days = [at(f"2026-11-{day:02} 09:00") for day in range(1, 15)]
    names = ("chat [beta]", "mail [/beta]")
    priced_lake(tmp_path, [call(feature=f, started_at=d, **used) for d in days for f in names])
    said = invoke("--data", tmp_path, *command, environment={"COLUMNS": "300"})
    assert said.returncode == 0, said.stderr
    assert all(name in said.stdout for name in names)


def test_evaluation_stands_apart_and_only_that_of_the_days_asked_for(world):
    told = asked(world[0], "--from", "2026-11-10", "--to", "2026-11-11")
    assert told["evaluation"] == {"calls": 1, "unpriced_calls": 0, "cost_usd": "0.25"}


def test_evaluation_after_the_last_calls_is_not_lost(world):
    """A night judges the days before it: its judges are asked when the last calls are over."""
    assert asked(world[0])["evaluation"]["calls"] == 2
    assert asked(world[0], "--to", "2026-11-11")["evaluation"]["calls"] == 1
    assert asked(world[0], "--from", "2026-11-11", "--to", "2026-11-12")["evaluation"]["calls"] == 1


def test_evaluation_without_any_price_is_unknown_and_not_free(tmp_path):
    priced_lake(tmp_path, [call(uncached_input=1, output_text=1)], [judge_call(1, cost=None)])
    assert asked(tmp_path)["evaluation"] == {"calls": 1, "unpriced_calls": 1, "cost_usd": None}
    said = invoke("--data", tmp_path, "costs")
    assert "evaluation, apart: 1 judge calls, all of unknown cost" in said.stdout


def test_days_can_be_chosen_and_people_are_told_the_sum(world):
    said = invoke("--data", world[0], "costs", "--from", "2026-11-11", "--by", "user", "--top", "1")
    assert said.returncode == 0, said.stderr
    assert "1 more row(s)" in said.stdout
    assert "is the sum of these rows, to the last digit, of 2 calls" in said.stdout
    assert "1 successful call(s) without a price are not in it" in said.stdout


@pytest.mark.parametrize(
    ("name", "read"), [("bi.csv", pl.read_csv), ("bi.parquet", pl.read_parquet)]
)
def test_bi_gets_every_row_and_tells_evaluation_by_a_column(world, tmp_path, name, read):
    said = invoke("--data", world[0], "costs", "--by", "day,model", "--out", tmp_path / name)
    assert said.returncode == 0, said.stderr
    rows = read(tmp_path / name)
    assert rows.group_by("spend").len().sort("spend").rows() == [
        ("evaluation", 1),
        ("production", 3),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--by", "colour"), "'colour': spend can be divided by day"),
        (("--from", "2027-01-01"), "has costs; those from 2026-11-10 to"),
        (("--out", "bi.xlsx"), "expected a .csv or .parquet file, not '.xlsx'"),
        (("--out", "/proc/none/bi.csv"), "choose another --out"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_remedy(world, arguments, says):
    said = invoke("--data", world[0], "costs", *arguments)
    assert said.returncode == 2
    assert says in said.stderr
    assert "Traceback" not in said.stderr


def test_a_cube_that_lost_rows_is_told(tmp_path):
    used = {"uncached_input": 1_000, "output_text": 100}
    rows = [call(feature=name, **used) for name in ("chat", "search")]
    lake = priced_lake(tmp_path, rows)
    day = lake.days(COST_CUBE)[0]
    lake.write(COST_CUBE, lake.read(COST_CUBE, [day]).drop("day").head(1), day=day)
    said = invoke("--data", tmp_path, "costs")
    assert said.returncode == 1
    assert "is NOT the sum of these rows" in said.stdout
