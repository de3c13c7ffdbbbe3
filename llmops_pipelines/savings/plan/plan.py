"""All savings at once: what is cached is not routed, what is routed is shortened at its new price.

Savings overlap: a call that the cache answers costs nothing to route, a call on the small model
has little left to save by a shorter prompt. So the steps are replayed one behind the other, each on
what the ones before it leave, and together they come to less than the sum of their parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.tables import METERED, MONEY, TOKEN_BUCKETS

STEPS: Final = ("cache", "route", "compress", "batch")
"""In the order in which an application would take them."""

PLANNED: Final = (
    *("call_id", "feature", "team", "session", "weight", "started_at"),
    *("provider", "model", "service_tier", "is_batch", *METERED, "cost"),
)
"""Columns of a sampled call: ``weight`` is 1 / inclusion probability, ``session`` its cluster."""


@dataclass(frozen=True)
class Changes:
    """What each step would do to which calls; a call that is not named stays as it is."""

    cached: pl.Series
    """Ids of calls that an earlier answer serves."""
    routed: pl.DataFrame
    """``call_id``, and the ``provider`` and ``model`` that it would go to."""
    shortened: pl.DataFrame
    """``call_id``, and the token buckets that are left of it."""
    batched: pl.Series
    """Ids of calls that nobody waits for."""


def replay_plan(calls: pl.DataFrame, changes: Changes, price_book: pl.DataFrame) -> pl.DataFrame:
    """What each call would cost with the steps taken one behind the other, and with each alone.

    A step is taken for a call only where its price is known and it makes the call cheaper: nobody
    routes to a model that costs more. Routed calls keep their token counts, though the other model
    may count and answer differently.

    Args:
        calls: `PLANNED`, of distinct ids.
        changes: What the steps do.
        price_book: ``PRICE_BOOK``.

    Returns:
        ``calls`` whose cost is known, with ``after_<step>`` and ``alone_<step>`` (money), and
        ``changed_<step>`` and ``refused_<step>`` (booleans): taken in the plan, or asked for there
        and not taken.
    """
    known = calls.filter(pl.col("cost").is_not_null()).with_columns(pl.col("cost").cast(MONEY))
    result = state = known
    for step in STEPS:
        alone = _taken(known, step, changes, price_book)
        after = _taken(state, step, changes, price_book)
        result = result.with_columns(
            alone["cost"].alias(f"alone_{step}"),
            after["cost"].alias(f"after_{step}"),
            after["changed"].alias(f"changed_{step}"),
            after["refused"].alias(f"refused_{step}"),
        )
        state = after.select(known.columns)
    return result


def _taken(
    state: pl.DataFrame, step: str, changes: Changes, price_book: pl.DataFrame
) -> pl.DataFrame:
    """``state`` after ``step``, with whether it was taken (``changed``) or asked for in vain."""
    if step == "cache":
        cached = pl.col("call_id").is_in(changes.cached.implode())
        free = pl.when(cached).then(pl.lit(0, MONEY)).otherwise("cost")
        return state.with_columns(changed=cached, refused=pl.lit(value=False), cost=free)
    asked = _asked(state, step, changes)
    priced = price_tokens(asked.drop("cost", "wanted"), price_book)["cost"].cast(MONEY)
    cheaper = (pl.col("new_cost") < pl.col("cost")).fill_null(value=False)
    return (
        state.with_columns(priced.alias("new_cost"), asked["wanted"])
        # What the cache serves is asked of nobody.
        .with_columns(wanted=pl.col("wanted") & (pl.col("cost") > 0))
        .with_columns(changed=pl.col("wanted") & cheaper)
        .with_columns(
            *(
                pl.when("changed").then(asked[name]).otherwise(pl.col(name)).alias(name)
                for name in ("provider", "model", "service_tier", "is_batch", *TOKEN_BUCKETS)
            ),
            refused=pl.col("wanted") & ~pl.col("changed"),
            cost=pl.when("changed").then("new_cost").otherwise("cost"),
        )
        .drop("new_cost", "wanted")
    )  # fmt: skip


def _asked(state: pl.DataFrame, step: str, changes: Changes) -> pl.DataFrame:
    """``state`` as it would be asked after ``step``, and which calls that concerns (``wanted``)."""
    if step == "batch":
        wanted = pl.col("call_id").is_in(changes.batched.implode()) & ~pl.col("is_batch")
        return state.with_columns(
            wanted=wanted,
            is_batch=pl.col("is_batch") | wanted,
            service_tier=pl.when(~wanted).then("service_tier"),
        )
    others = changes.routed if step == "route" else changes.shortened
    names = [name for name in others.columns if name != "call_id"]
    joined = state.join(
        others.with_columns(wanted=pl.lit(value=True)),
        on="call_id",
        how="left",
        maintain_order="left",
        suffix="_new",
    ).with_columns(pl.col("wanted").fill_null(value=False))
    return joined.with_columns(
        pl.when("wanted").then(f"{name}_new").otherwise(name).alias(name) for name in names
    ).select(*state.columns, "wanted")
