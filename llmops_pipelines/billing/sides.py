"""Our side of an invoice: calls of the cost cube, and judges' calls, by hour, model and meter."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.billing.lines import CACHED, INPUT, OUTPUT
from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.pricing.book.resolution import provider_id, resolve_models
from llmops_pipelines.tables import MONEY, TOKEN_BUCKETS

_PROMPT: Final = ("uncached_input", "cache_write_5m", "cache_write_1h", "audio_input")
_ANSWER: Final = ("output_text", "reasoning", "audio_output")

SIDE: Final = ("hour", "provider", "model", "tier", "meter")
"""What tells rows of a side apart; ``hour`` is a moment, the start of an hour in UTC."""

_TIER: Final = (
    pl.when(pl.col("is_batch"))
    .then(pl.lit("batch"))
    .when(pl.col("service_tier").fill_null("default").is_in(["default", "auto", "standard"]))
    .then(pl.lit("standard"))
    .otherwise(pl.col("service_tier"))
)


def calls_side(cube: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``COST_CUBE``, with ``day``, as a side of the bill.

    A call's cost stands with three meters: prompt, cached prompt and answer. Where an older release
    stored no parts, all of it stands with the answer.

    Returns:
        ``SIDE``, ``calls``, ``unpriced_calls``, ``cost`` and ``tokens``. Calls stand with the
        answer alone, so that a sum over meters counts them once.
    """
    rows = cube.select(
        pl.col("day").cast(pl.Datetime("us")).dt.offset_by(pl.format("{}h", "hour")).alias("hour"),
        "provider",
        "model",
        _TIER.alias("tier"),
        "calls",
        "unpriced_calls",
        "cost",
        "input_cost",
        "cache_read_cost",
        *TOKEN_BUCKETS,
    )
    return _named(_by_meter(rows), book)


def judges_side(judge_calls: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``JUDGE_CALLS`` as a side of the bill, on the day they were sent.

    What was booked for a judge's call has no parts: they are found by pricing it again, and where
    that does not come to what was booked, all of it stands with the answer.

    Returns:
        As ``calls_side``; judges that were not asked over the network (no model served) are none.
    """
    asked = judge_calls.filter(pl.col("model_served").is_not_null()).select(
        pl.lit(None, pl.String).alias("provider"),
        pl.col("model_served").alias("model"),
        pl.col("asked_at").alias("started_at"),
        pl.col("batch").is_not_null().alias("is_batch"),
        pl.lit(None, pl.String).alias("service_tier"),
        pl.col("cost").alias("booked"),
        *(
            pl.col(name) if name in judge_calls.columns else pl.lit(None, pl.Int64).alias(name)
            for name in TOKEN_BUCKETS
        ),
    )
    same = pl.col("cost") == pl.col("booked")
    rows = price_tokens(asked, book).select(
        pl.col("started_at").dt.truncate("1h").alias("hour"),
        "provider",
        "model",
        _TIER.alias("tier"),
        pl.lit(1, pl.Int64).alias("calls"),
        pl.col("booked").is_null().cast(pl.Int64).alias("unpriced_calls"),
        pl.col("booked").alias("cost"),
        pl.when(same).then("input_cost"),
        pl.when(same).then("cache_read_cost"),
        *TOKEN_BUCKETS,
    )
    return _named(_by_meter(rows), book)


def model_names(pairs: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """One spelling for every ``(provider, model)``: the price book's, so that releases meet.

    Returns:
        ``provider`` and ``model`` as given, ``named_provider`` and ``named_model``.
    """
    asked = pairs.select("provider", "model").unique()
    found = resolve_models(asked.with_columns(pl.col("provider").replace("", None)), book)
    return (
        asked.with_columns(asked=pl.col("provider").replace("", None))
        .join(
            found.rename({"provider": "asked"}), on=["asked", "model"], how="left", nulls_equal=True
        )
        .with_columns(
            named_provider=pl.coalesce(
                pl.col("asked").map_elements(_provider, pl.String), "book_provider"
            ),
            # A fine-tune is billed apart from its base, at its own price.
            named_model=pl.when(pl.col("model").str.starts_with("ft:"))
            .then("model")
            .otherwise(pl.coalesce("book_model", pl.col("model").str.to_lowercase())),
        )
        .select("provider", "model", "named_provider", "named_model")
    )


def _provider(name: str) -> str:
    return provider_id(name) or name.lower()


def _named(rows: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.join(model_names(rows, book), on=["provider", "model"], nulls_equal=True)
        .with_columns(provider="named_provider", model="named_model")
        .group_by(SIDE)
        .agg(pl.col("calls", "unpriced_calls", "cost", "tokens").sum())
    )


def _by_meter(rows: pl.DataFrame) -> pl.DataFrame:
    prompt, cached = (pl.col(name).fill_null(0) for name in ("input_cost", "cache_read_cost"))
    nothing = pl.lit(0, pl.Int64)
    meters = {
        INPUT: (prompt, _tokens(_PROMPT), nothing, nothing),
        CACHED: (cached, _tokens(("cache_read",)), nothing, nothing),
        OUTPUT: (
            pl.col("cost").fill_null(0) - prompt - cached,
            _tokens(_ANSWER),
            pl.col("calls"),
            pl.col("unpriced_calls"),
        ),
    }
    return pl.concat(
        rows.select(
            "hour",
            "provider",
            "model",
            "tier",
            pl.lit(meter).alias("meter"),
            calls.alias("calls"),
            unpriced.alias("unpriced_calls"),
            cost.cast(MONEY).alias("cost"),
            tokens.alias("tokens"),
        )
        for meter, (cost, tokens, calls, unpriced) in meters.items()
    )


def _tokens(buckets: tuple[str, ...]) -> pl.Expr:
    return pl.sum_horizontal(pl.col(name).fill_null(0) for name in buckets)
