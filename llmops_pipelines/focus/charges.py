"""Calls as charges of FOCUS 1.2: a row per day, feature, model and token bucket, exact."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from llmops_pipelines.focus.specification import COLUMNS
from llmops_pipelines.pricing import PER_THOUSAND, REQUEST, WEB_SEARCHES, Rates, price_rows
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import TOKEN_BUCKETS

AMOUNT: Final = pl.Decimal(38, 18)
"""Dollars: tokens times a price of twelve decimals a million have eighteen."""

_ATTO: Final = Decimal(1).scaleb(-18)
_UNITS_PER_PICO: Final = 10**6

CHARGED_BY: Final = (
    "feature", "team", "environment", "provider", "model", "service_tier", "is_batch", "is_retry",
    "prompt_name", "prompt_version", "status",
)  # fmt: skip
"""What tells charges of a day apart, beside the meter and its price."""

CALL_COLUMNS: Final = ["call_id", "environment", "service_tier", "prompt_name"]
"""The columns of ``LLM_CALLS`` that ``charges`` needs."""

_METERS: Final = {
    "uncached_input": "Input Tokens",
    "cache_read": "Cached Input Tokens",
    "cache_write_5m": "Cache Write Tokens (5 Minutes)",
    "cache_write_1h": "Cache Write Tokens (1 Hour)",
    "output_text": "Output Tokens",
    "reasoning": "Reasoning Tokens",
    "audio_input": "Audio Input Tokens",
    "audio_output": "Audio Output Tokens",
    "request": "Requests",
    "web_searches": "Web Searches",
}
_BOOKED, _ROUNDING = "as_booked", "rounding"
_METER_OF: Final = {**_METERS, _BOOKED: "Tokens As Booked", _ROUNDING: None}


def charges(
    llm_calls: pl.DataFrame,
    call_costs: pl.DataFrame,
    book: pl.DataFrame,
    catalogue: pl.DataFrame,
    day: date,
    account: str,
) -> pl.DataFrame:
    """One day's priced calls as FOCUS rows, whose BilledCost is exactly what the calls cost.

    Rows of a meter hold quantity, price and their product, exactly. What rounding each call to the
    pico-dollar adds or takes is one row of category Adjustment. Calls that were booked at another
    price than today's price book has for their day stand as booked, without a price per token.
    Calls without a known cost are left out: they are not free.

    Args:
        llm_calls: ``CALL_COLUMNS`` of ``LLM_CALLS`` of the day.
        call_costs: ``CALL_COSTS`` of the day.
        book: ``PRICE_BOOK``.
        catalogue: The price book without overrides: list prices.
        day: Their day.
        account: Id of the billing account.

    Returns:
        FOCUS columns in alphabetical order, then custom ones (``x_``).
    """
    priced = _priced(llm_calls, call_costs)
    steps = _steps(priced, book, catalogue)
    parts = [_metered(priced, steps), _booked(priced, steps), _rounding(priced, steps)]
    return _as_focus(pl.concat(parts), day, account)


def _priced(llm_calls: pl.DataFrame, call_costs: pl.DataFrame) -> pl.DataFrame:
    """Priced calls, numbered, in one order whatever order they came in."""
    return (
        call_costs.filter(pl.col("cost").is_not_null())
        .join(llm_calls.select(CALL_COLUMNS), on="call_id", how="left")
        .with_columns(
            pl.col("team").fill_null(UNATTRIBUTED),
            pl.col("provider").fill_null("unknown"),
            pl.col("model").fill_null("unknown"),
            is_retry=pl.col("attempt") > 1,
        )
        .sort("call_id")
        .with_columns(call=pl.int_range(pl.len()))
    )


def _steps(priced: pl.DataFrame, book: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame:
    """What each call is charged for, of calls whose cost today's prices make: their arithmetic."""
    own, listed = (price_rows(priced, Rates(prices)) for prices in (book, catalogue))
    steps = own.join(
        listed.select("call", "bucket", list_units="units"), on=["call", "bucket"], how="left"
    ).with_columns(pl.col("list_units").fill_null(pl.col("units")))
    units = (pl.col("tokens").cast(pl.Int128) * pl.col("units")).sum()
    whole, rest = units // _UNITS_PER_PICO, units % _UNITS_PER_PICO
    half = _UNITS_PER_PICO // 2
    up = (rest > half) | ((rest == half) & (whole % 2 == 1))
    found = steps.group_by("call").agg(pico=whole + up.cast(pl.Int128))
    booked = priced.select("call", pico=pl.col("cost").to_physical().cast(pl.Int128))
    return steps.join(found.join(booked, on=["call", "pico"]).select("call"), on="call")


