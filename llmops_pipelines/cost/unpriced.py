"""What calls without a price could cost, and how to give them one."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.cost.remedies import remedy
from llmops_pipelines.pricing import REQUESTED, price_tokens
from llmops_pipelines.pricing.book.resolution import provider_id
from llmops_pipelines.pricing.book.tiers import service_of_call
from llmops_pipelines.tables import MONEY, TOKEN_BUCKETS

OF_FEATURE: Final = "models that the same feature uses"
OF_USERS: Final = "models of the same provider that others use"
OF_PROVIDER: Final = "models of the same provider in the price book"
"""Whose prices an estimate is made from."""

UNPRICED_COLUMNS: Final = [
    *("call_id", "feature", "team", "started_at", "cost_reported"),
    *REQUESTED,
    *TOKEN_BUCKETS,
]
"""The columns of ``LLM_CALLS`` that ``unpriced_spend`` needs."""

_MODEL: Final = ("provider", "model")
_KIND: Final = (*_MODEL, "service", "reason")
_GROUP: Final = ("feature", *_KIND)
_AS: Final = ("as_provider", "as_model")

_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    **dict.fromkeys(_KIND, pl.String),
    **dict.fromkeys(("calls", "estimated_calls"), pl.Int64),
    **dict.fromkeys(("low", "high"), MONEY),
    "estimated_from": pl.String,
    "reported": MONEY,
    "remedy": pl.String,
}


def unpriced_spend(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """The successful calls without a cost by model and reason, what they could cost, and a remedy.

    An estimate, not a cost: the calls' own tokens at the prices of the cheapest and the dearest
    model among those that the same feature uses; where it uses none with a price, among those of
    the same provider that others use, and where there are none, among all of that provider. Which
    two these are is told by the average call. Calls without recorded tokens, and those with nobody
    to compare with, have none.

    Args:
        llm_calls: ``UNPRICED_COLUMNS`` of ``LLM_CALLS`` of some days.
        call_costs: ``CALL_COSTS`` of the same days.
        price_book: ``PRICE_BOOK``.

    Returns:
        One row per ``provider``, ``model``, ``service`` (tier) and ``reason``, the most calls
        first: ``calls``, ``estimated_calls``, ``low`` and ``high`` (US dollars, null without an
        estimate), ``estimated_from``, ``reported`` (what the source says of them; null where it
        says nothing) and ``remedy``.
    """
    unpriced = call_costs.filter((pl.col("status") == "ok") & pl.col("cost").is_null())
    if unpriced.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    calls = (
        llm_calls.select(UNPRICED_COLUMNS)
        .join(unpriced.select("call_id", reason="unpriced_reason"), on="call_id")
        .with_columns(service=service_of_call())
    )
    estimates = _estimates(calls, _candidates(calls, call_costs, price_book), price_book)
    day = pl.col("started_at").dt.date()
    found = (
        calls.group_by(_KIND)
        .agg(
            *((pl.col(bucket) > 0).any() for bucket in TOKEN_BUCKETS),
            calls=pl.len().cast(pl.Int64),
            reported=pl.when(pl.col("cost_reported").is_not_null().any())
            .then(pl.col("cost_reported").sum())
            .cast(MONEY),
            first=day.min(),
            last=day.max(),
        )
        .join(estimates, on=_KIND, how="left", nulls_equal=True)
        .with_columns(pl.col("estimated_calls").fill_null(0))
    )
    remedies = [
        remedy(
            row["reason"],
            row["provider"],
            row["model"],
            row["service"],
            row["first"],
            row["last"],
            [bucket for bucket in TOKEN_BUCKETS if row[bucket]],
        )
        for row in found.iter_rows(named=True)
    ]
    return (
        found.with_columns(remedy=pl.Series(remedies, dtype=pl.String))
        .select(pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items())
        .sort("calls", *_KIND, descending=[True, *[False] * len(_KIND)])
    )


def _candidates(
    calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """Per group of calls the models that may stand in: ``_GROUP``, ``_AS`` and ``basis``."""
    alone = calls.filter(pl.col("uncached_input").is_not_null()).select(_GROUP).unique()
    in_use = (
        call_costs.filter(pl.col("cost").is_not_null() & pl.col("model").is_not_null())
        .select("feature", as_provider="provider", as_model="model")
        .unique()
    )
    of_provider = in_use.select("as_provider", "as_model", provider="as_provider").unique()
    found = []
    for basis, models, shared in (
        (OF_FEATURE, in_use, "feature"),
        (OF_USERS, of_provider, "provider"),
        (OF_PROVIDER, _listed(alone["provider"], price_book), "provider"),
    ):
        chosen = alone.join(models, on=shared).select(*_GROUP, *_AS, basis=pl.lit(basis))
        alone = alone.join(chosen, on=_GROUP, how="anti", nulls_equal=True)
        found.append(chosen)
    return pl.concat(found)


def _listed(providers: pl.Series, price_book: pl.DataFrame) -> pl.DataFrame:
    """``provider`` as logged, and the models that the price book lists of it."""
    known = {name: provider_id(name) for name in providers.drop_nulls().unique().sort()}
    named = pl.DataFrame(
        {"provider": list(known), "as_provider": list(known.values())},
        schema=dict.fromkeys(("provider", "as_provider"), pl.String),
    )
    # Entries of the book that are a tier or some hours of another one are no models of their own.
    models = price_book.filter(
        ~pl.col("model").str.contains(r"@\d\d:|:(batch|flex|priority|fast)$")
    ).select(as_provider="provider", as_model="model")
    return named.join(models.unique(), on="as_provider")


def _estimates(
    calls: pl.DataFrame, candidates: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """``_KIND``, ``estimated_calls``, ``low``, ``high`` and ``estimated_from``."""
    average = calls.group_by(_GROUP).agg(
        pl.col("team", "started_at", "service_tier", "is_batch").first(),
        *(pl.col(bucket).mean().ceil().cast(pl.Int64) for bucket in TOKEN_BUCKETS),
    )
    one_each = average.join(candidates, on=_GROUP, nulls_equal=True)
    compared = _priced_as(one_each, price_book).drop_nulls("cost").sort("cost", *_AS)
    by_group = compared.group_by(_GROUP, maintain_order=True)
    ends = pl.concat(
        (
            by_group.first().select(*_GROUP, *_AS, "basis", end=pl.lit("low")),
            by_group.last().select(*_GROUP, *_AS, "basis", end=pl.lit("high")),
        )
    )
    replayed = _priced_as(calls.join(ends, on=_GROUP, nulls_equal=True), price_book).drop_nulls(
        "cost"
    )
    spent = replayed.group_by(*_GROUP, "basis").agg(
        pl.col("cost").filter(pl.col("end") == end).sum().alias(end) for end in ("low", "high")
    )
    counted = replayed.group_by(_GROUP).agg(estimated_calls=pl.col("call_id").n_unique())
    return (
        spent.join(counted, on=_GROUP, nulls_equal=True)
        .group_by(_KIND)
        .agg(
            pl.col("estimated_calls").sum().cast(pl.Int64),
            low=pl.min_horizontal("low", "high").sum(),
            high=pl.max_horizontal("low", "high").sum(),
            estimated_from=pl.col("basis").unique().sort().str.join("; "),
        )
    )


def _priced_as(calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with ``cost`` as if ``_AS`` had served them, in their tier if it has one."""
    kept = calls.rename({"provider": "own_provider", "model": "own_model"}).rename(
        {"as_provider": "provider", "as_model": "model"}
    )
    own_tier = price_tokens(kept, price_book)["cost"]
    standard = price_tokens(
        kept.with_columns(is_batch=pl.lit(value=False), service_tier=pl.lit(None, pl.String)),
        price_book,
    )["cost"]
    return calls.with_columns(cost=own_tier.fill_null(standard))
