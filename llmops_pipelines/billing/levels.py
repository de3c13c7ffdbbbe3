"""How finely an invoice divides its charges, and our records divided as finely."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.billing.lines import BATCH, CACHED, INPUT, NOT_BATCH, TOOL
from llmops_pipelines.tables import MONEY

KEY: Final = ["day", "provider", "model", "tier", "meter"]
"""What tells rows of a reconciliation apart; null is all of them."""


class Level(NamedTuple):
    """How finely each model is told of on each day."""

    models: pl.DataFrame
    """``provider``, ``model``, ``by_tier`` and ``by_meter``: whether every line of it says so;
    ``by_batch``: whether all that some line says of its tier is that it was no batch."""
    providers: list[str]
    whole: list[str]
    """Providers of which no line names a model: they are billed in sum."""


def level_of(told: pl.DataFrame) -> Level:
    """The level of an invoice whose lines carry figures.

    One line of a model without a tier takes the tier from all of its lines: what they bill together
    is what can be compared. The same holds for meters, but for tools, which no log has.
    """
    models = (
        told.filter(pl.col("model").is_not_null() & (pl.col("meter").fill_null("") != TOOL))
        .group_by("provider", "model")
        .agg(
            by_tier=pl.col("tier").is_not_null().all(),
            by_meter=pl.col("meter").is_not_null().all(),
            by_batch=(pl.col("tier") == NOT_BATCH).any(),
        )
    )
    providers = told["provider"].unique().sort().to_list()
    named = set(models["provider"])
    return Level(models, providers, [name for name in providers if name not in named])


def invoiced_rows(told: pl.DataFrame, level: Level) -> pl.DataFrame:
    """``KEY``, ``lines``, ``invoiced`` and ``invoiced_tokens`` of an invoice."""
    rows = _at(told.filter(pl.col("meter").fill_null("") != TOOL), level)
    tools = told.filter(pl.col("meter") == TOOL)
    known = {
        name: pl.when(pl.col(column).count() > 0).then(pl.col(column).sum())
        for name, column in (("invoiced", "amount"), ("invoiced_tokens", "tokens"))
    }
    return (
        pl.concat([rows.select(*KEY, *_FIGURES), tools.select(*KEY, *_FIGURES)])
        .group_by(KEY)
        .agg(lines=pl.col("first").sum().cast(pl.Int64), **known)
        .with_columns(pl.col("invoiced").cast(MONEY))
    )


_FIGURES: Final = ("first", "amount", "tokens")
_REDUCED: Final = ("batch", "flex")
"""Tiers at half of the ordinary price."""


def levelled(side: pl.DataFrame, level: Level, days: pl.DataFrame) -> pl.DataFrame:
    """A side of the bill summed as the invoice is.

    Args:
        side: ``calls_side`` or ``judges_side``.
        level: The invoice's.
        days: ``day``, ``begins`` and ``ends`` of the invoice's days, one after the other.

    Returns:
        ``KEY``, ``calls``, ``unpriced_calls``, ``cost``, ``tokens``, and of the prompt and of what
        was read from the cache ``input_cost``, ``cached_cost``, ``input_tokens``,
        ``cached_tokens``; ``reduced_cost`` is that of batches and the flex tier.
    """
    rows = (
        side.filter(pl.col("provider").is_in(level.providers))
        .sort("hour")
        .join_asof(days, left_on="hour", right_on="begins")
        .filter(pl.col("hour") < pl.col("ends"))
        .with_columns(is_reduced=pl.col("tier").is_in(_REDUCED))
    )
    part = {
        f"{name}_{figure}": pl.col(column).filter(pl.col("of") == meter).sum()
        for name, meter in (("input", INPUT), ("cached", CACHED))
        for figure, column in (("cost", "cost"), ("tokens", "tokens"))
    }
    return (
        _at(rows.with_columns(of="meter"), level)
        .group_by(KEY)
        .agg(
            pl.col("calls", "unpriced_calls", "tokens").sum(),
            pl.col("cost").sum().cast(MONEY),
            **part,
            reduced_cost=pl.col("cost").filter("is_reduced").sum(),
        )
    )


def _at(rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    """``rows`` whose tier, meter and model are null where the invoice does not divide by them."""
    all_others = pl.col("by_batch") & (pl.col("tier") != BATCH)
    return rows.join(
        level.models, on=["provider", "model"], how="left", nulls_equal=True
    ).with_columns(
        tier=pl.when(pl.col("by_tier")).then(
            pl.when(all_others).then(pl.lit(NOT_BATCH)).otherwise("tier")
        ),
        meter=pl.when(pl.col("by_meter")).then("meter"),
        model=pl.when(~pl.col("provider").is_in(level.whole)).then("model"),
    )
