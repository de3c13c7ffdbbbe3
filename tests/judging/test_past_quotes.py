"""Past quotes against what was spent."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.judging import (
    Estimate,
    past_latency,
    quote,
    quote_errors,
    quote_frame,
    quote_row,
    told_error,
)
from tests.judging.worlds import NOON, spec

DAY = date(2026, 11, 10)
SPEC = spec()
CALLS = {
    "day": pl.Date, "spec_id": pl.String, "item_digest": pl.String, "step": pl.String,
    "outcome": pl.String, "input_tokens": pl.Int64, "output_tokens": pl.Int64,
    "cost": pl.Decimal(38, 12), "asked_at": pl.Datetime("us"), "latency_ms": pl.Float64,
    "batch": pl.String,
}  # fmt: skip


def quotes(*items: int) -> pl.DataFrame:
    """A quote an hour, of so many items at 100 tokens in, 10 out and a cent."""
    rows = [
        quote_row(
            quote(
                [Estimate(1, 100, 10, 50)] * n, SPEC, already_paid=0,
                price=lambda _m, tokens: Decimal(tokens["output_text"]) / 1020,
            ),
            quote_id=f"q{hour}", run_id="r", seconds=None, quoted_at=NOON + timedelta(hours=hour),
        )
        for hour, n in enumerate(items)
    ]  # fmt: skip
    return quote_frame(rows).with_columns(day=pl.lit(DAY))


def calls(*asked: tuple[float, str, str, int | None]) -> pl.DataFrame:
    """Calls: hours after noon, content, step, prompt tokens; a tenth of them out, a cent each."""
    rows = [
        (
            DAY, SPEC.spec_id, digest, step, "ok", tokens, tokens and tokens // 10,
            tokens and Decimal("0.01"), NOON + timedelta(hours=hour), 200.0, None,
        )
        for hour, digest, step, tokens in asked
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=CALLS, orient="row")


def test_spending_is_held_against_the_latest_quote_before_it():
    spent = calls(
        (0.1, "a", "verdict", 120), (0.2, "b", "verdict", 120), (0.3, "canary", "canary/v", 0),
        (1.1, "c", "verdict", 90),
    )  # fmt: skip
    (row,) = quote_errors(quotes(2, 1), spent).to_dicts()
    assert (row["quotes"], row["items_quoted"], row["items_asked"]) == (2, 3, 3)
    assert row["calls_ratio"] == pytest.approx(4 / 3), "a canary is a call, and no item"
    assert row["input_ratio"] == pytest.approx(330 / 300)
    assert row["usd_ratio"] == pytest.approx(1.0)
    assert "1.10 of the quoted tokens in" in told_error(row)


def test_a_run_that_a_cap_cut_short_is_held_against_its_share_of_the_quote():
    (row,) = quote_errors(quotes(10), calls((0.1, "a", "verdict", 100))).to_dicts()
    assert (row["items_asked"], row["calls_ratio"], row["input_ratio"]) == (1, 1.0, 1.0)


def test_what_went_into_batches_is_held_against_the_dollars_quoted_for_them():
    half = quotes(2).with_columns(usd_in_batches=pl.lit(Decimal("0.01"), pl.Decimal(38, 12)))
    two = calls((0.1, "a", "verdict", 100), (0.2, "b", "verdict", 100))
    cheap = two.with_columns(cost=pl.lit(Decimal("0.005"), pl.Decimal(38, 12)))
    (row,) = quote_errors(half, cheap.with_columns(batch=pl.lit("b1"))).to_dicts()
    assert row["usd_ratio"] == pytest.approx(1.0)
    (row,) = quote_errors(half, cheap).to_dicts()
    assert row["usd_ratio"] == pytest.approx(0.5), "by itself each was half as dear as quoted"
    unquoted = quote_errors(quotes(2), cheap.with_columns(batch=pl.lit("b1")))
    assert unquoted["usd_ratio"].to_list() == [pytest.approx(0.5)]


def test_calls_before_any_quote_and_quotes_without_calls_say_nothing():
    assert quote_errors(quotes(2), calls((-1, "a", "verdict", 100))).is_empty()
    assert quote_errors(quotes(), calls((1, "a", "verdict", 100))).is_empty()


def test_tokens_that_nobody_told_are_no_zeros():
    (row,) = quote_errors(quotes(1), calls((0.1, "a", "verdict", None))).to_dicts()
    assert (row["calls_ratio"], row["input_ratio"], row["usd_ratio"]) == (1.0, None, None)


def test_the_time_a_call_takes_is_the_judges_own_where_it_was_ever_asked():
    timed = calls((0, "a", "verdict", 1)).with_columns(latency_ms=pl.lit(900.0))
    others = calls((0, "a", "verdict", 1)).with_columns(spec_id=pl.lit("t"))
    both = pl.concat([timed, others, others])
    assert past_latency(both, SPEC.spec_id) == 900.0
    assert past_latency(both, "unheard") == 200.0
    assert past_latency(both.clear(), SPEC.spec_id) is None
