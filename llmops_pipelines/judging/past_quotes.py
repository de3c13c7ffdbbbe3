"""Quotes on record, and how far they were from what was spent in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from llmops_pipelines.judging.judges.quotes import Quote
from llmops_pipelines.tables import JUDGE_QUOTES

_PICO = Decimal("0.000000000001")
_MONEY = ("usd", "usd_at_most", "usd_in_batches")

QUOTE_ERRORS = pl.Schema(
    {
        "spec_id": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "quotes": pl.Int64,
        "items_quoted": pl.Int64,
        "items_asked": pl.Int64,
        "calls_ratio": pl.Float64,
        "input_ratio": pl.Float64,
        "output_ratio": pl.Float64,
        "usd_ratio": pl.Float64,
    }
)
"""One judge: what was spent per call, token and dollar quoted, over all quotes it followed."""


def quote_row(
    found: Quote,
    *,
    quote_id: str,
    run_id: str,
    seconds: float | None,
    quoted_at: datetime,
) -> dict[str, Any]:
    """A row of ``JUDGE_QUOTES``."""
    known = {field.name for field in fields(found)}
    row = {name: getattr(found, name) for name in JUDGE_QUOTES.schema if name in known}
    money = {name: row[name] and row[name].quantize(_PICO) for name in _MONEY}
    about = {"quote_id": quote_id, "run_id": run_id, "seconds": seconds, "quoted_at": quoted_at}
    return {**row, **money, **about}


def quote_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """``JUDGE_QUOTES`` of ``rows``."""
    return JUDGE_QUOTES.require(pl.DataFrame(list(rows), schema=JUDGE_QUOTES.schema))


def quote_errors(judge_quotes: pl.DataFrame, judge_calls: pl.DataFrame) -> pl.DataFrame:
    """How much was spent of what was quoted, judge by judge.

    A call belongs to the latest quote of its judge for its day that came before it. Where a cap or
    a fault cut a run short, only the quoted share of the items that were asked about counts; a
    quote that nothing came of is left out. Attempts whose tokens or cost nobody told are counted
    with neither, so a ratio speaks of what is known. What went into batches is held against the
    dollars that were quoted for batches.

    Args:
        judge_quotes: ``JUDGE_QUOTES`` with ``day``.
        judge_calls: ``JUDGE_CALLS`` with ``day``, of the same days.

    Returns:
        `QUOTE_ERRORS`, by metric and spec. A ratio of 1.1 means a tenth more than quoted; null
        where nothing was quoted or nothing is known.
    """
    by = ["day", "spec_id"]
    asked = (
        judge_calls.sort("asked_at")
        .join_asof(
            judge_quotes.select(*by, "quote_id", "quoted_at").sort("quoted_at"),
            left_on="asked_at",
            right_on="quoted_at",
            by=by,
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("quote_id").is_not_null())
    )
    spent = asked.group_by("quote_id").agg(
        spent_items=pl.col("item_digest")
        .filter(~pl.col("step").str.starts_with("canary/"))
        .n_unique()
        .cast(pl.Int64),
        spent_calls=pl.len().cast(pl.Int64),
        batched=pl.col("batch").is_not_null().mean(),
        **{f"spent_{name}": _known(name) for name in ("input_tokens", "output_tokens", "cost")},
    )
    share = pl.min_horizontal(pl.col("spent_items") / pl.col("items"), 1.0)
    batched = pl.when(pl.col("usd_in_batches").is_not_null()).then("batched").otherwise(0.0)
    usd, cheaper = (pl.col(name).cast(pl.Float64) for name in ("usd", "usd_in_batches"))
    followed = (
        judge_quotes.filter(pl.col("items") > 0)
        .join(spent, on="quote_id")
        .with_columns(usd=usd * (1 - batched) + cheaper.fill_null(0.0) * batched)
    )
    pairs = {
        "calls_ratio": ("spent_calls", "calls"),
        "input_ratio": ("spent_input_tokens", "input_tokens"),
        "output_ratio": ("spent_output_tokens", "output_tokens"),
        "usd_ratio": ("spent_cost", "usd"),
    }
    return (
        followed.group_by("spec_id", "metric", "model")
        .agg(
            quotes=pl.len().cast(pl.Int64),
            items_quoted=pl.col("items").sum(),
            items_asked=pl.col("spent_items").sum(),
            **{name: _ratio(*pair, share) for name, pair in pairs.items()},
        )
        .sort("metric", "spec_id")
        .select(QUOTE_ERRORS.names())
        .cast(QUOTE_ERRORS)
    )


def past_latency(judge_calls: pl.DataFrame, spec_id: str) -> float | None:
    """Median milliseconds of a judge's answered calls, else of all judges'; None without any."""
    answered = judge_calls.filter(pl.col("outcome") == "ok", pl.col("latency_ms").is_not_null())
    own = answered.filter(pl.col("spec_id") == spec_id)["latency_ms"]
    median = (own if own.len() else answered["latency_ms"]).median()
    return None if median is None else float(median)  # type: ignore[arg-type]


def told_error(error: Mapping[str, Any]) -> str:
    """A row of `QUOTE_ERRORS` in words."""
    parts = [
        f"{error[name]:.2f} of the quoted {what}"
        for name, what in (
            ("calls_ratio", "calls"),
            ("input_ratio", "tokens in"),
            ("output_ratio", "tokens out"),
            ("usd_ratio", "dollars"),
        )
        if error[name] is not None
    ]
    return (
        f"{error['metric']} by {error['model']}: {error['quotes']:,} past quote(s), "
        f"{error['items_asked']:,} items asked; spent {', '.join(parts) or 'nothing known'}"
    )


def _known(name: str) -> pl.Expr:
    """The sum of what is known, as a float; null where nothing is."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).cast(pl.Float64).sum())


def _ratio(spent: str, quoted: str, share: pl.Expr) -> pl.Expr:
    """Spent over quoted, over the quotes where both are known."""
    both = pl.col(spent).is_not_null() & pl.col(quoted).is_not_null()
    expected = (pl.col(quoted).cast(pl.Float64) * share).filter(both).sum()
    return pl.when(expected > 0).then(pl.col(spent).cast(pl.Float64).filter(both).sum() / expected)
