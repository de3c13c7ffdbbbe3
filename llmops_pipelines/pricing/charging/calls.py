"""The exact cost of every call: an as-of join with the price book, then integer arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from llmops_pipelines.pricing.book.buckets import PRICED, REQUEST, WEB_SEARCHES
from llmops_pipelines.pricing.charging.counts import counts_of
from llmops_pipelines.pricing.charging.keys import Codes
from llmops_pipelines.pricing.charging.requests import Rates
from llmops_pipelines.pricing.charging.schedule import NONE, Schedule
from llmops_pipelines.pricing.charging.tariffs import PROMPT_BUCKETS, UNITS_PER_PICO
from llmops_pipelines.tables import CALL_COSTS, METERED, MONEY, TOKEN_BUCKETS

_PICO = Decimal("0.000000000001")
_FRESH = [bucket for bucket in PROMPT_BUCKETS if bucket != "cache_read"]


def price_calls(llm_calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Price every call at what its model cost in its service tier at the moment it began.

    The price band is that of the whole prompt, cached parts included, and holds for all tokens of
    the call. Batch calls and other service tiers pay their own price where one is known, and none
    otherwise. A call that names no provider is one of the provider whose price it is charged. A
    call whose price or usage is not known keeps a null cost with its reason; it is
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
    priced, provider_of_price = _priced(llm_calls, price_book)
    return CALL_COSTS.require(priced.with_columns(pl.col("provider").fill_null(provider_of_price)))


def price_tokens(calls: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with what they cost, rows in their order.

    ``cost`` is the sum of ``input_cost`` (the prompt at its full rate, cache writes included),
    ``cache_read_cost`` and ``output_cost`` (the answer, and fees per call); where it is null,
    ``unpriced_reason`` says why, else ``price_source`` where the price came from.

    Args:
        calls: ``provider``, ``model``, ``started_at``, ``is_batch``, ``service_tier`` and the token
            buckets, typed as in ``LLM_CALLS``, ``web_searches`` if any were made, and ``team``
            where teams have prices of their own; other columns pass through.
        book: ``PRICE_BOOK``.

    Raises:
        ValueError: A token count is negative.
    """
    return _priced(calls, book)[0]


