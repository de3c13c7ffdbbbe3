"""The same calls at other prices: what changes, by feature, team and model."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.cost.features import UNKNOWN_MODEL
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import COST_PARTS, MONEY

GROUP = ("feature", "team", "model")

_COUNTS = ("calls", "calls_changed", "now_priced", "now_unpriced")


def compare_costs(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What calls cost before and after they were priced again, per feature, team and model.

    A call changes where its cost does, or how it is divided into ``COST_PARTS``. A part that rows
    of an older release lack is no change, and neither is another name for the same price.

    Args:
        before: ``CALL_COSTS`` of one day.
        after: The same calls, priced anew.

    Returns:
        One row per group, sorted: ``feature``, ``team``, ``model``, ``calls``, ``calls_changed``,
        ``now_priced``, ``now_unpriced``, ``cost_before`` and ``cost_after`` (null where no call
        has a price), ``difference``, and ``prices_before`` and ``prices_after`` of the calls that
        change. The difference is what spend changes by: a call without a price is in neither sum.
        It is null where none has a price, before or after.

    Raises:
        ValueError: The calls are not the same.
    """
    money = ("cost", *COST_PARTS, "price_source")
    both = after.select("call_id", *GROUP, *money).join(
        before.select("call_id", pl.col(money).name.suffix("_before")), on="call_id", how="inner"
    )
    if not both.height == before.height == after.height:
        raise ValueError(
            f"{before.height:,} calls before, {after.height:,} after, {both.height:,} in both: "
            "only the same calls can be compared"
        )
    was, now = pl.col("cost_before").is_not_null(), pl.col("cost").is_not_null()
    changed = _changed()
    return (
        both.group_by(
            "feature",
            pl.col("team").fill_null(UNATTRIBUTED),
            pl.col("model").fill_null(UNKNOWN_MODEL),
        )
        .agg(
            calls=pl.len().cast(pl.Int64),
            calls_changed=changed.sum().cast(pl.Int64),
            now_priced=(now & ~was).sum().cast(pl.Int64),
            now_unpriced=(was & ~now).sum().cast(pl.Int64),
            cost_before=pl.when(was.any()).then(pl.col("cost_before").sum()).cast(MONEY),
            cost_after=pl.when(now.any()).then(pl.col("cost").sum()).cast(MONEY),
            prices_before=_named("price_source_before", changed),
            prices_after=_named("price_source", changed),
        )
        .with_columns(difference=_difference())
        .sort(GROUP)
    )


def sum_changes(groups: pl.DataFrame, *by: str) -> pl.DataFrame:
    """The counts and the money of ``compare_costs`` by some of its columns, or in one row."""
    sums = [
        *(pl.col(name).sum() for name in _COUNTS),
        *(
            pl.when(cost.is_not_null().any()).then(cost.sum()).cast(MONEY).alias(name)
            for name, cost in ((name, pl.col(name)) for name in ("cost_before", "cost_after"))
        ),
    ]
    summed = groups.group_by(by).agg(sums).sort(by) if by else groups.select(sums)
    return summed.with_columns(difference=_difference())


def _difference() -> pl.Expr:
    before, after = pl.col("cost_before"), pl.col("cost_after")
    known = before.is_not_null() | after.is_not_null()
    return pl.when(known).then(after.fill_null(0) - before.fill_null(0)).cast(MONEY)


def _changed() -> pl.Expr:
    parts = [
        pl.col(part).is_not_null()
        & pl.col(f"{part}_before").is_not_null()
        & (pl.col(part) != pl.col(f"{part}_before"))
        for part in COST_PARTS
    ]
    return pl.any_horizontal(pl.col("cost").ne_missing(pl.col("cost_before")), *parts)


def _named(source: str, changed: pl.Expr) -> pl.Expr:
    return pl.col(source).filter(changed).drop_nulls().unique().sort()
