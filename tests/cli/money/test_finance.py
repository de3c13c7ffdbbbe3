"""`llmops chargeback` and `llmops close-month`, as people run them."""

import csv
import io
import json
from datetime import UTC, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.pricing import PriceOverrides, price_book
from llmops_pipelines.tables import CALL_COSTS, CLOSED_COSTS, JUDGE_CALLS, PRICE_BOOK
from tests.cli.worlds import data_folder, invoke
from tests.cost.factories import costs
from tests.finance.worlds import call
from tests.priced_lake import judge_call
from tests.pricing.factories import at

NOW = {"LLMOPS_NOW": "2026-11-05T03:00:00Z", "COLUMNS": "200"}
RULES = """
report_timezone: Europe/Berlin
report_currency: EUR
max_rate_age_days: 31
exchange_rates:
- {date: 2026-10-01, currency: EUR, per_usd: 0.9, source: ECB}
shared_costs:
- {name: gateway, usd_per_month: 5, by: spend, why: hosting}
"""


@pytest.fixture
def folder(tmp_path):
    root = data_folder(tmp_path, {}, {"finance.yaml": RULES})
    calls = (
        call("2026-10-02 12:00", "3"),
        call("2026-10-02 23:30", "1", team=None, provider="anthropic", feature="=cmd"),
        call("2026-10-02 12:00", None),
    )
    write(root, *calls)
    return root


def write(root, *calls):
    lake = Lake(open_store(str(root / "lake")))
    rows = costs(*calls)
    for (day,), own in rows.group_by(pl.col("started_at").dt.date()):
        lake.write(CALL_COSTS, own, day=day)


def run(folder, *arguments):
    return invoke("--data", folder, *arguments, environment=NOW)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_csv_holds_every_line_and_sums_to_the_invoice(folder, tmp_path):
    out = tmp_path / "october.csv"
    said = run(folder, "chargeback", "2026-10", "--invoice", "12.5", "--out", out)
    assert said.returncode == 0, said.stderr
    rows = rows_of(out.read_text(encoding="utf-8"))
    assert sum(Decimal(row["cost"]) for row in rows if row["cost"]) == Decimal("12.5")
    assert {row["kind"] for row in rows} == {"usage", "shared", "residue"}
    assert [row["feature"] for row in rows if row["provider"] == "anthropic"] == ["'=cmd"]
    for row in rows:
        if row["cost"]:
            assert Decimal(row["cost"]) * Decimal(row["rate"]) == Decimal(row["cost_report"])
            assert (row["currency"], row["rate_source"]) == ("EUR", "ECB")
    assert "residue of $3.50: invoice 12.5 less the lines 9.000000000000" in said.stderr
    assert "1 call(s) have no price and are in no amount" in said.stderr
    assert "unattributed" in said.stderr


def test_what_judges_cost_is_a_line_of_the_invoice_and_no_part_of_the_residue(folder, tmp_path):
    lake = Lake(open_store(str(folder / "lake")))
    asked = [
        judge_call(1, asked_at=at("2026-10-31 23:30"), cost=Decimal(9)),  # November in Berlin
        judge_call(2, asked_at=at("2026-10-03 01:00"), cost=Decimal("0.5")),
        judge_call(3, asked_at=at("2026-10-03 01:00"), cost=None),
    ]
    for row in asked:
        frame = pl.DataFrame([row], schema=JUDGE_CALLS.schema)
        lake.append(JUDGE_CALLS, frame, name=row["attempt_id"], day=row["asked_at"].date())
    lake.write(PRICE_BOOK, price_book(PriceOverrides()))
    (tmp_path / "invoices.csv").write_text("provider,amount\nOpenAI,4\n")
    said = run(
        folder, "chargeback", "2026-10", "--invoice-file", tmp_path / "invoices.csv", "--json"
    )
    told = json.loads(said.stdout)
    (line,) = [row for row in told["rows"] if row["kind"] == "evaluation"]
    assert (line["provider"], line["team"]) == ("openai", "unattributed"), "of no call in the logs"
    assert (Decimal(line["cost"]), Decimal(line["cost_report"])) == (
        Decimal("0.5"),
        Decimal("0.45"),
    )
    assert (line["calls"], line["unpriced_calls"]) == (2, 1)
    (residue,) = told["residue"]
    assert Decimal(residue["cost"]) == Decimal("0.5"), "4 less 3 of calls and 0.5 of judges"
    apart = run(folder, "chargeback", "2026-10")
    assert "evaluation" not in apart.stdout
    assert "evaluation, apart: $0.50 for 2 judge call(s), 1 of unknown cost" in apart.stderr


