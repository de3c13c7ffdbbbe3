"""Sums of calls by dimension, against calls priced one by one and other engines' percentiles."""

from datetime import timedelta
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl
import pytest

from llmops_pipelines.cost import (
    CUBE_COLUMNS,
    DIMENSIONS,
    UnknownDimensionError,
    columns_for,
    cost_cube,
    sum_calls,
)
from llmops_pipelines.pricing import PriceOverrides, Rates, price_book, price_calls
from llmops_pipelines.tables import COST_CUBE, LLM_CALLS, TOKEN_BUCKETS
from tests.pricing.factories import at, call, calls

FINE = {
    "provider": "acme",
    "model": "fine",
    "prices": {"uncached_input": "0.0000003", "output_text": "0.0000007"},
    "why": "finer than a pico-dollar a token",
}
SPEECH = {
    "provider": "acme",
    "model": "embed",
    "prices": {"uncached_input": "0.02", "request": "1.5"},
    "why": "charges no answer, and a fee a call",
}
MODELS = (
    ("openai", "gpt-4.1", None, False),
    ("openai", "gpt-4.1-mini", "flex", False),
    ("openai", "gpt-4.1-mini", None, True),
    ("anthropic", "claude-sonnet-4-5", None, False),
    ("deepseek", "deepseek-chat", None, False),
    ("openai", "o3", "priority", False),
    ("acme", "fine", None, False),
    ("acme", "embed", None, False),
    ("acme", "unheard-of", None, False),
    (None, None, None, False),
)


@pytest.fixture(scope="module")
def book():
    return price_book(PriceOverrides.model_validate({"overrides": [FINE, SPEECH]}))


