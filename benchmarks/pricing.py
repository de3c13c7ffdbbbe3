"""Calls priced per CPU-second: our join with the price book beside genai-prices, call by call.

Run it with ``python benchmarks/pricing.py``. Both sides price the same calls of one fortnight (nine
models with cached and reasoning tokens, long prompts, batch calls, off-peak hours, one model
without a price), ours a million of them, genai-prices 20,000. Their answers are compared too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from time import process_time

import numpy as np
import polars as pl
from genai_prices import calc_price
from genai_prices.types import Usage

from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.tables import LLM_CALLS, TOKEN_BUCKETS, Column

OURS = 1_000_000
THEIRS = 20_000

MODELS = (
    ("openai", "gpt-4.1-2025-04-14", False),
    ("openai", "gpt-4.1-mini", False),
    ("openai", "gpt-4.1-mini", True),
    ("openai", "o3", False),
    ("anthropic", "claude-sonnet-4-5-20250929", False),
    ("google", "gemini-2.5-flash", False),
    ("google", "gemini-2.5-pro", False),
    ("deepseek", "deepseek-chat", False),
    ("openai", "ft:acme-support", False),
)


def synthetic_calls(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    kind = rng.integers(0, len(MODELS), count)
    first = datetime.fromisoformat("2026-11-01")
    tokens = {
        "uncached_input": rng.integers(0, 250_000, count),
        "cache_read": rng.integers(0, 2_000, count),
        "output_text": rng.integers(1, 900, count),
        "reasoning": rng.integers(0, 300, count),
    }
    offsets = rng.integers(0, timedelta(days=14) // timedelta(microseconds=1), count)
    models = pl.DataFrame(MODELS, schema=["provider", "model", "is_batch"], orient="row")
    frame = models[kind].with_columns(
        **{bucket: pl.lit(0, pl.Int64) for bucket in TOKEN_BUCKETS} | tokens,
        call_id=pl.format("c-{}", pl.int_range(count)),
        trace_id=pl.format("t-{}", pl.int_range(count)),
        started_at=pl.lit(first) + pl.Series(offsets).cast(pl.Duration("us")),
        feature=pl.lit("benchmark"),
        status=pl.lit("ok"),
        attempt=pl.lit(1, pl.Int32),
    )
    return frame.with_columns(
        pl.lit(pl.Series([_default(column)], dtype=column.dtype)).first().alias(column.name)
        for column in LLM_CALLS.columns
        if column.name not in frame.columns
    )


def _default(column: Column) -> object:
    return list(column.default) if isinstance(column.default, tuple) else column.default


def price_one_by_one(calls: pl.DataFrame) -> list[Decimal | None]:
    """What an application does that asks genai-prices about each call."""
    costs: list[Decimal | None] = []
    for row in calls.iter_rows(named=True):
        usage = Usage(
            input_tokens=row["uncached_input"] + row["cache_read"],
            cache_read_tokens=row["cache_read"],
            output_tokens=row["output_text"] + row["reasoning"],
        )
        try:
            price = calc_price(
                usage,
                row["model"],
                provider_id=row["provider"],
                genai_request_timestamp=row["started_at"],
                price_context={"processing": "batch"} if row["is_batch"] else None,
            )
        except LookupError:
            costs.append(None)
        else:
            costs.append(price.total_price)
    return costs


def main() -> None:
    calls = synthetic_calls(OURS)
    few = calls.head(THEIRS)
    book = price_book(PriceOverrides())
    price_calls(few, book)
    price_one_by_one(few.head(100))

    start = process_time()
    priced = price_calls(calls, book)
    ours = OURS / (process_time() - start)
    start = process_time()
    expected = price_one_by_one(few)
    theirs = THEIRS / (process_time() - start)

    found = few.select("call_id").join(priced, on="call_id", maintain_order="left")["cost"]
    equal = sum(a == b for a, b in zip(found, expected, strict=True))
    print(f"{'':32}{'calls':>10}{'calls per CPU-second':>24}")
    print(f"{'price_calls':32}{OURS:>10,}{ours:>24,.0f}")
    print(f"{'genai_prices.calc_price':32}{THEIRS:>10,}{theirs:>24,.0f}")
    print(f"ratio {ours / theirs:,.0f}; equal to the last digit: {equal:,} of {THEIRS:,}")


if __name__ == "__main__":
    main()