def _metered(priced: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """One row per meter and price."""
    sums = (
        steps.select("call", "bucket", "tokens", "units", "list_units", "price_source")
        .join(priced.select("call", *CHARGED_BY), on="call")
        .group_by(*CHARGED_BY, "bucket", "units", "list_units", "price_source")
        .agg(quantity=pl.col("tokens").sum().cast(pl.Int128))
    )
    # Prices are per million tokens, and per thousand requests or searches.
    by_thousand = pl.col("bucket").is_in(PER_THOUSAND)
    block = pl.when(by_thousand).then(_whole(10**3)).otherwise(_whole(10**6))
    blocks = pl.when(by_thousand).then(_whole(10**15)).otherwise(_whole(10**12))
    return sums.select(
        *CHARGED_BY,
        "bucket",
        "price_source",
        category=pl.lit("Usage"),
        consumed=pl.col("quantity"),
        pricing_quantity=_dollars(pl.col("quantity") * blocks),
        unit_price=_dollars(pl.col("units") * block),
        list_price=_dollars(pl.col("list_units") * block),
        billed=_dollars(pl.col("quantity") * pl.col("units").cast(pl.Int128)),
        listed=_dollars(pl.col("quantity") * pl.col("list_units").cast(pl.Int128)),
    )


def _booked(priced: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """What was booked at prices that the book does not have any more: one row, one unit."""
    odd = priced.filter(pl.col("cost") != 0).join(steps.select("call"), on="call", how="anti")
    sums = odd.group_by(CHARGED_BY).agg(
        billed=pl.col("cost").sum().cast(AMOUNT),
        consumed=pl.sum_horizontal(pl.col(bucket).fill_null(0) for bucket in TOKEN_BUCKETS)
        .sum()
        .cast(pl.Int128),
    )
    return sums.select(
        *CHARGED_BY,
        bucket=pl.lit(_BOOKED),
        price_source=pl.lit(None, pl.String),
        category=pl.lit("Usage"),
        consumed="consumed",
        pricing_quantity=pl.lit(1).cast(AMOUNT),
        unit_price="billed",
        list_price="billed",
        billed="billed",
        listed="billed",
    )


def _rounding(priced: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """What rounding calls one by one makes of the products; most prices need none."""
    exact = steps.group_by("call").agg(
        exact=_dollars((pl.col("tokens").cast(pl.Int128) * pl.col("units")).sum())
    )
    gaps = (
        priced.join(exact, on="call")
        .group_by(CHARGED_BY)
        .agg(billed=(pl.col("cost").cast(AMOUNT) - pl.col("exact")).sum())
        .filter(pl.col("billed") != 0)
    )
    return gaps.select(
        *CHARGED_BY,
        bucket=pl.lit(_ROUNDING),
        price_source=pl.lit(None, pl.String),
        category=pl.lit("Adjustment"),
        consumed=pl.lit(None, pl.Int128),
        **dict.fromkeys(("pricing_quantity", "unit_price", "list_price"), pl.lit(None, AMOUNT)),
        billed="billed",
        listed="billed",
    )


def _as_focus(rows: pl.DataFrame, day: date, account: str) -> pl.DataFrame:
    begins = datetime.combine(day, time())
    month = begins.replace(day=1)
    usage = pl.col("category") == "Usage"
    tier = pl.when(pl.col("is_batch")).then(pl.lit("batch")).otherwise(_or_standard("service_tier"))
    unit = (
        pl.when(pl.col("bucket") == REQUEST)
        .then(pl.lit("Requests"))
        .when(pl.col("bucket") == WEB_SEARCHES)
        .then(pl.lit("Searches"))
    )
    sku = pl.format("{}/{}/{}", "provider", "model", "bucket")
    focus = {
        "BilledCost": pl.col("billed"),
        "BillingAccountId": pl.lit(account),
        "BillingAccountName": pl.lit(account),
        "BillingCurrency": pl.lit("USD"),
        "BillingPeriodEnd": _moment((month + timedelta(days=32)).replace(day=1)),
        "BillingPeriodStart": _moment(month),
        "ChargeCategory": pl.col("category"),
        "ChargeClass": _nothing(),
        "ChargeDescription": pl.when(usage)
        .then(pl.format("{} of {} {}, {}", _meter(), "provider", "model", tier))
        .otherwise(pl.format("rounding of calls of {} {}", "provider", "model")),
        "ChargeFrequency": pl.lit("Usage-Based"),
        "ChargePeriodEnd": _moment(begins + timedelta(days=1)),
        "ChargePeriodStart": _moment(begins),
        "ConsumedQuantity": pl.col("consumed").cast(pl.Decimal(38, 0)),
        "ConsumedUnit": pl.when(usage).then(unit.otherwise(pl.lit("Tokens"))),
        "ContractedCost": pl.col("billed"),
        "ContractedUnitPrice": pl.col("unit_price"),
        "EffectiveCost": pl.col("billed"),
        "InvoiceIssuerName": pl.col("provider"),
        "ListCost": pl.col("listed"),
        "ListUnitPrice": pl.col("list_price"),
        "PricingCategory": pl.when(usage).then(pl.lit("Standard")),
        "PricingQuantity": pl.col("pricing_quantity"),
        "PricingUnit": pl.when(usage).then(
            pl.when(pl.col("bucket").is_in(PER_THOUSAND))
            .then(pl.format("1000 {}", unit))
            .when(pl.col("bucket") == _BOOKED)
            .then(pl.lit("Units"))
            .otherwise(pl.lit("1000000 Tokens"))
        ),
        "ProviderName": pl.col("provider"),
        "PublisherName": pl.col("provider"),
        "ServiceCategory": pl.lit("AI and Machine Learning"),
        "ServiceName": pl.format("{} API", "provider"),
        "ServiceSubcategory": pl.lit("Generative AI"),
        "SkuId": pl.when(usage).then(sku),
        "SkuMeter": pl.when(usage).then(_meter()),
        "SkuPriceDetails": pl.when(usage).then(
            pl.struct(
                x_Model="model", x_ServiceTier=tier, x_Bucket="bucket", x_PriceSource="price_source"
            ).struct.json_encode()
        ),
        "SkuPriceId": pl.when(usage).then(
            pl.format(
                "{}/{}/{}", sku, tier, pl.col("unit_price").cast(pl.String).str.strip_chars_end("0")
            )
        ),
        "Tags": pl.struct("feature", "team", "environment").struct.json_encode(),
    }
    custom = {
        f"x_{''.join(word.title() for word in name.split('_'))}": pl.col(name)
        for name in CHARGED_BY
        if name != "provider"
    }
    order = [name for name in COLUMNS if name in focus]
    return rows.select(
        *(focus[name].alias(name) for name in order),
        *(value.alias(name) for name, value in custom.items()),
    ).sort(pl.all(), nulls_last=True)


def _or_standard(name: str) -> pl.Expr:
    said = pl.col(name).fill_null("default")
    return pl.when(said.is_in(["default", "auto"])).then(pl.lit("standard")).otherwise(said)


def _meter() -> pl.Expr:
    return pl.col("bucket").replace_strict(_METER_OF, return_dtype=pl.String)


def _moment(moment: datetime) -> pl.Expr:
    return pl.lit(moment).cast(pl.Datetime("us"))


def _nothing() -> pl.Expr:
    return pl.lit(None, pl.String)


def _whole(number: int) -> pl.Expr:
    return pl.lit(number, pl.Int128)


def _dollars(atto: pl.Expr) -> pl.Expr:
    """Whole 10^-18 as a decimal."""
    return (atto.cast(pl.Int128).cast(pl.Decimal(38, 0)) * pl.lit(_ATTO)).cast(AMOUNT)
