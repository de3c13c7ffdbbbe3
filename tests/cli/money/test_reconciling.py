"""`llmops reconcile`: one invoice held against the calls."""

import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from tests.billing.exports import OPENAI_COSTS, openai_cost
from tests.cli.worlds import invoke
from tests.priced_lake import judge_call, priced_lake
from tests.pricing.factories import at, call

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("reconciling")
    used = {"uncached_input": 600, "cache_read": 400, "output_text": 100}
    judge = judge_call(1, uncached_input=1_000, output_text=100, cost=Decimal("0.00056"))
    priced_lake(
        root,
        [call(started_at=at(f"2026-11-{day} 09:00"), **used) for day in (10, 11)],
        [judge],
    )
    lines = [
        openai_cost(DAY, "0.0022", "gpt-4.1"),
        openai_cost(NEXT, "0.0022", "gpt-4.1"),
        openai_cost(NEXT, "0.00056", "gpt-4.1-mini-2025-04-14"),
    ]
    (root / "whole.csv").write_text(OPENAI_COSTS + "".join(lines))
    off = [*lines, openai_cost(NEXT, "1.5", "gpt-4.1-nano"), "x\n"]
    (root / "off.csv").write_text(OPENAI_COSTS + "".join(off))
    return root


def test_a_bill_that_matches_is_told_and_leaves_with_nothing_to_explain(root):
    said = invoke("--data", root, "reconcile", root / "whole.csv", "--json")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["source"] == "openai_costs"
    assert told["invoiced_usd"] == "0.00496"
    assert told["unexplained_share"] == 0
    assert {(row["model"], row["state"], row["reason"]) for row in told["rows"]} == {
        ("gpt-4.1", "matched", None),
        ("gpt-4.1-mini", "matched", "evaluation"),
    }


def test_people_see_what_differs_why_and_that_it_adds_up(root):
    said = invoke("--data", root, "reconcile", root / "off.csv")
    assert said.returncode == 1, said.stderr
    assert "missing:" in said.stdout
    assert "billed $1.50496: what matched, differs and is missing adds up" in said.stdout
    assert "line 6: 1 cells where the header has 17" in said.stdout
    assert "late_logs: logs of that day may still come" in said.stdout


def test_a_model_is_shown_as_the_bill_writes_it(root, tmp_path):
    bill = tmp_path / "odd.csv"
    bill.write_text(OPENAI_COSTS + openai_cost(NEXT, "1.5", "tuned[/v2]"))
    said = invoke("--data", root, "reconcile", bill, environment={"COLUMNS": "300"})
    assert said.returncode == 1, said.stderr
    assert "tuned[/v2]" in said.stdout


def test_days_can_be_chosen_and_rows_written(root, tmp_path):
    out = tmp_path / "rows.parquet"
    said = invoke(
        "--data", root, "reconcile", root / "whole.csv", "--from", NEXT, "--to", NEXT, "--out", out
    )
    assert said.returncode == 0, said.stderr
    assert pl.read_parquet(out)["day"].unique().to_list() == [NEXT]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "there is no such file"),
        ("notes.txt", b"hello\nyou\n", "not an invoice: its records have the fields hello"),
        ("broken.json", b'{"data": [', "broken JSON"),
        ("empty.csv", b"", "empty; expected an export of OpenAI"),
    ],
)
def test_what_is_no_invoice_is_told_plainly(root, tmp_path, name, content, says):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    said = invoke("--data", root, "reconcile", file)
    assert said.returncode == 2
    assert says in said.stderr
    assert "Traceback" not in said.stderr


def test_without_such_days_nothing_is_compared(root):
    said = invoke("--data", root, "reconcile", root / "whole.csv", "--from", "2027-01-01")
    assert said.returncode == 2
    assert "no line from 2027-01-01" in said.stderr


def test_a_folder_without_a_lake_has_no_calls(root, tmp_path):
    said = invoke("--data", tmp_path / "new", "reconcile", root / "whole.csv", "--json")
    assert said.returncode == 1, said.stderr
    assert {row["state"] for row in json.loads(said.stdout)["rows"]} == {"missing"}
