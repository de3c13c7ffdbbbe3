"""Groups priced by their sums: to the last digit what the calls cost one by one."""

import gc
import weakref
from random import Random

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.pricing import Rates, price_groups, price_tokens, sum_groups
from llmops_pipelines.tables import COST_PARTS, TOKEN_BUCKETS
from tests.pricing.factories import at, call, calls

MODELS = (
    ("openai", "gpt-4.1"),
    ("openai", "o3"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),
    ("openai", "acme-1"),
    (None, None),
)
# A tenth of a micro-dollar per million tokens: each of its calls is rounded by itself.
FINE = """
overrides:
  - {provider: openai, model: fine-1, why: test, prices: {uncached_input: 0.0000001}}
"""


def drawn(rng, most):
    provider, model = rng.choice((*MODELS, ("openai", "fine-1")))
    counts = {name: rng.choice((0, 0, rng.randrange(most))) for name in TOKEN_BUCKETS}
    return call(
        usage=rng.random() < 0.9,
        provider=provider,
        model=model,
        started_at=at(f"2026-{rng.randint(1, 11):02d}-10 {rng.randrange(24):02d}:15"),
        is_batch=rng.random() < 0.2,
        status=rng.choice(("ok", "ok", "error")),
        **(counts if rng.random() < 0.9 else {}),
    )


def grouped(day, book, count):
    rates = Rates(book)
    groups = np.arange(day.height) % count
    return groups, price_groups(day, rates.numbered(day), groups, rates)


@pytest.mark.parametrize(
    ("most", "rows"), [(5_000, 600), (400_000, 300), (2**45, 60)], ids=["usual", "long", "huge"]
)
def test_a_group_costs_what_its_calls_cost_together(book_with, most, rows):
    book, rng = book_with(FINE), Random(most)
    day = calls(*(drawn(rng, most) for _ in range(rows)))
    groups, sums = grouped(day, book, 7)
    one_by_one = price_tokens(day, book).with_columns(pl.Series("group", groups))
    unpriced = (pl.col("status") == "ok") & pl.col("cost").is_null()
    expected = one_by_one.group_by("group", maintain_order=True).agg(
        calls=pl.len(),
        errors=(pl.col("status") == "error").sum(),
        unpriced_calls=unpriced.sum(),
        no_usage_calls=pl.col("uncached_input").null_count(),
        **{name: pl.col(name).sum() for name in TOKEN_BUCKETS},
        cost=pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum()),
    )
    assert sums.rows() == expected.sort("group").select(sums.columns).rows()
    parts = price_tokens(day, book)
    again = sum_groups(parts, groups)
    assert again["cost"].to_list() == sums["cost"].to_list()
    assert again.select(pl.sum_horizontal(COST_PARTS)).to_series().to_list() == [
        cost or 0 for cost in sums["cost"]
    ]


def test_a_group_of_which_no_call_has_a_price_has_no_cost(book):
    day = calls(call(model="acme-1", uncached_input=1), call(usage=False), call(uncached_input=1))
    _, sums = grouped(day.sort("started_at"), book, 3)
    assert sums["cost"].null_count() == 2
    assert sums["unpriced_calls"].sum() == 2


def test_prices_that_were_looked_up_are_let_go_with_the_book(book):
    day, rates = calls(call(uncached_input=1)), Rates(book)
    kinds = rates.numbered(day)
    price_groups(day, kinds, np.zeros(1, np.int64), rates)
    schedule = weakref.ref(rates.requests_of(kinds).schedule)
    assert schedule() is not None
    del rates, kinds
    gc.collect()
    assert schedule() is None
