import csv
import io
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines import finance
from tests.finance.worlds import call, present, settings

CALLS = (
    call("2026-10-02 12:00", "3", provider="openai"),
    call("2026-10-02 12:00", "1", provider="anthropic", team=None),
)
SHARED = "shared_costs:\n- {name: gateway, usd_per_month: 5, by: spend, why: x}"


def october(text=""):
    return present(*CALLS, text=text).filter(month="2026-10")


def residue(invoices, lines=None):
    lines = october(SHARED) if lines is None else lines
    amounts = {provider: Decimal(amount) for provider, amount in invoices.items()}
    return lines, finance.residue_lines(lines, "2026-10", amounts, settings())


def test_lines_and_residue_add_up_to_the_invoice_whatever_it_is():
    for amount in ("9", "8.999999999999", "0", "-3", "10000000"):
        lines, left = residue({None: amount})
        assert pl.concat([lines, left])["cost"].sum() == Decimal(amount)
        assert left.height == (amount != "9")


def test_each_provider_is_held_against_its_own_invoice():
    lines, left = residue({"OpenAI": "3.5", "anthropic": "1", "mistral": "2"})
    shown = left.select("provider", "team", "cost", "rule").rows()
    assert shown == [
        ("OpenAI", "unattributed", Decimal("0.5"), "invoice 3.5 less the lines 3.000000000000"),
        ("mistral", "unattributed", 2, "invoice 2 less the lines 0"),
    ]
    invoices = {"OpenAI": Decimal(1)}
    assert finance.uninvoiced(lines, invoices).rows() == [(None, 5), ("anthropic", 1)]


def test_calls_without_a_price_are_an_unknown_amount_on_no_invoice():
    lines = present(call("2026-10-02 12:00", None, provider="acme"))
    assert finance.uninvoiced(lines, {"openai": Decimal(1)}).rows() == [("acme", None)]


def test_every_total_by_team_includes_unattributed():
    owned = present(CALLS[0]).filter(month="2026-10")
    assert finance.by_team(owned).select("team", "cost").rows() == [
        ("platform", 3),
        ("unattributed", 0),
    ]


def test_rows_without_a_rate_are_counted():
    text = (
        "report_currency: EUR\nexchange_rates:\n"
        "- {date: 2026-10-09, currency: EUR, per_usd: 0.9, source: x}"
    )
    found = finance.by_team(october(text))
    assert found.select("cost", "cost_report", "unrated").rows() == [(3, None, 1), (1, None, 1)]


def test_a_team_whose_costs_have_a_rate_in_part_has_no_sum_in_that_currency():
    rate = (
        "report_currency: EUR\nexchange_rates:\n- {currency: EUR, per_usd: 0.5, source: x, date: "
    )
    later = call("2026-10-09 12:00", "10", provider="openai")
    lines = present(*CALLS, later, text=f"{rate}2026-10-01}}\nmax_rate_age_days: 3")
    found = finance.by_team(lines).select("team", "cost", "cost_report")
    assert found.rows() == [
        ("platform", 13, None),
        ("unattributed", 1, Decimal("0.5")),
    ]


def test_a_team_whose_calls_have_no_price_spent_an_unknown_amount_and_not_nothing():
    unpriced = call("2026-10-02 12:00", None, provider="openai", team="search")
    lines = present(*CALLS, unpriced).filter(month="2026-10")
    found = finance.by_team(lines).select("team", "cost", "cost_report", "unpriced_calls")
    assert found.rows() == [
        ("platform", 3, 3, 0),
        ("unattributed", 1, 1, 0),
        ("search", None, None, 1),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_of_a_log_is_run_by_a_spreadsheet(text):
    lines = present(call("2026-10-02 12:00", feature=text, team=text, model=f"a{text}"))
    (row,) = csv.DictReader(io.StringIO(finance.as_csv(lines), newline=""))
    assert (row["feature"], row["team"], row["model"]) == (f"'{text}", f"'{text}", f"a{text}")


def test_negative_amounts_stay_numbers_and_unknown_ones_stay_empty():
    text = "credits:\n- {name: grant, usd_per_month: 0.000001, by: calls, to: feature, why: x}"
    lines = present(call("2026-10-02 12:00", None), text=text).filter(month="2026-10")
    rows = list(csv.DictReader(io.StringIO(finance.as_csv(lines), newline="")))
    assert [row["cost"] for row in rows] == ["-0.000001000000", ""]


def test_commas_quotes_and_line_breaks_survive():
    odd = 'a,"b"\nc'
    lines = present(call("2026-10-02 12:00", feature=odd))
    (row,) = csv.DictReader(io.StringIO(finance.as_csv(lines), newline=""))
    assert row["feature"] == odd