def mixed_calls(count=3_000, seed=7):
    """Calls of every kind that prices tell apart, with holes wherever a log may have them."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        provider, model, tier, batch = MODELS[rng.integers(len(MODELS))]
        logged = rng.random() > 0.1
        rows.append(
            call(
                usage=logged,
                provider=provider,
                model=model,
                service_tier=tier,
                is_batch=batch,
                started_at=at("2025-06-09") + timedelta(seconds=int(rng.integers(0, 86_400 * 2))),
                feature=f"f-{rng.integers(3)}",
                team=[None, "a", "b"][rng.integers(3)],
                user_hash=f"u-{rng.integers(500)}",
                attempt=int(rng.integers(1, 3)),
                status=["ok", "ok", "error"][rng.integers(3)],
                latency_ms=None if rng.random() < 0.2 else float(rng.integers(1, 400)) / 7,
                **({"uncached_input": int(rng.integers(0, 300_000))} if logged else {}),
                **({"cache_read": int(rng.integers(0, 3_000))} if logged and batch else {}),
                **({"output_text": None} if rng.random() < 0.05 else {}),
                **({"audio_output": 5} if logged and rng.random() < 0.02 else {}),
            )
        )
    return calls(*rows)


def one_by_one(logged, book, by):
    """The same sums from ``CALL_COSTS``."""
    costs = price_calls(logged, book).select("call_id", "cost")
    priced = logged.join(costs, on="call_id").with_columns(
        hour=pl.col("started_at").dt.hour(),
        is_cached=pl.col("cache_read").fill_null(0) > 0,
        is_retry=pl.col("attempt") > 1,
    )
    return priced.group_by(by).agg(
        calls=pl.len().cast(pl.Int64),
        errors=(pl.col("status") == "error").sum().cast(pl.Int64),
        unpriced_calls=(pl.col("cost").is_null() & (pl.col("status") == "ok")).sum().cast(pl.Int64),
        no_usage_calls=pl.col("uncached_input").is_null().sum().cast(pl.Int64),
        **{bucket: pl.col(bucket).sum() for bucket in TOKEN_BUCKETS},
        cost=pl.when(pl.col("cost").is_not_null().any()).then(pl.col("cost").sum()),
    )


DISCOUNT = {"provider": "openai", "percent": "12.345", "teams": ["a"], "why": "a team's own"}


@pytest.mark.parametrize("by", [["model"], ["feature", "team"]])
def test_sums_are_exact_where_teams_have_prices_of_their_own(by):
    book = price_book(PriceOverrides.model_validate({"discounts": [DISCOUNT]}))
    logged = mixed_calls(1_000)
    found = in_order(sum_calls(logged, by, Rates(book)), by)
    expected = in_order(one_by_one(logged, book, by), by)
    assert found.select(expected.columns).equals(expected)


def in_order(frame, by):
    return frame.sort(by, nulls_last=True)


@pytest.mark.parametrize("by", [["feature"], ["feature", "team", "model"], list(DIMENSIONS)])
def test_sums_are_those_of_calls_priced_one_by_one(book, by):
    logged = mixed_calls()
    found = sum_calls(logged, by, Rates(book))
    expected = one_by_one(logged, book, by)
    assert found["unpriced_calls"].sum() > 100
    assert in_order(found.select(expected.columns), by).equals(in_order(expected, by))


def test_costs_that_calls_have_are_added_up_as_they_are(book):
    logged, by = mixed_calls(), ["team", "model"]
    booked = logged.join(price_calls(logged, book).select("call_id", "cost"), on="call_id")
    assert in_order(sum_calls(booked, by), by).equals(
        in_order(sum_calls(logged, by, Rates(book)), by)
    )


def test_sums_of_money_stay_exact_beyond_what_a_double_holds(book):
    dear = calls(*(call(uncached_input=4_503_599_627_370_497, output_text=1) for _ in range(3)))
    total = sum_calls(dear, ["feature"], Rates(book))["cost"].item()
    assert total == price_calls(dear, book)["cost"].sum() == Decimal("27021597764.223006")
    booked = dear.with_columns(cost=pl.Series([Decimal("9000000.123456789012")] * 3))
    assert sum_calls(booked, ["feature"])["cost"].item() == Decimal("27000000.370370367036")


@pytest.mark.parametrize(
    "latency",
    [
        pl.col("latency_ms"),
        pl.col("latency_ms").round(3),
        pl.col("latency_ms").round(0) * 1e6,
        pl.lit(0.0),
    ],
    ids=["fractions", "microseconds", "days", "none"],
)
def test_percentiles_are_those_of_another_engine(book, latency):
    logged = mixed_calls().with_columns(latency_ms=latency)
    found = sum_calls(logged, ["feature", "model"], Rates(book)).select(
        "feature", "model", pl.col("^latency_p.*$")
    )
    expected = duckdb.sql(
        "SELECT feature, model, quantile_disc(latency_ms, 0.5) AS latency_p50,"
        " quantile_disc(latency_ms, 0.95) AS latency_p95,"
        " quantile_disc(latency_ms, 0.99) AS latency_p99 FROM logged GROUP BY ALL"
    ).pl()
    assert in_order(found, ["feature", "model"]).equals(in_order(expected, ["feature", "model"]))


def test_a_group_without_latencies_has_no_percentile(book):
    logged = calls(call(feature="a", latency_ms=None), call(feature="b", latency_ms=3.5))
    found = in_order(sum_calls(logged, ["feature"], Rates(book)), ["feature"])
    assert found["latency_p95"].to_list() == [None, 3.5]


def test_a_day_without_calls_has_no_sums(book):
    found = sum_calls(LLM_CALLS.empty(), ["feature", "hour"], Rates(book))
    assert found.height == 0
    assert (
        COST_CUBE.require(cost_cube(LLM_CALLS.empty(), price_calls(LLM_CALLS.empty(), book))).height
        == 0
    )


def test_texts_may_come_as_categories(book):
    logged = mixed_calls(300)
    names = [name for name in columns_for(["feature"]) if LLM_CALLS.schema[name] == pl.String]
    found = sum_calls(
        logged.with_columns(pl.col(names).cast(pl.Categorical)), ["feature"], Rates(book)
    )
    assert in_order(found, "feature").equals(
        in_order(sum_calls(logged, ["feature"], Rates(book)), "feature")
    )


def test_prices_are_looked_up_once_for_days_that_ask_the_same(book):
    rates = Rates(book)
    first, second = (sum_calls(mixed_calls(400, seed), ["model"], rates) for seed in (1, 2))
    anew = sum_calls(mixed_calls(400, 2), ["model"], Rates(book))
    assert in_order(second.drop("latency_p50"), "model")["cost"].equals(
        in_order(anew, "model")["cost"]
    )
    assert first.height == second.height


def test_an_unknown_dimension_is_named_with_those_there_are():
    with pytest.raises(UnknownDimensionError, match=r"moon: calls can be summed by hour, feature"):
        columns_for(["feature", "moon"])


def test_the_cube_names_who_owns_nothing(book):
    logged = calls(call(team=None, started_at=at("2026-11-10 23:59")), call(team="a"))
    cube = cost_cube(logged.select(CUBE_COLUMNS), price_calls(logged, book))
    assert set(cube["team"]) == {"a", "unattributed"}
    assert cube.sort("hour")["hour"].to_list() == [12, 23]


def test_the_cube_knows_the_provider_of_calls_that_name_none(book):
    logged = mixed_calls(40).with_columns(
        provider=pl.lit(None, pl.String),
        model=pl.lit("gpt-4.1"),
        service_tier=pl.lit(None, pl.String),
    )
    cube = cost_cube(logged, price_calls(logged, book))
    assert cube["provider"].unique().to_list() == ["openai"]
    assert cube["calls"].sum() == logged.height
