"""Service tiers and hours of the day, by which the price book tells prices of one model apart."""

from __future__ import annotations

import re
from typing import Final, Literal

import polars as pl

Service = Literal["standard", "batch", "flex", "priority", "fast"]

STANDARD: Final = "standard"
BATCH: Final = "batch"

_STANDARD_SPELLINGS = ("", "auto", "default", "on_demand", "on-demand", "standard", "standard_only")

_SUFFIX = re.compile(r"(?::(?:batch|flex|priority|fast))?(?:@\d\d:\d\d-\d\d:\d\d)?$")

_WINDOW = r"^(.*)@(\d\d):(\d\d)-(\d\d):(\d\d)$"


def tier_name(model: str, service: str) -> str:
    """The book's name for ``model`` in a service tier: ``gpt-4.1:batch``."""
    return model if service == STANDARD else f"{model}:{service}"


def window_name(model: str, start: str, end: str) -> str:
    """The book's name for ``model`` at some hours of the day: ``deepseek-chat@00:30-16:30``."""
    return f"{model}@{start}-{end}"


def base_name(model: str) -> str:
    """The model behind a name of the book, without tier and hours."""
    return _SUFFIX.sub("", model)


def service_of_call() -> pl.Expr:
    """The service tier of a call, from ``is_batch`` and ``service_tier``.

    A tier that is neither standard nor in the book keeps its own name, so that its calls find no
    price instead of the standard one.
    """
    tier = pl.col("service_tier").fill_null("").str.strip_chars().str.to_lowercase()
    return (
        pl.when(pl.col("is_batch"))
        .then(pl.lit(BATCH))
        .when(tier.is_in(_STANDARD_SPELLINGS))
        .then(pl.lit(STANDARD))
        .otherwise(tier)
    )


def windows_of(book: pl.DataFrame) -> pl.DataFrame:
    """Models of the book that have other prices at some hours of the day.

    Returns:
        ``provider``, ``model`` (the one without hours), ``window_model`` (the book's name), and
        ``start`` and ``end`` in minutes since midnight UTC, the end excluded.
    """
    parts = pl.col("model").str.extract_groups(_WINDOW).struct
    minutes = [parts.field(str(i)).cast(pl.Int64) for i in range(2, 6)]
    return (
        book.select("provider", "model")
        .filter(pl.col("model").str.contains(_WINDOW))
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
