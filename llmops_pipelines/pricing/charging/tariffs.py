"""The prices of some models of the book, one row per interval and prompt length, as integers."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from llmops_pipelines.pricing.book.buckets import PER_THOUSAND
from llmops_pipelines.pricing.book.rows import Name
from llmops_pipelines.pricing.book.tiers import shown_name
from llmops_pipelines.tables import TOKEN_BUCKETS

PROMPT_BUCKETS = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
)
"""Buckets that make up the length of a prompt, which decides its price band."""

UNITS_PER_PICO = 1_000_000
"""Prices are integers of 10^-18 USD per token, amounts of money integers of 10^-12 USD."""

_AS_INTEGER = Decimal(10) ** 12


def tariffs(book: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """The tariffs of ``models``, one row per model, interval and band of prompt length.

    Args:
        book: ``PRICE_BOOK``.
        models: ``entry`` (UInt32) and its ``Name`` in the book, all unique.

    Returns:
        ``tariff`` (UInt32, row number), ``entry``, ``valid_from``, ``valid_to``, ``context_from``,
        ``price_source``, its ``Name``, and per bucket a price in 10^-18 USD per token (per call or
        search for ``PER_THOUSAND``), null where the bucket has none. Sorted by entry, valid_from
        and context_from.
    """
    return (
        book.join(models, on=Name._fields)
        .group_by("entry", "valid_from", "context_from")
        .agg(
            pl.col("valid_to", "source", *Name._fields).first(),
            *(
                (pl.col("price").filter(pl.col("bucket") == bucket).first() * _AS_INTEGER)
                .cast(pl.Int128)
                .alias(bucket)
                for bucket in TOKEN_BUCKETS
            ),
            # Quoted per 1,000 calls where tokens are quoted per 1,000,000.
            *(
                (pl.col("price").filter(pl.col("bucket") == bucket).first() * _AS_INTEGER)
                .cast(pl.Int128)
                .mul(1000)
                .alias(bucket)
                for bucket in PER_THOUSAND
            ),
        )
        .with_columns(
            price_source=pl.format(
                "{}: {}/{}",
                "source",
                "provider",
                shown_name(pl.col("model"), pl.col("tier"), pl.col("hours")),
            )
        )
        .drop("source")
        .sort("entry", "valid_from", "context_from")
        .with_row_index("tariff")
    )
