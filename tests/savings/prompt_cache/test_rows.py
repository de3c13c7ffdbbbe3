"""The rows that people read of a window's replay."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.savings import CACHE_SCOPE, prompt_cache_rows
from llmops_pipelines.savings.prompt_cache.divergence import Divergence
from tests.savings.prompts import GUIDE, REASONS, asked, replay

DAYS = [date(2026, 11, 19), date(2026, 11, 20)]
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
NOBODY = pl.DataFrame(schema=dict.fromkeys((*CACHE_SCOPE, "why"), pl.String))


def rows_of(*calls, left_out=NOBODY, differing=None):
    replayed = replay(*calls) if calls else None
    rows = prompt_cache_rows(replayed, left_out, DAYS, differing or {}, "digest", len(DAYS))
    return {row["feature"]: row for row in rows.to_dicts()}


def hourly(count, **fields):
    """Three calls an hour, a minute apart."""
    return [
        asked(n, call_id=f"{fields.get('feature')}{n}", after=60, **fields) for n in range(count)
    ]


def test_a_scope_is_the_sum_of_its_calls():
    calls = hourly(200)
    row, replayed = rows_of(*calls)["chat"], replay(*calls)
    for name in ("prompt_tokens", "could_read", *REASONS):
        assert row[name] == replayed[name].sum()
    assert row["saved"] == replayed["saved"].sum()
    assert row["paid"] == replayed["cost"].sum()
    assert (row["state"], row["main_reason"], row["calls"]) == ("worth_it", "missed", 200)
    assert row["saved_low"] < row["saved"] < row["saved_high"]
    assert row["saved_a_year"] == pytest.approx(float(row["saved"]) * 365 / 2)
    assert "from 1,024 tokens in blocks of 128, kept 300 s" in row["rule"]


def test_calls_of_one_hour_bound_nothing_where_writing_costs_more():
    row = rows_of(*hourly(10, **CLAUDE))["chat"]
    assert row["saved"] > 0
    assert (row["saved_low"], row["saved_high"]) == (None, None)
    assert row["state"] == "cannot_tell"
    assert row["reason"].endswith("at best, by 10 calls of one hour: no interval can be given")


def test_where_nothing_is_proven_the_whole_cannot_tell_and_claims_nothing():
    row = rows_of(*hourly(10, **CLAUDE))["*"]
    assert (row["state"], row["saved"]) == ("cannot_tell", None)


def test_a_saving_of_one_hour_in_four_proves_nothing():
    # What is sent once an hour is past its lifetime: only the first hour's prompts could be read.
    late = [asked(n, call_id=f"late{n}", after=7300.0, **CLAUDE) for n in range(1, 4)]
    row = rows_of(*hourly(5, **CLAUDE), *late)["chat"]
    assert row["saved_low"] < 0 < row["saved"]
    assert row["state"] == "cannot_tell"
    assert "with 95 % confidence -$0.0" in row["reason"]
    assert row["reason"].endswith("might do")


def test_all_together_are_those_worth_it():
    rows = rows_of(
        *hourly(130, feature="good"),
        *hourly(10, feature="young", **CLAUDE),
        *(asked(n, f"{n}\n{GUIDE}", call_id=f"b{n}", feature="bad", **CLAUDE) for n in range(12)),
        *hourly(12, feature="unknown", provider="acme"),
    )
    assert rows["bad"]["state"] == "costs_more"
    assert rows["bad"]["saved"] < 0
    assert rows["unknown"]["state"] == "unknown_rule"
    assert (rows["unknown"]["saved"], rows["unknown"]["could_read"]) == (None, None)
    assert rows["young"]["saved"] > 0
    assert rows["*"]["saved"] == rows["good"]["saved"]
    assert (rows["*"]["state"], rows["*"]["reason"]) == (
        "worth_it", "1 more might save and are not proven to",
    )  # fmt: skip
    assert rows["*"]["prompt_tokens"] == sum(rows["*"][name] for name in REASONS)
    assert (rows["*"]["left_out"], rows["*"]["calls"]) == (12, 152)


def test_a_call_without_a_price_is_counted():
    row = rows_of(*hourly(5, model="gpt-4o-unheard-of"))["chat"]
    assert (row["state"], row["unpriced"], row["saved"], row["paid"]) == ("unpriced", 5, None, None)
    assert row["missed"] > 0


def test_what_is_left_out_is_counted_with_its_reason_even_where_nothing_else_is():
    scope = dict.fromkeys(CACHE_SCOPE) | {"feature": "mail", "provider": "openai"}
    missing = pl.DataFrame(
        [scope | {"why": why} for why in ("in batches", "in batches", "without text")],
        schema=NOBODY.schema,
    )
    row = rows_of(left_out=missing)["mail"]
    assert (row["state"], row["calls"], row["left_out"]) == ("no_text", 0, 3)
    assert row["left_out_why"] == "2 in batches, 1 without text"
    assert row["saved"] is None


def test_where_prompts_begin_to_differ_is_told_in_tokens():
    found = Divergence(at=1_000, shape="date", after="Today is ")
    row = rows_of(*hourly(3), differing={0: found})["chat"]
    assert (row["volatile_shape"], row["volatile_after"]) == ("date", "Today is ")
    assert 200 < row["volatile_at"] < 300


def test_where_no_rule_is_known_at_all_the_whole_claims_nothing():
    row = rows_of(*hourly(3, provider="acme"))["*"]
    assert (row["calls"], row["left_out"], row["prompt_tokens"]) == (0, 3, 0)
    assert (row["saved"], row["could_read"]) == (None, None)


def test_a_window_without_calls_has_no_rows():
    assert rows_of() == {}


def test_what_caching_saved_already_is_against_none():
    written = {"uncached_input": 0, "cache_write_5m": 2_000, **CLAUDE}
    row = rows_of(*hourly(3, **written))["chat"]
    assert row["already_saved"] == -3 * 2_000 * Decimal("0.00000075")
