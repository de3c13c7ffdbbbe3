"""How the cost of each call comes about: tokens times price, bucket by bucket."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.pricing.book.buckets import PRICED, REQUEST
from llmops_pipelines.pricing.book.rows import Name
from llmops_pipelines.pricing.charging.calls import metered
from llmops_pipelines.pricing.charging.counts import counts_of
from llmops_pipelines.pricing.charging.requests import Rates
from llmops_pipelines.pricing.charging.schedule import NONE
from llmops_pipelines.tables import METERED

_ROW = (*Name._fields, "bucket", "valid_from", "context_from")

_MADE_OF = ("list_price", "currency", "usd_rate", "discount")


def price_rows(calls: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The rows of the price book that each call is charged by, and what they come to.

    The amounts of a call add up to its ``cost``, but for the rounding of the sum to 10^-12 USD.

    Args:
        calls: As for ``price_tokens``.
        rates: Prices.

    Returns:
        One row per call and bucket that has tokens (and ``request`` where the model takes a fee a
        call): ``call`` (row number), ``bucket``, ``tokens`` (1 for a request, searches of the
        web for ``web_searches``), ``units`` (price in 10^-18 USD a token), ``valid_from``,
        ``valid_to``, ``context_from``, ``price_source``, and how the price came about:
        ``list_price``, ``currency``, ``usd_rate`` and ``discount``.
        None for calls whose model has no price at that time.
    """
    requests = rates.requests_of(rates.numbered(calls))
    tariff = requests.tariffs_of(calls, counts_of(calls))
    counted = (
        metered(calls)
        .select(*METERED, pl.lit(1, pl.Int64).alias(REQUEST))
        .with_columns(call=pl.int_range(pl.len()), tariff=pl.lit(pl.Series(tariff)))
    )
    listed = requests.schedule.tariffs.with_columns(pl.col("tariff").cast(pl.Int64))
    units = listed.unpivot(PRICED, index="tariff", variable_name="bucket", value_name="units")
    return (
        counted.filter(pl.col("tariff") != NONE)
        .unpivot(PRICED, index=["call", "tariff"], variable_name="bucket", value_name="tokens")
        .filter(pl.col("tokens") > 0)
        .join(units.drop_nulls("units"), on=["tariff", "bucket"])
        .join(listed.drop(PRICED), on="tariff")
        .join(rates.book.select(*_ROW, *_MADE_OF), on=_ROW)
        .drop("tariff", "entry", *Name._fields)
        .sort("call", pl.col("bucket").cast(pl.Enum(PRICED)))
    )
