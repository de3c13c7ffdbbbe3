"""`llmops drivers`: why one period cost more or less than another."""

import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.orchestration.money.period_drivers import Period, period_before
from llmops_pipelines.tables import CALL_COSTS
from tests.cli.worlds import invoke
from tests.priced_lake import priced_lake
from tests.pricing.factories import at, call

NOVEMBER = ("--from", "2026-11-01", "--to", "2026-11-30")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("drivers")
    used = {"uncached_input": 1_000, "output_text": 100}
    rows = [call(started_at=at(f"2026-10-{day:02} 09:00"), **used) for day in range(1, 31)]
    # Of the 31st in UTC; of November in Kolkata.
    rows.append(call(started_at=at("2026-10-31 20:00"), **used))
    for day in range(1, 31):
        moment = at(f"2026-11-{day:02} 09:00")
        rows.append(call(started_at=moment, **used | {"output_text": 300}))
        rows.append(call(started_at=moment, feature="new", model="gpt-4.1-mini", **used))
    rows.append(call(started_at=at("2026-11-03 11:00"), model="unheard-of", **used))
    return root, priced_lake(root, rows)


def told(root, *options):
    said = invoke("--data", root, "drivers", *options, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_a_month_is_held_against_the_one_before_and_the_parts_add_up(world):
    root, lake = world
    found = told(root, *NOVEMBER)
    assert (found["before"]["from"], found["before"]["to"]) == ("2026-10-01", "2026-10-31")
    assert (found["before"]["days_with_calls"], found["after"]["days_with_calls"]) == (31, 30)
    sums = {
        month: lake.read(CALL_COSTS).filter(pl.col("started_at").dt.month() == month)["cost"].sum()
        for month in (10, 11)
    }
    assert Decimal(found["before"]["cost_usd"]) == sums[10]
    assert Decimal(found["after"]["cost_usd"]) == sums[11]
    for feature in ("*", "chat", "new"):
        own = [row for row in found["drivers"] if row["feature"] == feature]
        assert len(own) == 8
        if feature == "*":
            assert sum(Decimal(row["amount_usd"]) for row in own) == sums[11] - sums[10]
    assert "without 1 calls that have no price (0 before)" in found["why"]


def test_days_are_those_of_the_business(world):
    root, _ = world
    reference = root / "reference"
    reference.mkdir(exist_ok=True)
    (reference / "finance.yaml").write_text("report_timezone: Asia/Kolkata\n")
    try:
        found = told(root, *NOVEMBER)
    finally:
        (reference / "finance.yaml").unlink()
    assert found["report_timezone"] == "Asia/Kolkata"
    assert found["before"]["days_with_calls"] == 30
    assert Decimal(found["before"]["cost_usd"]) == 30 * Decimal("0.0028")


def test_people_see_every_driver_the_reason_and_days_without_calls(world, tmp_path):
    root, _ = world
    out = tmp_path / "drivers.csv"
    asked = ("--from", "2026-11-29", "--to", "2026-12-02")
    said = invoke("--data", root, "drivers", *asked, "--out", out)
    assert said.returncode == 0, said.stderr
    assert (
        "2026-11-29 to 2026-12-02 against 2026-11-25 to 2026-11-28, in days of UTC" in said.stdout
    )
    assert "100% because there were 50% fewer requests" in said.stdout
    assert "2026-11-29 to 2026-12-02: 2 of 4 days have no calls" in said.stdout
    assert pl.read_csv(out).height == 3 * 8


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--from", "2027-01-01", "--to", "2027-01-02"), "there are some from 2026-10-01 to"),
        ((*NOVEMBER, "--before-from", "2026-10-01"), "name both or neither"),
        (
            (*NOVEMBER, "--before-from", "2026-10-01", "--before-to", "2026-11-01"),
            "have days in common",
        ),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "swap them"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_remedy(world, options, complaint):
    said = invoke("--data", world[0], "drivers", *options)
    assert said.returncode == 2
    assert complaint in " ".join(said.stderr.replace("│", " ").split())


def test_a_period_without_any_price_did_not_cost_nothing(tmp_path):
    used = {"uncached_input": 1_000, "output_text": 100}
    priced_lake(
        tmp_path,
        [
            call(started_at=at("2026-11-01 09:00"), model="unheard-of", **used),
            call(started_at=at("2026-11-02 09:00"), **used),
        ],
    )
    said = invoke("--data", tmp_path, "drivers", "--from", "2026-11-02", "--to", "2026-11-02")
    assert said.returncode == 2
    assert "none of the calls from 2026-11-01 to 2026-11-01 has a price" in said.stderr


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2026-01-01", "2026-01-31", ("2025-12-01", "2025-12-31")),
        ("2026-07-01", "2026-09-30", ("2026-04-01", "2026-06-30")),
        ("2026-03-02", "2026-03-31", ("2026-01-31", "2026-03-01")),
    ],
)
def test_whole_months_are_compared_with_whole_months(first, last, before):
    period = Period(date.fromisoformat(first), date.fromisoformat(last))
    assert tuple(map(str, period_before(period))) == before
