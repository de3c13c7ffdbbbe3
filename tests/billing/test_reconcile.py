"""Invoices against our records: every line is accounted for, and differences have their reason."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines import cost
from llmops_pipelines.billing import (
    REASONS,
    InvoiceFile,
    Records,
    calls_side,
    judges_side,
    read_invoice,
    reconcile,
    totals,
)
from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.tables import COST_CUBE, JUDGE_CALLS
from tests.billing.exports import (
    ANTHROPIC_COSTS,
    OPENAI_COSTS,
    anthropic_cost,
    cost_result,
    openai_cost,
    openai_page,
    usage_result,
)
from tests.priced_lake import judge_call
from tests.pricing.factories import at, call, calls

DAY = date(2026, 11, 10)
MODEL = "gpt-4.1-2025-04-14"
USED = {"uncached_input": 600_000, "cache_read": 400_000, "output_text": 100_000}
"""At $2.00, $0.50 and $8.00 a million: $1.20, $0.20 and $0.80."""
SPENT = Decimal("2.2")
BATCH = {"is_batch": True, "uncached_input": 1_000_000, "cache_read": 0}
"""$1.40 as a batch, $2.80 as an ordinary call."""


@pytest.fixture(scope="module")
def book():
    return price_book(PriceOverrides())


@pytest.fixture
def held(book):
    """Hold an export against calls."""

    def held(text, *rows, judges=()):
        logged = calls(*rows) if rows else None
        cubes = [COST_CUBE.empty().with_columns(day=pl.lit(None, pl.Date))]
        if logged is not None:
            for (day,), own in logged.group_by(pl.col("started_at").dt.date()):
                cube = cost.cost_cube(own, price_calls(own, book))
                cubes.append(cube.with_columns(day=pl.lit(day)))
        days = [row["started_at"].date() for row in rows]
        records = Records(
            calls_side(pl.concat(cubes), book),
            judges_side(pl.DataFrame(list(judges), schema=JUDGE_CALLS.schema), book),
            book,
            max(days, default=None),
        )
        return reconcile(InvoiceFile("a.csv", "0"), read_invoice(text.encode()), records)

    return held


def used(day=DAY, hour=12, **fields):
    started_at = at(f"{day} {hour:02d}:00")
    usual = {"provider": "openai", "model": MODEL, **USED}
    return call(started_at=started_at, **(usual | fields))


def later(day=DAY):
    """A call long after, so that the logs of ``day`` are not the last ones."""
    return used(day + timedelta(days=40))


def openai_costs(*lines):
    return OPENAI_COSTS + "".join(lines)


def outcome(rows):
    return [
        (row["state"], row["reason"])
        for row in rows.sort("day", "model", "meter").iter_rows(named=True)
    ]


def test_a_bill_by_meter_matches_to_the_last_digit(held):
    rows = held(
        openai_costs(
            openai_cost(DAY, "1.2", f"{MODEL}, input"),
            openai_cost(DAY, "0.2", f"{MODEL}, cached input"),
            openai_cost(DAY, "0.8", f"{MODEL}, output"),
        ),
        used(),
    )
    assert outcome(rows) == [("matched", None)] * 3
    assert rows["difference"].to_list() == [Decimal(0)] * 3
    assert rows["calls"].sum() == 1
    assert rows["our_tokens"].sum() == 1_100_000


@pytest.mark.parametrize("item", ["", MODEL, "gpt-4.1"])
def test_a_bill_in_sum_is_compared_in_sum(held, item):
    (row,) = held(openai_costs(openai_cost(DAY, "2.2", item)), used()).iter_rows(named=True)
    assert (row["state"], row["model"]) == ("matched", "gpt-4.1" if item else None)


def test_usage_is_compared_in_tokens_by_meter_and_tier(held):
    usage = usage_result(input_tokens=1_000_000, input_cached_tokens=400_000, output_tokens=100_001)
    rows = held(openai_page(usage, day=DAY), used(), later())
    assert sorted(outcome(rows)) == [
        ("differs", "unlogged_calls"),
        ("matched", None),
        ("matched", None),
    ]
    assert rows["tier"].unique().to_list() == ["not_batch"]
    assert rows["invoiced"].null_count() == 3
    assert totals(rows).unexplained_share == pytest.approx(1 / 1_100_001)


@pytest.mark.parametrize(
    ("cached", "reason"),
    [(0, "cached_at_full_price"), (100, "cached_at_full_price"), (600_000, "cached_not_logged")],
)
def test_tokens_that_only_one_side_calls_cached_are_no_missing_calls(held, cached, reason):
    told = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    usage = usage_result(**told, input_cached_tokens=cached)
    rows = held(openai_page(usage, day=DAY), used(), later())
    assert outcome(rows) == [("differs", reason), ("differs", reason), ("matched", None)]
    assert totals(rows).unexplained_share == 0


def test_usage_that_tells_only_batches_apart_is_compared_so(held):
    usage = usage_result(input_tokens=2_000_000, input_cached_tokens=800_000, output_tokens=200_000)
    batch = usage_result(input_tokens=1_000_000, output_tokens=100_000, batch=True)
    flex = {"service_tier": "flex"}
    rows = held(openai_page(usage, batch, day=DAY), used(), used(**flex), used(**BATCH), later())
    assert outcome(rows) == [("matched", None)] * rows.height
    by_tier = rows.group_by("tier").agg(pl.col("our_tokens").sum()).sort("tier")
    assert by_tier.rows() == [("batch", 1_100_000), ("not_batch", 2_200_000)]


def test_no_price_explains_tokens(held):
    odd = call(
        started_at=at("2026-11-10 01:00"), provider="openai", model="gpt-99", output_text=5,
    )  # fmt: skip
    usage = usage_result(input_tokens=1_000_000, input_cached_tokens=400_000, output_tokens=90_000)
    more = usage_result(model="gpt-98", output_tokens=7)
    rows = held(openai_page(usage, more, day=DAY), used(), odd, later())
    assert set(outcome(rows)) == {
        ("differs", "other_account"),
        ("matched", None),
        ("missing", "unknown_model"),
        ("surplus", "not_billed_yet"),
    }


def test_tokens_that_were_not_billed_differ_by_all_of_them(held):
    usage = usage_result(input_tokens=1_000_000, input_cached_tokens=400_000, output_tokens=100_000)
    rows = held(openai_page(usage, day=DAY), used(), used(model="gpt-4.1-mini"), later())
    (row,) = rows.filter(pl.col("state") == "surplus").iter_rows(named=True)
    assert (row["our_tokens"], row["token_difference"]) == (1_100_000, -1_100_000)
    assert row["difference"] is None
    in_sum = totals(rows).by_state.filter(pl.col("state") == "surplus")
    assert in_sum["token_difference"].to_list() == [-1_100_000]
    in_dollars = held(openai_costs(openai_cost(DAY, "2.2", MODEL)), used(), used(model="o3"))
    assert in_dollars["token_difference"].null_count() == in_dollars.height


def test_our_own_judges_are_on_the_same_bill(held):
    judge = judge_call(
        1, asked_at=at("2026-11-10 23:00"), uncached_input=1_000, output_text=100,
        cost=Decimal("0.00056"),
    )  # fmt: skip
    text = openai_costs(openai_cost(DAY, "0.00056", "gpt-4.1-mini-2025-04-14"))
    (row,) = held(text, judges=[judge]).iter_rows(named=True)
    assert (row["state"], row["reason"], row["proven"]) == ("matched", "evaluation", True)
    assert (row["evaluation"], row["ours"], row["evaluation_calls"]) == (
        Decimal("0.00056"),
        Decimal(0),
        1,
    )


def test_whole_cents_match_whatever_lies_below_them(held):
    claude = {"provider": "anthropic", "model": "claude-haiku-4-5-20251001"}
    row = call(started_at=at("2026-11-10 01:00"), **claude, uncached_input=14_800, output_text=0)
    text = ANTHROPIC_COSTS + anthropic_cost(DAY, "Claude Haiku 4.5", "input_no_cache", "0.01")
    rows = held(text, row)
    assert outcome(rows) == [("matched", "rounding")]
    assert rows["difference"].to_list() == [Decimal("-0.0048")]


@pytest.mark.parametrize(
    ("amount", "row", "reason", "proven"),
    [
        ("1.1", {}, "half_price", True),
        ("2.8", BATCH, "double_price", True),
        ("4.4", {}, "unlogged_calls", False),
        ("2.8", {}, "cached_at_full_price", True),
        ("3", {}, "cached_twice", True),
        ("5", {}, "unlogged_calls", False),
        ("0.7", {}, "credits_or_discount", False),
    ],
)
def test_a_difference_has_the_reason_that_its_size_tells(held, amount, row, reason, proven):
    rows = held(openai_costs(openai_cost(DAY, amount, MODEL)), used(**row), later())
    (found,) = rows.iter_rows(named=True)
    assert (found["state"], found["reason"], found["proven"]) == ("differs", reason, proven)
    logged = Decimal("1.4") if row else SPENT
    assert found["difference"] == Decimal(amount) - logged


def test_a_whole_bill_at_twice_our_price_is_not_explained(held):
    costs = openai_costs(*(openai_cost(DAY + timedelta(days=n), "4.4", MODEL) for n in range(3)))
    rows = held(costs, *(used(DAY + timedelta(days=n)) for n in range(3)), later())
    assert set(rows.select("reason", "proven").rows()) == {("same_ratio", False)}


@pytest.mark.parametrize(
    ("item", "rows", "reason"),
    [
        ("gpt-4.1-nano", [later(), used(hour=1)], "unlogged_application"),
        ("gpt-4.1-nano", [later()], "no_logs_of_the_day"),
        ("gpt-4.1-nano", [used()], "late_logs"),
        ("ft:gpt-4.1-mini:acme::x", [later()], "unknown_model"),
        ("web search", [later()], "no_tokens"),
    ],
)
def test_what_was_billed_and_not_logged_is_missing(held, item, rows, reason):
    found = held(openai_costs(openai_cost(DAY, "0.5", item)), *rows)
    missing = found.filter(pl.col("state") == "missing")
    assert missing["reason"].to_list() == [reason]
    assert missing["difference"].to_list() == [Decimal("0.5")]


def test_a_credit_is_one(held):
    rows = held(openai_costs(openai_cost(DAY, "-5", "Promotional credit")), later())
    assert outcome(rows) == [("missing", "credit")]


def test_calls_that_were_not_billed_are_a_surplus(held):
    text = openai_costs(
        openai_cost(DAY, "2.2", MODEL),
        openai_cost(DAY + timedelta(days=1), "2.2", MODEL),
        openai_cost(DAY + timedelta(days=2), "2.2", MODEL),
    )
    mini = {"model": "gpt-4.1-mini"}
    rows = held(
        text,
        *(used(DAY + timedelta(days=n)) for n in range(3)),
        used(DAY, **mini),
        used(DAY + timedelta(days=2), **mini),
        call(started_at=at("2026-11-10 09:00"), provider="anthropic", model="claude-sonnet-4-5"),
    )
    surplus = rows.filter(pl.col("state") == "surplus")
    assert surplus["reason"].to_list() == ["other_account", "not_billed_yet"]
    assert set(surplus["provider"]) == {"openai"}
    assert surplus["difference"].to_list() == [-ours for ours in surplus["ours"]]
    assert totals(rows).invoiced == 3 * SPENT


def test_days_of_another_zone_are_found_out(held):
    rows = [
        used(DAY + timedelta(days=n), hour, output_text=100_000 + 7_000 * n + 900 * hour)
        for n in range(-1, 5)
        for hour in (3, 20)
    ]
    spent = {row["started_at"]: Decimal(row["output_text"]) * 8 / 10**6 for row in rows}
    east = [
        openai_cost(
            day,
            sum(
                amount + Decimal("1.4")
                for moment, amount in spent.items()
                if (moment + timedelta(hours=5)).date() == day
            ),
            MODEL,
        )
        for day in (DAY + timedelta(days=n) for n in range(4))
    ]
    found = held(openai_costs(*east), *rows)
    assert outcome(found) == [("differs", "timezone")] * 4
    assert found["proven"].all()
    assert totals(found).unexplained == 0


def test_days_that_say_when_they_begin_are_compared_as_they_are(held):
    before = DAY - timedelta(days=1)
    rows = held(openai_costs(openai_cost(before, "2.2", MODEL, hour=22)), used(before, 23))
    assert outcome(rows) == [("matched", None)]
    assert rows["day"].to_list() == [DAY]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/Los_Angeles", date(2026, 11, 1)),
        ("America/Los_Angeles", date(2026, 3, 8)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("Australia/Sydney", date(2026, 10, 4)),
    ],
)
@pytest.mark.parametrize("shown", [(-2, 2), (-2, 0), (0, 2)])
def test_days_that_say_when_they_begin_are_as_long_as_clocks_have_them(held, zone, change, shown):
    """An hour of calls on either side of each midnight: a shift by one moves some of them."""
    first, last = (change + timedelta(days=n) for n in shown)
    logged = [
        used(hour.date(), hour.hour, output_text=100_000 + 1_000 * n)
        for n, hour in enumerate(_hours(first - timedelta(days=1), last + timedelta(days=1)))
    ]
    local = [_local(row["started_at"], zone) for row in logged]
    text = ""
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        if day == change + timedelta(days=1):
            continue  # a day without spend is no line
        own = [row for row, moment in zip(logged, local, strict=True) if moment.date() == day]
        spent = sum(Decimal("1.4") + Decimal(row["output_text"]) * 8 / 10**6 for row in own)
        text += openai_cost(day, spent, MODEL, zone=zone)
    rows = held(openai_costs(text), *logged)
    quiet = [change + timedelta(days=1)] if last > change else []
    billed = rows.filter(pl.col("state") != "surplus")
    assert outcome(billed) == [("matched", None)] * billed.height
    assert billed.height == (last - first).days + 1 - len(quiet)
    assert rows.filter(pl.col("state") == "surplus")["day"].to_list() == quiet
    assert rows["calls"].sum() == sum(first <= moment.date() <= last for moment in local)


def _hours(first, last):
    start = datetime.combine(first, time())
    return [start + timedelta(hours=n) for n in range(24 * ((last - first).days + 1))]


def _local(moment, zone):
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def test_the_same_factor_every_day_is_told(held):
    days = [DAY + timedelta(days=n) for n in range(3)]
    text = openai_costs(*(openai_cost(day, "1.98", MODEL) for day in days))
    assert outcome(held(text, *map(used, days), later())) == [("differs", "same_ratio")] * 3


def test_other_providers_spend_is_none_of_an_invoices_business(held):
    azure = used(provider="azure")
    assert outcome(held(openai_costs(openai_cost(DAY, "2.2", MODEL)), used(), azure)) == [
        ("matched", None)
    ]


def test_unreadable_and_empty_lines_stay_in_the_account(held):
    text = openai_costs(
        openai_cost(DAY, "x", MODEL), openai_cost(DAY, "", ""), openai_cost(DAY, "2.2", MODEL)
    )
    rows = held(text, used())
    assert dict(rows.select("state", "lines").iter_rows()) == {
        "matched": 1,
        "unreadable": 1,
        "empty": 1,
    }
    assert "line 2: amount: 'x'" in rows.filter(state="unreadable")["reason"][0]


def test_an_unpriced_model_explains_what_it_leaves_out(held):
    odd = {"provider": "openai", "model": "gpt-99"}
    row = call(started_at=at("2026-11-10 01:00"), **odd, uncached_input=5, output_text=5)
    assert outcome(held(openai_costs(openai_cost(DAY, "3", "gpt-99")), row, later())) == [
        ("differs", "unpriced_calls")
    ]


_ITEMS = ["", "web search", MODEL, f"{MODEL}, input", f"{MODEL}, output", "gpt-4.1-mini, input"]
_LINES = st.lists(
    st.tuples(
        st.integers(0, 3), st.decimals(-5, 99, places=7) | st.just("?"), st.sampled_from(_ITEMS)
    ),
    min_size=1,
    max_size=8,
)


@given(_LINES, st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 23)), max_size=4))
@settings(max_examples=30, deadline=None)
def test_lines_and_dollars_add_up_whatever_the_invoice_says(book, lines, logged):
    text = openai_costs(
        *(openai_cost(DAY + timedelta(days=n), amount, item) for n, amount, item in lines)
    )
    rows = [used(DAY + timedelta(days=n), hour) for n, hour in logged]
    frame = calls(*rows) if rows else None
    cubes = [COST_CUBE.empty().with_columns(day=pl.lit(None, pl.Date))]
    if frame is not None:
        for (day,), own in frame.group_by(pl.col("started_at").dt.date()):
            cube = cost.cost_cube(own, price_calls(own, book))
            cubes.append(cube.with_columns(day=pl.lit(day)))
    records = Records(
        calls_side(pl.concat(cubes), book), judges_side(JUDGE_CALLS.empty(), book), book, None
    )
    invoice = read_invoice(text.encode())
    found = reconcile(InvoiceFile("a", "0"), invoice, records)
    summed = totals(found)
    billed = sum((amount for _, amount, _ in lines if amount != "?"), Decimal(0))
    assert summed.invoiced == billed == summed.by_state["invoiced"].sum()
    assert found["lines"].sum() == len(lines)
    states = ["matched", "differs", "missing"]
    assert (found.filter(pl.col("state").is_in(states))["invoiced"].sum() or 0) == billed
    assert set(found["reason"].drop_nulls()) - set(REASONS) <= {
        reason for reason in found["reason"].drop_nulls() if reason.startswith("line ")
    }


def test_litellm_and_reports_of_several_models_are_kept_apart(held):
    spend = [
        {"spend": "2.2", "startTime": f"{DAY}T01:00:00", "model": f"openai/{MODEL}"},
        {"spend": "1", "startTime": f"{DAY}T01:00:00", "model": "azure/gpt-4o"},
    ]
    rows = held(json.dumps(spend), used(), later())
    assert sorted(rows.select("provider", "state").rows()) == [
        ("azure", "missing"),
        ("openai", "matched"),
    ]


def test_costs_without_a_currency_or_model_are_dollars_of_all(held):
    result = cost_result(2.2)
    del result["amount"]["currency"]
    assert outcome(held(openai_page(result, day=DAY), used())) == [("matched", None)]
