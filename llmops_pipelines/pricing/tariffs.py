"""The prices of some models of the book, one row per interval and prompt length, as integers."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from llmops_pipelines.pricing.buckets import REQUEST
from llmops_pipelines.pricing.tiers import WINDOW
from llmops_pipelines.tables import TOKEN_BUCKETS

PRICED = (*TOKEN_BUCKETS, REQUEST)

_AS_INTEGER = Decimal(10) ** 12


def tariffs(book: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """The tariffs of ``models``, one row per model, interval and band of prompt length.

    Args:
        book: ``PRICE_BOOK``.
        models: ``entry`` (UInt32), ``provider`` and ``model`` as in the book, all unique.

    Returns:
        ``tariff`` (UInt32, row number), ``entry``, ``valid_from``, ``valid_to``, ``context_from``,
        ``price_source``, and per bucket a price in 10^-18 USD per token (per call for ``request``),
        null where the bucket has none. Sorted by entry, valid_from and context_from.
    """
    return (
        book.join(models, on=["provider", "model"])
        .group_by("entry", "valid_from", "context_from")
        .agg(
            pl.col("valid_to").first(),
            pl.format(
                "{}: {}/{}", pl.col("source").first(), pl.col("provider").first(), pl.col("model").first()
            ).alias("price_source"),
            *(
                (pl.col("price").filter(pl.col("bucket") == bucket).first() * _AS_INTEGER)
                .cast(pl.Int128)
                .alias(bucket)
                for bucket in TOKEN_BUCKETS
            ),
            # Quoted per 1,000 calls where tokens are quoted per 1,000,000.
            (pl.col("price").filter(pl.col("bucket") == REQUEST).first() * _AS_INTEGER)
            .cast(pl.Int128)
            .mul(1000)
            .alias(REQUEST),
        )
        .sort("entry", "valid_from", "context_from")
        .with_row_index("tariff")
    )


def windows(book: pl.DataFrame) -> pl.DataFrame:
    """Models of the book that have other prices at some hours of the day.

    Returns:
        ``provider``, ``model`` (the one without hours), ``window_model`` (the book's name), and
        ``start`` and ``end`` in minutes since midnight UTC, the end excluded.
    """
    parts = pl.col("model").str.extract_groups(WINDOW).struct
    minutes = [parts.field(str(i)).cast(pl.Int64) for i in range(2, 6)]
    return (
        book.select("provider", "model")
        .filter(pl.col("model").str.contains(WINDOW))
        .unique()
        .select(
            "provider",
            parts.field("1").alias("model"),
            window_model="model",
            start=minutes[0] * 60 + minutes[1],
            end=minutes[2] * 60 + minutes[3],
        )
        .sort("provider", "model", "start")
    )
