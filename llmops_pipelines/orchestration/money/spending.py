"""Spend of any days by any dimension, read from the lake day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from llmops_pipelines import cost
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import CALL_COSTS, COST_CUBE, JUDGE_CALLS, LLM_CALLS, MONEY


class Spend(NamedTuple):
    """What production spent, and beside it what evaluation did."""

    rows: pl.DataFrame
    """``cost.add_up``: what was asked for."""
    total: Decimal
    """Sum of the costs of the calls, one by one."""
    adds_up: bool
    """Whether ``rows`` come to ``total`` to the last digit."""
    evaluation: pl.DataFrame
    """One row: ``calls``, ``unpriced_calls`` and ``cost`` of judges asked in these days; the cost
    is null where no call has a price."""


def spend_by(
    lake: Lake, days: Sequence[date], by: Sequence[str], first: date | None, last: date | None
) -> Spend:
    """What the calls of ``days`` cost by ``by``.

    Args:
        lake: Where ``CALL_COSTS`` and ``COST_CUBE`` are.
        days: Those to sum, oldest first.
        by: Some of ``cost.SPEND_DIMENSIONS``.
        first: First day of evaluation; None for all before. A night judges the days before it, so
            the last of ``days`` is not the last on which a judge was asked.
        last: Last day of evaluation; None for all after.
    """
    parts = [_of_day(lake, day, by) for day in days]
    rows = cost.add_up(pl.concat(parts), by) if parts else cost.add_up(_nothing(by), by)
    total = _sum(lake.scan(CALL_COSTS, days).select("cost").collect()["cost"])
    evaluation = evaluation_spend(lake, first, last).select(
        calls=pl.len().cast(pl.Int64),
        unpriced_calls=pl.col("cost").is_null().sum().cast(pl.Int64),
        # Nothing is known of calls that all lack a price; calls that nobody made cost nothing.
        cost=pl.when(pl.col("cost").is_not_null().any() | (pl.len() == 0))
        .then(pl.col("cost").sum())
        .cast(MONEY),
    )
    return Spend(rows, total, _sum(rows["cost"]) == total, evaluation)


def evaluation_spend(lake: Lake, first: date | None, last: date | None) -> pl.DataFrame:
    """``JUDGE_CALLS`` that were sent from ``first`` to ``last``, whatever day they judged."""
    asked_on = pl.col("asked_at").dt.date()
    sent = lake.scan(JUDGE_CALLS).filter(
        asked_on >= (first or asked_on), asked_on <= (last or asked_on)
    )
    return sent.collect()


def _of_day(lake: Lake, day: date, by: Sequence[str]) -> pl.DataFrame:
    own = [name for name in by if name != "day"]
    if cost.in_cube(by) and lake.stored(COST_CUBE, day):
        sums = cost.as_charged(lake.read(COST_CUBE, [day]).drop("day"))
    else:
        calls = lake.scan(LLM_CALLS, [day]).select("call_id", *cost.columns_for(own))
        booked = cost.booked(calls, lake.scan(CALL_COSTS, [day]))
        sums = cost.spend_of_calls(booked.collect(), own)
    return cost.add_up(sums, own).with_columns(day=pl.lit(day))


def _nothing(by: Sequence[str]) -> pl.DataFrame:
    names = [name for name in by if name not in COST_CUBE.schema.names()]
    return COST_CUBE.empty().with_columns(pl.lit(None).alias(name) for name in names)


def _sum(costs: pl.Series) -> Decimal:
    return Decimal(costs.sum() or 0)