def test_judges_are_charged_to_who_owned_the_judged_feature_on_that_day(tmp_path):
    rules = "ownership: [{feature: chat, team: growth, valid_from: 2026-10-04}]\n"
    root = data_folder(tmp_path, {}, {"finance.yaml": rules})
    lake = Lake(open_store(str(root / "lake")))
    write(root, call("2026-10-02 12:00", "3", call_id="c-1", feature="chat", team="care"))
    for number, moment, judged in (
        (1, "2026-10-03 01:00", "c-1"),
        (2, "2026-10-05 01:00", "c-1"),
        (3, "2026-10-05 01:00", "sample-7"),
    ):
        row = judge_call(number, asked_at=at(moment), cost=Decimal(number), call_id=judged)
        frame = pl.DataFrame([row], schema=JUDGE_CALLS.schema)
        lake.append(JUDGE_CALLS, frame, name=row["attempt_id"], day=at("2026-10-02").date())
    lake.write(PRICE_BOOK, price_book(PriceOverrides()))
    said = run(root, "chargeback", "2026-10", "--invoice", "9", "--json")
    lines = [row for row in json.loads(said.stdout)["rows"] if row["kind"] == "evaluation"]
    assert {(row["team"], row["feature"], Decimal(row["cost"])) for row in lines} == {
        ("care", "chat", 1),
        ("growth", "chat", 2),
        ("unattributed", None, 3),
    }


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]
)
def test_the_months_of_any_zone_add_up_to_the_calls_to_the_last_digit(tmp_path, zone):
    root = data_folder(tmp_path, {}, {"finance.yaml": f"report_timezone: {zone}\n"})
    # Two days around the end of a month and of daylight saving, a call every half hour.
    begins = at("2026-10-24 00:00"), at("2026-10-31 00:00")
    moments = [begin + timedelta(minutes=30 * n) for begin in begins for n in range(96)]
    amounts = [Decimal(10**6 + n).scaleb(-12) for n in range(len(moments))]
    write(root, *(call(f"{m}", f"{a:f}") for m, a in zip(moments, amounts, strict=True)))
    sums = {}
    for month in ("2026-10", "2026-11"):
        told = json.loads(run(root, "chargeback", month, "--json").stdout)
        sums[month] = Decimal(told["cost_usd"])
    own = [m.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).month for m in moments]
    october = sum((a for a, month in zip(amounts, own, strict=True) if month == 10), Decimal(0))
    assert sums == {"2026-10": october, "2026-11": sum(amounts) - october}


def test_without_a_file_the_csv_is_all_that_stdout_holds(folder):
    said = run(folder, "chargeback", "2026-10")
    assert sum(Decimal(row["cost"] or 0) for row in rows_of(said.stdout)) == 9


def test_no_amount_is_cut_however_narrow_the_terminal_is(folder, tmp_path):
    asked = ("chargeback", "2026-10", "--invoice", "1234567.89", "--out", tmp_path / "out.csv")
    said = invoke("--data", folder, *asked, environment=NOW | {"COLUMNS": "40"})
    assert said.returncode == 0, said.stderr
    assert "1,234,567.89" in said.stderr
    assert "unattributed" in said.stderr
    assert "…" not in said.stderr


