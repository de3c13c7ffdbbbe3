"""The exact cost of every call: an as-of join with the price book, then integer arithmetic."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from llmops_pipelines.pricing.entries import CallModels, find_entries
from llmops_pipelines.pricing.tariffs import (
    PRICED,
    PROMPT_BUCKETS,
    UNITS_PER_PICO,
    tariff_intervals,
    tariffs,
)
from llmops_pipelines.pricing.tiers import service_of_call
from llmops_pipelines.tables import CALL_COSTS, TOKEN_BUCKETS

_PICO = Decimal("0.000000000001")


def price_calls(llm_calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Price every call at what its model cost in its service tier at the moment it began.

    The price band is that of the whole prompt, cached parts included, and holds for all tokens of
    the call. Batch calls and other service tiers pay their own price where one is known, and none
    otherwise. A call whose price or usage is not known keeps a null cost with its reason; it is
    never free, and only counts as unpriced if it succeeded (``cost.feature_costs``).

    Costs are exact: tokens times integers of 10^-18 USD, summed, then rounded half to even to the
    pico-dollar. Only a price of more than six decimals per million tokens needs that rounding.

    Args:
        llm_calls: ``LLM_CALLS``.
        price_book: ``PRICE_BOOK``, of the installed genai-prices.

    Returns:
        ``CALL_COSTS``.

    Raises:
        ValueError: A token count is negative.
    """
    return CALL_COSTS.require(price_tokens(llm_calls, price_book))


def price_tokens(calls: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with ``cost``, ``unpriced_reason`` and ``price_source``, rows in their order.

    Args:
        calls: ``provider``, ``model``, ``started_at``, ``is_batch``, ``service_tier`` and the token
            buckets, typed as in ``LLM_CALLS``; other columns pass through.
        book: ``PRICE_BOOK``.

    Raises:
        ValueError: A token count is negative.
    """
    _refuse_negative(calls)
    asked = calls.select(
        "provider", "model", "started_at", *TOKEN_BUCKETS, service=service_of_call()
    ).with_row_index("row")
    models = find_entries(asked.select("provider", "model", "service").unique(), book)
    listed = tariffs(book, models.listed)
    priced = (
        _choose_tariff(asked, models, tariff_intervals(listed))
        .join(
            listed.select("tariff", "price_source", pl.col(PRICED).name.prefix("price_")),
            on="tariff",
            how="left",
        )
        .with_columns(cost=_cost())
        .select(
            "row",
            "cost",
            unpriced_reason=_reason(),
            price_source=pl.when(pl.col("cost").is_not_null()).then("price_source"),
        )
        .sort("row")
    )
    return calls.drop("cost", "unpriced_reason", "price_source", strict=False).hstack(
        priced.drop("row")
    )


def _choose_tariff(
    asked: pl.DataFrame, models: CallModels, intervals: pl.DataFrame
) -> pl.DataFrame:
    """``asked`` with ``unpriced_reason`` of its model and ``tariff``, null where none holds."""
    thresholds = [name for name in intervals.columns if name.startswith("threshold_")]
    prompt = pl.sum_horizontal(pl.col(name).fill_null(0).cast(pl.Int128) for name in PROMPT_BUCKETS)
    band = pl.sum_horizontal(
        pl.lit(0, pl.UInt32),
        *((prompt >= pl.col(name)).fill_null(value=False) for name in thresholds),
    )
    return (
        asked.join(models.asked, on=["provider", "model", "service"], how="left", nulls_equal=True)
        .drop("provider", "model", "service")
        .with_columns(entry=models.entry_at(pl.col("started_at")))
        .sort("started_at")
        .join_asof(
            intervals,
            left_on="started_at",
            right_on="valid_from",
            by="entry",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(
            tariff=pl.when(
                pl.col("valid_to").is_null() | (pl.col("started_at") < pl.col("valid_to"))
            ).then(pl.col("tariff") + band)
        )
    )


def _cost() -> pl.Expr:
    """Dollars: null when the usage, the tariff or the price of a bucket in use is missing."""
    units = pl.sum_horizontal(
        pl.col("price_request").fill_null(0),
        *(
            pl.col(bucket).fill_null(0).cast(pl.Int128) * pl.col(f"price_{bucket}").fill_null(0)
            for bucket in TOKEN_BUCKETS
        ),
    )
    whole, rest = units // UNITS_PER_PICO, units % UNITS_PER_PICO
    half = UNITS_PER_PICO // 2
    up = (rest > half) | ((rest == half) & (whole % 2 == 1))
    dollars = (whole + up.cast(pl.Int128)).cast(pl.Decimal(38, 0)) * pl.lit(_PICO)
    priced = ~pl.any_horizontal(
        (pl.col(bucket).fill_null(0) > 0) & pl.col(f"price_{bucket}").is_null()
        for bucket in TOKEN_BUCKETS
    )
    return pl.when(_has_usage() & pl.col("tariff").is_not_null() & priced).then(dollars)


def _has_usage() -> pl.Expr:
    """Both directions were counted; an answer is not asked of a model that charges for none."""
    return pl.col("uncached_input").is_not_null() & (
        pl.col("output_text").is_not_null()
        | (pl.col("tariff").is_not_null() & pl.col("price_output_text").is_null())
    )


def _reason() -> pl.Expr:
    return (
        pl.when(pl.col("cost").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(~_has_usage())
        .then(pl.lit("no_usage"))
        .otherwise(pl.col("unpriced_reason").fill_null("no_price_at_that_time"))
    )


def _refuse_negative(calls: pl.DataFrame) -> None:
    wrong = calls.filter(pl.any_horizontal(pl.col(TOKEN_BUCKETS) < 0))
    if wrong.height:
        first = wrong.row(0, named=True)
        counts = ", ".join(f"{b}={first[b]}" for b in TOKEN_BUCKETS if (first[b] or 0) < 0)
        raise ValueError(
            f"{wrong.height:,} call(s) have negative token counts, first "
            f"{first.get('call_id', first['model'])} with {counts}; landing rejects such lines, so "
            "land the file again or leave the call out"
        )
