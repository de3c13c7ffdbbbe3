"""Service tiers and hours of the day, by which the price book tells prices of one model apart."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

Service = Literal["standard", "batch", "flex", "priority", "fast"]

STANDARD: Final = "standard"
BATCH: Final = "batch"

_STANDARD_SPELLINGS = ("", "auto", "default", "on_demand", "on-demand", "standard", "standard_only")

_SHOWN = r"^(.*?)(?::(batch|flex|priority|fast))?(?:@(\d\d:\d\d-\d\d:\d\d))?$"


def shown_name(model: pl.Expr, tier: pl.Expr, hours: pl.Expr) -> pl.Expr:
    """``gpt-4.1:batch`` or ``deepseek-chat@00:30-16:30``: the model, its tier and hours, if any."""
    return pl.concat_str(
        model,
        pl.when(tier != STANDARD).then(pl.format(":{}", tier)).otherwise(pl.lit("")),
        pl.when(hours != "*").then(pl.format("@{}", hours)).otherwise(pl.lit("")),
    )


def split_names(shown: pl.Expr) -> dict[str, pl.Expr]:
    """``model``, ``tier`` and ``hours`` of a name as ``shown_name`` writes it."""
    parts = shown.str.extract_groups(_SHOWN).struct
    return {
        "model": parts.field("1"),
        "tier": parts.field("2").fill_null(STANDARD),
        "hours": parts.field("3").fill_null("*"),
    }


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
