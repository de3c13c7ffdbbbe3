"""`llmops export`: the cost table as a FOCUS data set."""

import json
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.tables import CALL_COSTS
from tests.cli.worlds import invoke
from tests.priced_lake import priced_lake
from tests.pricing.factories import at, call


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("exporting")
    used = {"uncached_input": 601, "cache_read": 399, "output_text": 77}
    rows = [
        call(started_at=at(f"2026-11-{day} 09:00"), team=team, **used)
        for day in (10, 11)
        for team in ("a", None)
    ]
    odd = call(started_at=at("2026-11-11 10:00"), model="unheard-of", **used)
    return root, priced_lake(root, [*rows, odd])


@pytest.mark.parametrize("name", ["focus.csv", "focus.parquet"])
def test_a_file_is_written_adds_up_and_meets_the_specification(world, tmp_path, name):
    root, lake = world
    said = invoke("--data", root, "export", "focus", "--out", tmp_path / name, "--json")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    spent = lake.read(CALL_COSTS)["cost"].sum()
    assert Decimal(told["billed_usd"]) == Decimal(told["calls_usd"]) == spent
    assert (told["violations"], told["unpriced_calls"], told["rows"]) == ([], 1, 12)
    again = invoke("export", "validate-focus", tmp_path / name)
    assert again.returncode == 0, again.stdout
    assert "meets FOCUS 1.2: no rule is broken" in again.stdout


def test_the_cells_of_a_csv_are_plain_digits_that_sum_to_the_calls(world, tmp_path):
    root, lake = world
    file = tmp_path / "focus.csv"
    said = invoke("--data", root, "export", "focus", "--out", file, "--from", "2026-11-11")
    assert "BilledCost $0.004035: exactly what the priced calls cost, $0.004035" in said.stdout
    cells = pl.read_csv(file, infer_schema=False)
    billed = sum(map(Decimal, cells["BilledCost"]))
    assert billed == lake.read(CALL_COSTS).filter(day=at("2026-11-11").date())["cost"].sum()
    assert set(cells["x_Team"]) == {"a", "unattributed"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--out", "a.xlsx"), "expected a .csv or .parquet file"),
        (("--out", "a.csv", "--from", "2027-01-01"), "no day from 2027-01-01"),
        (("--out", "a.csv", "--account", " "), "name a billing account"),
        (("--out", "/proc/none/a.csv"), "choose another --out"),
    ],
)
def test_what_cannot_be_written_is_told_with_the_remedy(world, arguments, says):
    said = invoke("--data", world[0], "export", "focus", *arguments)
    assert said.returncode == 2
    assert says in said.stderr


def test_a_file_that_breaks_rules_is_told_and_what_is_no_table_too(tmp_path):
    (tmp_path / "a.csv").write_text("BilledCost,Team\n$4,a\n")
    said = invoke("export", "validate-focus", tmp_path / "a.csv")
    assert said.returncode == 1
    assert "BilledCost must be a plain decimal number in 1 row(s), first '$4'" in said.stdout
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    said = invoke("export", "validate-focus", tmp_path / "b.parquet")
    assert said.returncode == 2
    assert "cannot be read" in said.stderr
