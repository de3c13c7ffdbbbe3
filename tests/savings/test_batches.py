"""Calls that nobody waits for, at batch prices."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.savings import BATCHED, batch_rows, replay_batches, waiting
from llmops_pipelines.tables import MONEY
from tests.savings.prompts import BOOK, asked

DAYS = [date(2026, 11, 20)]
START = datetime.fromisoformat("2026-11-20T02:00:00")
MORE = {"trace_id": pl.String, "user_hash": pl.String, "session_id": pl.String}


def call(number, **fields):
    row = asked(number) | {
        "trace_id": f"t{number}", "user_hash": None, "session_id": None, "is_stream": None,
        "ttft_ms": None, "uncached_input": 1_000_000, "output_text": 0,
    }  # fmt: skip
    return row | fields


def calls_of(*rows):
    text = {"service_tier", "team", "provider", "model", *MORE}
    types = dict.fromkeys(text, pl.String) | {"is_stream": pl.Boolean, "ttft_ms": pl.Float64}
    calls = pl.DataFrame(rows, schema_overrides=types)
    return calls.with_columns(cost=price_tokens(calls, BOOK)["cost"]).select(BATCHED)


def rows_of(*rows, **marked):
    calls = calls_of(*rows)
    found = batch_rows(
        replay_batches(calls, BOOK), waiting(calls, marked), DAYS, "digest", len(DAYS)
    )
    return {row["feature"]: row for row in found.to_dicts()}


def test_a_team_with_a_discount_saves_by_its_own_price():
    half = {"provider": "openai", "percent": 50, "teams": ["core"], "why": "contract"}
    book = price_book(PriceOverrides.model_validate({"discounts": [half]}))
    own = calls_of(call(0, team="core")).with_columns(cost=pl.lit(Decimal("1.25"), MONEY))
    assert replay_batches(own, book)["batch_cost"].to_list() == [Decimal("0.625")]


def test_a_marked_feature_saves_half():
    rows = rows_of(call(0), call(1), chat=False)
    # gpt-4o: $2.50 a million, $1.25 in batches.
    for name in ("chat", "* marked"):
        row = rows[name]
        assert (row["kind"], row["repriced"]) == ("marked", 2)
        assert (row["paid"], row["at_batch_price"], row["saved"]) == (5, Decimal("2.5"), 2.5)
        assert row["saved_a_year"] == pytest.approx(2.5 * 365)
    assert rows["chat"]["evidence"] == "features.yaml: interactive: false"


def test_what_people_wait_for_saves_nothing():
    row = rows_of(call(0), chat=True)["chat"]
    assert (row["kind"], row["saved"], row["saved_a_year"]) == ("interactive", None, None)
    assert row["at_batch_price"] == Decimal("1.25")


def nightly(count, **fields):
    """Sixty calls an hour, of lengths that differ from hour to hour."""
    return [
        call(n, started_at=START + timedelta(minutes=n), uncached_input=1_000 * (1 + n // 60),
             **fields)
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("interactive", "state"), [(False, "recommended"), (True, "waited_for")])
def test_a_saving_that_is_proven_is_recommended_where_nobody_waits(interactive, state):
    row = rows_of(*nightly(600), chat=interactive)["chat"]
    assert row["state"] == state
    if not interactive:
        assert 0 < row["saved_low"] < row["saved"]
        assert row["reason"].startswith("its 95 % interval lies above 0: $")


def test_what_its_owner_has_not_marked_is_suggested_at_most():
    quiet = [
        call(n, started_at=START + timedelta(days=n // 60, minutes=n % 60)) for n in range(180)
    ]
    rows = rows_of(*quiet)
    assert {rows[name]["state"] for name in ("chat", "* detected")} == {"suggested"}


@pytest.mark.parametrize("count", [1, 60, 120])
def test_one_night_is_enough_where_no_call_costs_more_in_a_batch(count):
    row = rows_of(*nightly(count), chat=False)["chat"]
    assert (row["state"], row["reason"]) == (
        "recommended",
        "none of its calls costs more than before",
    )
    assert row["saved_low"] in {None, 0}


@pytest.mark.parametrize(
    ("fields", "state", "reason"),
    [
        ({"is_batch": True}, "nothing_saved", "all of its calls are in batches already"),
        ({"provider": "acme", "model": "acme-7b"}, "cannot_tell", "both a cost and a batch price"),
        ({"uncached_input": 0}, "nothing_saved", "its calls cost no less in batches"),
    ],
)
def test_where_nothing_can_be_saved_it_says_why(fields, state, reason):
    row = rows_of(*(call(n, **fields) for n in range(3)), chat=False)["chat"]
    assert row["state"] == state
    assert reason in row["reason"]


def test_batches_unknown_prices_and_other_tiers_are_counted_apart():
    row = rows_of(
        call(0),
        call(1, is_batch=True),
        call(2, provider="groq", model="llama-3.3-70b-versatile", uncached_input=10),
        call(3, provider="acme", model="acme-7b"),
        call(4, model="o3", service_tier="flex"),
        chat=False,
    )["chat"]
    assert (row["calls"], row["already_batch"], row["repriced"]) == (5, 1, 1)
    assert (row["no_batch_price"], row["unpriced"]) == (2, 1)
    assert row["paid"] == Decimal("2.5")


@pytest.mark.parametrize("tier", [None, "default", "on_demand", "standard_only", " Standard "])
def test_the_standard_tier_is_standard_however_a_provider_spells_it(tier):
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5", "service_tier": tier}
    row = rows_of(call(0, **claude, uncached_input=100_000), chat=False)["chat"]
    assert (row["repriced"], row["saved"]) == (1, Decimal("0.15"))


def test_a_trace_or_session_that_goes_on_within_a_day_would_break():
    hours = [0, 2, 3, 40]
    starts = [START + timedelta(hours=h) for h in hours]
    row = rows_of(
        call(0, started_at=starts[0], trace_id="t"),
        call(1, started_at=starts[1], trace_id="t"),
        call(2, started_at=starts[1], session_id="s"),
        call(3, started_at=starts[3], session_id="s"),
        call(4, started_at=starts[2]),
        chat=False,
    )["chat"]
    assert (row["continued"], row["continued_share"]) == (1, 0.2)


def test_calls_side_by_side_do_not_wait_for_each_other():
    row = rows_of(*(call(n, started_at=START, trace_id="t") for n in range(3)), chat=False)["chat"]
    assert row["continued"] == 0


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "feature": st.sampled_from(["a", "b"]),
                "model": st.sampled_from(["gpt-4o", "gpt-4.1-mini", "acme-7b"]),
                "is_batch": st.booleans(),
                "uncached_input": st.integers(0, 10_000),
                "session_id": st.sampled_from(["s", None]),
            }
        ),
        min_size=1,
        max_size=10,
    )
)
def test_every_call_is_counted_once_and_savings_add_up(world):
    rows = rows_of(*(call(n, **own) for n, own in enumerate(world)), a=False, b=False)
    for row in rows.values():
        kinds = ("already_batch", "repriced", "unpriced", "no_batch_price")
        assert row["calls"] == sum(row[kind] for kind in kinds)
        if row["repriced"]:
            assert row["saved"] == row["paid"] - row["at_batch_price"]
    parts = [rows[name] for name in ("a", "b") if name in rows]
    assert sum(row["saved"] or 0 for row in parts) == (rows["* marked"]["saved"] or 0)


def test_searches_of_the_web_cost_as_much_in_a_batch():
    searched = {"provider": "anthropic", "model": "claude-sonnet-4-5", "web_searches": 4}
    calls = calls_of(call(0, **searched), call(1, **searched | {"web_searches": 0}))
    saved = replay_batches(calls, BOOK).sort("call_id")["saved"]
    assert saved[0] == saved[1] > 0, "half of the tokens, nothing of the searches"
