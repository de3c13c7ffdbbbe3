"""What shorter prompts would have cost, with what is lost of the provider's cache."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.pricing import metered, price_tokens
from llmops_pipelines.tables import METERED, TOKEN_BUCKETS

_WRITES = ("cache_write_5m", "cache_write_1h")
_PROMPT = ("uncached_input", "cache_read", *_WRITES)
_ASKED = ("call_id", "team", "provider", "model", "started_at", "is_batch", "service_tier")


def prompt_tokens() -> pl.Expr:
    """The text tokens of a prompt, cached ones included; null without usage."""
    cached = (pl.col(bucket).fill_null(0) for bucket in _PROMPT[1:])
    return pl.sum_horizontal(pl.col("uncached_input"), *cached, ignore_nulls=False)


def compressed_costs(
    compressed: pl.DataFrame, calls: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """``compressed`` with the buckets that are left, and what each call would have saved.

    A provider's cache reads a prompt from its start to the first change. So of the tokens that were
    read from the cache, those in front of the change still are, and what stands behind it pays the
    price of fresh input: a prompt that was cached saves little by being shortened, and can cost
    more. Tokens that were written to the cache are written as before as far as there are any.
    Summaries are made by the model that answered, without a cache.

    Args:
        compressed: ``COMPRESSED``.
        calls: What `price_tokens` asks of each call, and ``call_id``.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``compressed`` with the token buckets after it under their names, ``cost_before``,
        ``cost_after`` and ``saved`` in exact dollars; null where a price or usage is missing.
    """
    logged = metered(calls).select(*_ASKED, *METERED)
    before = price_tokens(logged, price_book).select("call_id", cost_before="cost")
    rows = compressed.join(logged, on="call_id", how="left", maintain_order="left")
    after = _after(rows)
    own = price_tokens(after, price_book)["cost"]
    made = price_tokens(_summaries(rows), price_book)["cost"]
    has_summary = pl.col("summary_output") > 0
    return (
        after.with_columns(own.alias("own"), made.alias("made"))
        .with_columns(
            cost_after=pl.when(has_summary).then(pl.col("own") + pl.col("made")).otherwise("own")
        )
        .join(before, on="call_id", how="left", maintain_order="left")
        .with_columns(saved=pl.col("cost_before") - pl.col("cost_after"))
        .select(
            *compressed.columns,
            *(pl.col(bucket) for bucket in TOKEN_BUCKETS),
            "cost_before",
            "cost_after",
            "saved",
        )
    )


def _after(rows: pl.DataFrame) -> pl.DataFrame:
    """The buckets of the shorter prompt; those of a prompt left alone, and of answers, stay."""
    changed = pl.col("tokens_after") != pl.col("tokens_before")
    short, hour = (pl.col(bucket).fill_null(0) for bucket in _WRITES)
    total = pl.col("tokens_after")
    read = pl.min_horizontal(pl.col("cache_read").fill_null(0), "kept_prefix", total)
    first = pl.min_horizontal(short, total - read)
    second = pl.min_horizontal(hour, total - read - first)
    left = {
        "uncached_input": total - read - first - second,
        "cache_read": read,
        "cache_write_5m": first,
        "cache_write_1h": second,
    }
    has_usage = pl.col("uncached_input").is_not_null()
    return rows.with_columns(
        pl.when(changed & has_usage).then(value).otherwise(pl.col(bucket)).alias(bucket)
        for bucket, value in left.items()
    )


def _summaries(rows: pl.DataFrame) -> pl.DataFrame:
    """The calls that make the summaries, in the order of ``rows``."""
    return rows.with_columns(
        **{bucket: pl.lit(0, pl.Int64) for bucket in METERED},
    ).with_columns(uncached_input="summary_input", output_text="summary_output")