def _priced(calls: pl.DataFrame, book: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """What `price_tokens` finds, and whose price each call has; null where its model has none."""
    calls = metered(calls)
    rates = Rates(book)
    requests = rates.requests_of(rates.numbered(calls))
    tariff = requests.tariffs_of(calls, counts_of(calls))
    priced = charge(calls, tariff, requests.schedule)
    found = ("cost", "input_cost", "cache_read_cost", "output_cost", "unpriced_reason")
    costs = calls.drop(*found, "price_source", strict=False).hstack(
        priced.with_columns(input_cost=_part(_FRESH), cache_read_cost=_part(["cache_read"])).select(
            "cost",
            "input_cost",
            "cache_read_cost",
            output_cost=pl.col("cost") - pl.col("input_cost") - pl.col("cache_read_cost"),
            unpriced_reason=_reason(requests.reasons()),
            price_source=pl.when(pl.col("cost").is_not_null()).then("price_source"),
        )
    )
    return costs, priced["provider"]


def charge(calls: pl.DataFrame, tariff: Codes, schedule: Schedule) -> pl.DataFrame:
    """``cost`` of each call at a tariff of ``schedule``, beside what it was found from.

    Args:
        calls: ``METERED``; negative counts were refused before.
        tariff: Number of each call's tariff, or ``NONE``.
        schedule: Whose tariffs they are.
    """
    return (
        pl.DataFrame({"tariff": tariff})
        .with_columns(pl.col("tariff").replace(NONE, None), *(calls[bucket] for bucket in METERED))
        .join(
            schedule.tariffs.select(
                pl.col("tariff").cast(pl.Int64),
                "price_source",
                "provider",
                pl.col(PRICED).name.prefix("price_"),
            ),
            on="tariff",
            how="left",
            maintain_order="left",
        )
        .with_columns(cost=_cost(METERED), without_searches=_cost(TOKEN_BUCKETS))
    )


def _cost(buckets: Collection[str]) -> pl.Expr:
    """Dollars: null when the usage, the tariff or the price of a bucket in use is missing."""
    units = pl.sum_horizontal(pl.col("price_request").fill_null(0), *units_of(buckets))
    whole, rest = units // UNITS_PER_PICO, units % UNITS_PER_PICO
    half = UNITS_PER_PICO // 2
    up = (rest > half) | ((rest == half) & (whole % 2 == 1))
    dollars = dollars_of(whole + up.cast(pl.Int128))
    priced = ~pl.any_horizontal(
        (pl.col(bucket).fill_null(0) > 0) & _lacks_price(bucket) for bucket in buckets
    )
    return pl.when(_has_usage() & pl.col("tariff").is_not_null() & priced).then(dollars)


def _lacks_price(bucket: str) -> pl.Expr:
    """Searches need none where the fee of the call pays for them, as at Perplexity."""
    lacks = pl.col(f"price_{bucket}").is_null()
    return lacks & pl.col(f"price_{REQUEST}").is_null() if bucket == WEB_SEARCHES else lacks


def _part(buckets: Iterable[str]) -> pl.Expr:
    """What ``buckets`` make of the cost, rounded down, so that parts never exceed the whole."""
    units = pl.sum_horizontal(units_of(buckets))
    return pl.when(pl.col("cost").is_not_null()).then(dollars_of(units // UNITS_PER_PICO))


def units_of(buckets: Iterable[str]) -> Iterator[pl.Expr]:
    """Tokens of each bucket times its price, in 10^-18 USD."""
    for bucket in buckets:
        yield pl.col(bucket).fill_null(0).cast(pl.Int128) * pl.col(f"price_{bucket}").fill_null(0)


def dollars_of(pico: pl.Expr) -> pl.Expr:
    """Whole pico-dollars as money."""
    return pico.cast(pl.Decimal(38, 0)) * pl.lit(_PICO)


def pico_of(dollars: pl.Series) -> NDArray[Any]:
    """Money as whole pico-dollars, in 64 bits where all of it fits."""
    pico = dollars.cast(MONEY).to_physical()
    if not len(pico) or cast(int, pico.max() or 0) < 2**63:
        return pico.cast(pl.Int64).to_numpy()
    return np.array(pico.to_list(), object)


def money_of(pico: NDArray[Any], known: NDArray[np.bool_]) -> pl.Series:
    """Whole pico-dollars, as ``pico_of`` has them, as money; null where they are not known."""
    if pico.dtype == object:
        held = [each if own else None for each, own in zip(pico, known, strict=True)]
        units = pl.Series(held, dtype=pl.Int128)
        return pl.select(dollars_of(pl.lit(units))).to_series()
    # Arrow keeps money as whole numbers of 128 bits.
    halves = pa.py_buffer(np.stack([pico, pico >> 63], axis=1))
    valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    kind = pa.decimal128(MONEY.precision, MONEY.scale)
    return cast(pl.Series, pl.from_arrow(pa.Array.from_buffers(kind, len(pico), [valid, halves])))


def _has_usage() -> pl.Expr:
    """Both directions were counted; an answer is not asked of a model that charges for none."""
    return pl.col("uncached_input").is_not_null() & (
        pl.col("output_text").is_not_null()
        | (pl.col("tariff").is_not_null() & pl.col("price_output_text").is_null())
    )


def _reason(of_model: pl.Series) -> pl.Expr:
    return (
        pl.when(pl.col("cost").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(~_has_usage())
        .then(pl.lit("no_usage"))
        .when(pl.col("without_searches").is_not_null())
        .then(pl.lit("no_search_price"))
        .otherwise(pl.lit(of_model).fill_null("no_price_at_that_time"))
    )


def metered(calls: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with all of ``METERED``: most tools count no searches."""
    if WEB_SEARCHES in calls.columns:
        return calls
    return calls.with_columns(pl.lit(None, pl.Int64).alias(WEB_SEARCHES))
