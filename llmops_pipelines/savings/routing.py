"""What a day's calls would have cost had all of them gone to one model."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.tables import MONEY, ROUTING_SAVINGS, TOKEN_BUCKETS

ALL = "*"
"""The scope of all features together."""

LEAST_PERCENT = 1
LEAST_CALLS = 10
"""A model is in use where it served this percentage of a scope's calls, or this many of them."""

CAVEAT = (
    "Prices only: every model is charged for the same token counts, though tokenisers differ by "
    "some percent and other models answer at other lengths; the quality of the answers is not "
    "compared. Cache reads and writes are charged at the model's own cache prices or, where it has "
    "none, at its input price. Batch and other service tiers are charged at the model's price for "
    "that tier or, where it has none, at its standard price."
)

_MODEL = ("provider", "model")


def routing_savings(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """Replay each feature's successful calls at the cheapest and the dearest model in use.

    Both are chosen by what the replay comes to, not by list price: which of two models is cheaper
    depends on the mix of input, cached and output tokens. A model that has no price for one of the
    calls (its bucket or its day) is no candidate there.

    Args:
        llm_calls: ``LLM_CALLS`` of one day.
        call_costs: ``CALL_COSTS`` of the same day.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``ROUTING_SAVINGS``: one row per feature with successful calls, and ``*`` for all of them;
        none on a day without any. The models are null where no call could be replayed.
    """
    succeeded = call_costs.filter(pl.col("status") == "ok").select(
        "call_id", *_MODEL, paid="cost", feature=_unambiguous(pl.col("feature"))
    )
    calls = llm_calls.select(
        "call_id", "started_at", "service_tier", "is_batch", *TOKEN_BUCKETS
    ).join(succeeded, on="call_id")
    priced = calls.filter(pl.col("paid").is_not_null())
    scopes = _per_scope(
        calls,
        calls=pl.col("paid").is_not_null().sum().cast(pl.Int64),
        left_out=pl.col("paid").is_null().sum().cast(pl.Int64),
        paid=pl.when(pl.col("paid").is_not_null().any()).then(pl.col("paid").sum()),
    )
    totals = _replay_totals(priced, price_book)
    best = totals.group_by("feature").agg(
        cheapest_model=pl.col("model").sort_by("total", "model").first(),
        all_cheapest=pl.col("total").min(),
        dearest_model=pl.col("model").sort_by("total", "model", descending=[True, False]).first(),
        all_dearest=pl.col("total").max(),
    )
    return ROUTING_SAVINGS.require(
        scopes.join(best, on="feature", how="left").with_columns(
            pl.col("paid", "all_cheapest", "all_dearest").cast(MONEY), caveat=pl.lit(CAVEAT)
        )
    )


def _unambiguous(feature: pl.Expr) -> pl.Expr:
    """A feature that is itself called ``*`` must not pass for all of them."""
    return pl.when(feature == ALL).then(pl.lit(f"{ALL} (feature)")).otherwise(feature)


def _per_scope(calls: pl.DataFrame, /, **figures: pl.Expr) -> pl.DataFrame:
    """``figures`` per feature and, where there are calls at all, for all of them."""
    by_feature = calls.group_by("feature").agg(**figures)
    overall = calls.with_columns(feature=pl.lit(ALL)).group_by("feature").agg(**figures)
    return pl.concat([by_feature, overall])


def _replay_totals(priced: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Per scope and model in use there, what all the scope's calls come to at its prices.

    Only complete replays are returned: ``feature``, ``provider``, ``model``, ``total``.
    """
    in_use = _models_in_use(priced)
    replays = [
        _per_scope(
            _priced_as(priced, provider, model, price_book),
            total=pl.when(pl.col("cost").is_not_null().all()).then(pl.col("cost").sum()),
        ).with_columns(provider=pl.lit(provider, pl.String), model=pl.lit(model, pl.String))
        for provider, model in in_use.select(_MODEL).unique().sort(_MODEL).rows()
    ]
    if not replays:
        return in_use.with_columns(total=pl.lit(None, MONEY))
    return (
        pl.concat(replays)
        .drop_nulls("total")
        .join(in_use, on=["feature", *_MODEL], how="semi", nulls_equal=True)
    )


def _models_in_use(priced: pl.DataFrame) -> pl.DataFrame:
    """``feature``, ``provider`` and ``model``: who served enough of a scope's calls."""
    scoped = pl.concat([priced, priced.with_columns(feature=pl.lit(ALL))])
    served = scoped.group_by("feature", *_MODEL).agg(served=pl.len())
    enough = (pl.col("served") >= LEAST_CALLS) | (
        pl.col("served") * 100 >= LEAST_PERCENT * pl.col("served").sum().over("feature")
    )
    return served.filter(enough).select("feature", *_MODEL)


def _priced_as(
    calls: pl.DataFrame, provider: str | None, model: str, price_book: pl.DataFrame
) -> pl.DataFrame:
    """The calls with ``cost`` as if that model had served them, in their tier if it has one."""
    asked = calls.with_columns(provider=pl.lit(provider, pl.String), model=pl.lit(model, pl.String))
    own_tier = price_tokens(asked, price_book)
    if own_tier["cost"].null_count() == 0:
        return own_tier
    standard = price_tokens(
        asked.with_columns(is_batch=pl.lit(value=False), service_tier=pl.lit(None, pl.String)),
        price_book,
    )
    return own_tier.with_columns(cost=pl.coalesce("cost", standard["cost"]))
