"""What a day's calls would have cost had all of them gone to one model."""

from __future__ import annotations

from math import sqrt

import polars as pl

from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.savings.routing.router_calls import is_routers_own
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR
from llmops_pipelines.statistics.interval import t_critical
from llmops_pipelines.tables import METERED, MONEY, ROUTING_SAVINGS

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
    "that tier or, where it has none, at its standard price. A router's own calls (their name, "
    "feature or a tag says router or routing) are not replayed; the saving is net of them. What "
    "routing loses in quality is told by routing_policies, where two models answered the same."
)

_CONFIDENCE = 0.95

_MODEL = ("provider", "model")


def routing_savings(
    llm_calls: pl.DataFrame, call_costs: pl.DataFrame, price_book: pl.DataFrame
) -> pl.DataFrame:
    """Replay each feature's successful calls at the cheapest and the dearest model in use.

    Both are chosen by what the replay comes to, not by list price: which of two models is cheaper
    depends on the mix of input, cached and output tokens. A model that has no price for one of the
    calls (its bucket or its day) is no candidate there.

    What routing saved is what the dearest would have cost for all calls, less what was paid, less
    the router's own calls. Its interval is that of a day like this: a mean per call with clusters
    by session, times the calls.

    Args:
        llm_calls: ``LLM_CALLS`` of one day.
        call_costs: ``CALL_COSTS`` of the same day.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``ROUTING_SAVINGS``: one row per feature with successful calls, and ``*`` for all of them;
        none on a day without any. The models are null where no call could be replayed.
    """
    succeeded = call_costs.filter(pl.col("status") == "ok").select(
        "call_id", *_MODEL, paid="cost", feature=pl.col("feature").replace({ALL: unambiguous(ALL)})
    )
    calls = llm_calls.select(
        "call_id", "started_at", "team", "service_tier", "is_batch", *METERED,
        is_routers_own(),
        session=pl.coalesce("session_id", "trace_id"),
    ).join(succeeded, on="call_id")  # fmt: skip
    answers = ~pl.col("is_routers_own")
    known = pl.col("paid").is_not_null()
    priced = calls.filter(known & answers).drop("is_routers_own")
    scopes = _per_scope(
        calls,
        calls=(known & answers).sum().cast(pl.Int64),
        left_out=(~known & answers).sum().cast(pl.Int64),
        paid=pl.when((known & answers).any()).then(pl.col("paid").filter(answers).sum()),
        router_calls=(~answers).sum().cast(pl.Int64),
        router_cost=pl.when((known | answers).all()).then(pl.col("paid").filter(~answers).sum()),
    )
    totals = _replay_totals(priced, price_book)
    best = totals.group_by("feature").agg(
        cheapest_model=pl.col("model").sort_by("total", "model").first(),
        all_cheapest=pl.col("total").min(),
        dearest_model=pl.col("model").sort_by("total", "model", descending=[True, False]).first(),
        half_width=pl.col("half_width").sort_by("total", "model", descending=[True, False]).first(),
        all_dearest=pl.col("total").max(),
    )
    money = ("paid", "all_cheapest", "all_dearest", "router_cost")
    found = scopes.join(best, on="feature", how="left").with_columns(
        pl.col(money).cast(MONEY), caveat=pl.lit(CAVEAT)
    )
    return ROUTING_SAVINGS.require(
        found.with_columns(saved=pl.col("all_dearest") - pl.col("paid") - pl.col("router_cost"))
        .with_columns(
            saved_low=pl.col("saved").cast(pl.Float64) - pl.col("half_width"),
            saved_high=pl.col("saved").cast(pl.Float64) + pl.col("half_width"),
        )
        .with_columns(
            saved_a_year=pl.col("saved").cast(pl.Float64) * DAYS_A_YEAR,
            saved_a_year_low=pl.col("saved_low") * DAYS_A_YEAR,
            saved_a_year_high=pl.col("saved_high") * DAYS_A_YEAR,
        )
    )


def unambiguous(feature: str) -> str:
    """A feature that is itself called ``*`` must not pass for all of them."""
    return f"{ALL} (feature)" if feature == ALL else feature


def _per_scope(calls: pl.DataFrame, /, **figures: pl.Expr) -> pl.DataFrame:
    """``figures`` per feature and, where there are calls at all, for all of them."""
    by_feature = calls.group_by("feature").agg(**figures)
    overall = calls.with_columns(feature=pl.lit(ALL)).group_by("feature").agg(**figures)
    return pl.concat([by_feature, overall])


def _replay_totals(priced: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Per scope and model in use there, what all the scope's calls come to at its prices.

    Only complete replays are returned: ``feature``, ``provider``, ``model``, ``total`` and the
    ``half_width`` of the interval of the saving against it.
    """
    in_use = _models_in_use(priced)
    replays = []
    for provider, model in in_use.select(_MODEL).unique().sort(_MODEL).rows():
        replayed = _priced_as(priced, provider, model, price_book)
        totals = _per_scope(
            replayed,
            total=pl.when(pl.col("cost").is_not_null().all()).then(pl.col("cost").sum()),
        ).join(_half_widths(replayed), on="feature", how="left")
        replays.append(
            totals.with_columns(
                provider=pl.lit(provider, pl.String), model=pl.lit(model, pl.String)
            )
        )
    if not replays:
        return in_use.with_columns(total=pl.lit(None, MONEY), half_width=pl.lit(None, pl.Float64))
    return (
        pl.concat(replays)
        .drop_nulls("total")
        .join(in_use, on=["feature", *_MODEL], how="semi", nulls_equal=True)
    )


def _half_widths(replayed: pl.DataFrame) -> pl.DataFrame:
    """``feature`` and ``half_width`` of the 95 % interval of what paying as we did saved there.

    A mean per call with clusters by session, times the calls (`mean_interval`). Money is summed
    exactly by session first and in order after, so that equal days give equal bits.
    """
    sums = replayed.group_by("feature", "session").agg(
        saved=(pl.col("cost") - pl.col("paid")).sum(), calls=pl.len()
    )
    overall = sums.group_by("session").agg(pl.col("saved", "calls").sum(), feature=pl.lit(ALL))
    rows = []
    for scoped in (sums, overall.select(sums.columns)):
        for (feature,), own in scoped.partition_by("feature", as_dict=True).items():
            if own.height < 2:
                continue
            ordered = own.sort("session")
            saved, calls = (
                ordered[name].cast(pl.Float64).to_numpy() for name in ("saved", "calls")
            )
            residuals = saved - calls * saved.sum() / calls.sum()
            variance = own.height / (own.height - 1) * float((residuals**2).sum())
            rows.append((feature, t_critical(_CONFIDENCE, own.height - 1) * sqrt(variance)))
    schema = {"feature": pl.String, "half_width": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


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