def test_json_tells_rows_totals_and_residue_per_provider(folder, tmp_path):
    invoices = tmp_path / "invoices.csv"
    invoices.write_text("﻿provider,amount,number\nOpenAI,2,a\nopenai,1.25,b\n", encoding="utf-8")
    said = run(folder, "chargeback", "2026-10", "--invoice-file", invoices, "--json")
    told = json.loads(said.stdout)
    assert told["state"] == "open"
    assert [(one["provider"], one["cost"]) for one in told["residue"]] == [
        ("openai", "0.250000000000")
    ]
    left = {one["provider"]: one["cost"] for one in told["not_on_an_invoice"]}
    assert left == {None: "5.000000000000", "anthropic": "1.000000000000"}
    assert Decimal(told["cost_usd"]) == sum(Decimal(row["cost"] or 0) for row in told["rows"])
    assert {team["team"] for team in told["teams"]} == {"platform", "unattributed"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("vendor,amount\n", ":1: has no column provider; the first line is `provider,amount`"),
        ("provider,amount\n", ": holds no invoice"),
        ("provider,amount\nopenai,12 EUR\n", ":2: '12 EUR' is no amount of US dollars"),
        ("provider,amount\nopenai\n", ":2: '' is no amount of US dollars"),
        ("provider,amount\n,3\n", ":2: names no provider"),
        (
            "provider,amount,currency\nOpenAI,3,usd\nOpenAI,3,EUR\n",
            ":3: is in EUR; give it in US dollars",
        ),
        ("provider,amount\nopenai,NaN\n", ":2: 'NaN' is no amount of US dollars"),
    ],
)
def test_an_invoice_file_that_cannot_be_used_is_told_by_line(folder, tmp_path, content, says):
    invoices = tmp_path / "invoices.csv"
    invoices.write_text(content)
    said = run(folder, "chargeback", "2026-10", "--invoice-file", invoices)
    assert said.returncode == 2
    assert f"{invoices}{says}" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("chargeback", "2026-13"), "is no month; write it as 2026-10"),
        (("chargeback", "2026-08"), "2026-08 holds no cost; there are costs from 2026-10 to"),
        (("chargeback", "2026-10", "--invoice", "a"), "--invoice: 'a' is no amount of US dollars"),
        (("chargeback", "2026-10", "--invoice", "1", "--invoice-file", "x"), "give one of"),
        (("chargeback", "2026-10", "--invoice-file", "nowhere.csv"), "name a CSV of invoices"),
        (("chargeback", "2026-10", "--out", "/nowhere/x.csv"), "choose another --out"),
        (("close-month", "2026-11", "--yes"), "2026-11 has not ended: it is 2026-11-05"),
        (("close-month", "2026-10"), "nobody is here to agree to that; add --yes"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(folder, arguments, says):
    said = run(folder, *arguments)
    assert said.returncode == 2
    assert says in " ".join(said.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("written", "billed"), [("$12", "12"), ("1,234.50", "1234.50"), ("$1,234.50", "1234.50")]
)
def test_an_invoice_is_read_as_it_is_printed(folder, written, billed):
    said = run(folder, "chargeback", "2026-10", "--invoice", written)
    assert said.returncode == 0
    assert f"invoice {billed} less the lines 9.000000000000" in said.stderr


def test_an_empty_folder_says_what_to_do(tmp_path):
    said = run(data_folder(tmp_path, {}), "chargeback", "2026-10")
    assert said.returncode == 2
    assert "no call has been priced yet; put logs in place, then: llmops nightly" in said.stderr


def test_a_finance_file_that_cannot_be_used_is_told_with_its_line(folder):
    (folder / "reference" / "finance.yaml").write_text("report_timezone: Mars/Base\n")
    said = run(folder, "chargeback", "2026-10")
    assert said.returncode == 2
    assert "finance.yaml:1: report_timezone: is no IANA time zone" in said.stderr


def test_a_closed_month_stays_and_later_calls_are_booked_in_the_month_that_finds_them(folder):
    said = run(folder, "close-month", "2026-10", "--yes", "--by", "ada")
    assert said.returncode == 0, said.stderr
    assert "29 day(s) have no call at all: 2026-10-01, 2026-10-04, 2026-10-05," in said.stderr
    assert said.stdout.startswith("2026-10 is closed by ada with 4 row(s), digest ")
    before = run(folder, "chargeback", "2026-10").stdout
    again = run(folder, "close-month", "2026-10", "--yes")
    assert again.returncode == 2
    assert "2026-10 was closed by ada on 2026-11-05 03:00 UTC." in again.stderr
    write(folder, call("2026-10-03 12:00", "2", provider="anthropic", team=None))
    assert run(folder, "chargeback", "2026-10").stdout == before
    late = [row for row in rows_of(run(folder, "chargeback", "2026-11").stdout)
            if row["kind"] == "adjustment"]  # fmt: skip
    moved = {(row["of_month"], row["team"], row["name"]): Decimal(row["cost"]) for row in late}
    assert moved["2026-10", "unattributed", ""] == 2
    assert moved["2026-10", "platform", "gateway"] == -moved["2026-10", "unattributed", "gateway"]
    lake = Lake(open_store(str(folder / "lake")))
    assert set(lake.read(CLOSED_COSTS)["closed_by"]) == {"ada"}
