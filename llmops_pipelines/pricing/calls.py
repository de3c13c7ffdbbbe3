"""The exact cost of every call: an as-of join with the price book, then integer arithmetic."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from llmops_pipelines.pricing.resolution import resolve_models
from llmops_pipelines.pricing.tariffs import PRICED, tariffs, windows
from llmops_pipelines.pricing.tiers import BATCH, STANDARD, service_of_call, tier_name
from llmops_pipelines.tables import CALL_COSTS, MONEY, TOKEN_BUCKETS

_PROMPT = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
"""Buckets that make up the length of a prompt, which decides its price band."""

_PICO = Decimal("0.000000000001")
_UNITS_PER_PICO = 1_000_000


def price_calls(llm_calls: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Price every call at what its model cost in its service tier at the moment it began.

    The price band is that of the whole prompt, cached parts included, and holds for all tokens of
    the call. Batch calls and other service tiers pay their own price where one is known, and none
    otherwise. A call whose price or usage is not known keeps a null cost with its reason; it is
    never free, and only counts as unpriced if it succeeded (``cost.feature_costs``).

    Costs are exact: tokens times integers of 10^-18 USD, summed, then rounded half to even to the
    pico-dollar. Only a price of more than six decimals per million tokens needs that rounding.

    Args:
        llm_calls: ``LLM_CALLS``.
        book: ``PRICE_BOOK``, of the installed genai-prices.

    Returns:
        ``CALL_COSTS``.

    Raises:
        ValueError: A token count is negative.
    """
    return CALL_COSTS.require(price_tokens(llm_calls, book))


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
    entries, reasons = _entries(asked.select("provider", "model", "service").unique(), book)
    tariff = tariffs(book, entries)
    chosen = _choose_tariff(_at_hours(asked.join(
        reasons, on=["provider", "model", "service"], how="left", nulls_equal=True
    ), book, entries), tariff)
    priced = (
        chosen.join(tariff.select("tariff", "price_source", *(
            pl.col(bucket).name.prefix("price_") for bucket in PRICED
        )), on="tariff", how="left")
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
