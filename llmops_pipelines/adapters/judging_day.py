"""Judging a day against an endpoint: policy, ledger, quote, caps and execution in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import metadata
from typing import Any

import polars as pl

from llmops_pipelines.adapters.judge_client import Endpoint, client_versions, open_judge
from llmops_pipelines.adapters.ragas_metrics import RagasJudge
from llmops_pipelines.judging import (
    Circuit,
    Conduct,
    Item,
    Judge,
    JudgeSpec,
    Limits,
    OnResults,
    Price,
    Purse,
    Quote,
    RubricJudge,
    Tally,
    execute,
    quote,
    read_item,
    split_by_policy,
    unpaid,
    verdict_frame,
)
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_SCORES

_OVER_POLICY = "features.yaml does not let this feature's texts go to {endpoint!r}"


@dataclass(frozen=True)
class JudgedDay:
    """What judging a day came to.

    ``outcomes`` has ``metric``, ``outcome`` and ``items``; ``unfinished`` holds ``JUDGE_SCORES``
    rows, with reasons, of items a later run will try again, none of which is in the ledger. ``cost``
    is null where nothing is known of it.
    """

    quotes: tuple[Quote, ...]
    outcomes: pl.DataFrame
    unfinished: pl.DataFrame
    already_paid: int
    calls: int
    faults: int
    cost: Decimal | None

    @property
    def complete(self) -> bool:
        """Whether every item that may be judged has its verdict."""
        return self.unfinished.filter(pl.col("outcome") != "over_policy").is_empty()

    @property
    def warning(self) -> str | None:
        """One line on what is missing and why, or None."""
        missing = self.unfinished.filter(pl.col("outcome") != "over_policy")
        if missing.is_empty():
            return None
        counts = missing.group_by("outcome").len().sort("outcome").rows()
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts)
        return f"{told}; first reason: {missing['reason'][0]}. A later run tries again."


def judge_day(
    items: pl.DataFrame,
    specs: Sequence[JudgeSpec],
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    purse: Purse,
    endpoint: Endpoint,
    append: OnResults,
    *,
    features: Features,
    price: Price,
    now: Callable[[], datetime],
    seed: int,
    run_id: str,
    limits: Limits | None = None,
    on_quote: Callable[[Quote], None] | None = None,
) -> JudgedDay:
    """Have ``specs`` rule on ``items``, paying only for what the ledger does not hold.

    Nothing is sent for a feature whose ``judging`` does not name ``endpoint``, nor where no URL or
    model is configured. Verdicts and attempts go to ``append`` as they come; what is left undone is
    in the result and is tried again by the next call.

    Args:
        items: ``judging.items`` of the day.
        specs: Rubric and RAGAS specs, in the order in which money should go to them.
        ledger_keys: Key columns of ``judge_scores``, of whatever days.
        purse: Caps, and what the day has already cost.
        endpoint: Where to ask.
        append: Takes ``JUDGE_SCORES`` and ``JUDGE_CALLS`` rows; called from another thread.
        features: ``features.yaml``.
        price: Dollars for tokens of a model, or None. It is asked several times a request, so it
            should take microseconds.
        now: The UTC time, without a zone.
        seed: Of the jitter between retries.
        run_id: Of this run; part of attempt ids.
        limits: How hard to try.
        on_quote: Told each quote before anything is sent.
    """
    limits = limits or Limits()
    jobs: list[tuple[Judge, Item]] = []
    quotes: list[Quote] = []
    forbidden: list[pl.DataFrame] = []
    already_paid = 0
    for spec in specs if endpoint.configured else ():
        judge = judge_of(spec)
        allowed, over_policy = split_by_policy(items, spec, features, endpoint.name)
        rows = unpaid(allowed, ledger_keys, spec)
        paid = unpaid(allowed, _no_keys(), spec).height - rows.height
        to_judge = [read_item(row) for row in rows.iter_rows(named=True)]
        already_paid += paid
        jobs += [(judge, item) for item in to_judge]
        quotes.append(_quote(judge, to_judge, paid, price))
        forbidden.append(_forbidden(over_policy, spec, endpoint, now()))
    for each in quotes if on_quote else ():
        on_quote(each)  # type: ignore[misc]
    tally = Tally()
    if jobs:
        tally = asyncio.run(
            _execute(jobs, endpoint, purse, price, limits, now, seed, run_id, append)
        )
    unfinished = pl.concat([verdict_frame(tally.unfinished), *forbidden])
    return JudgedDay(
        quotes=tuple(quotes),
        outcomes=_outcomes(tally, unfinished),
        unfinished=unfinished.sort("metric", "call_id"),
        already_paid=already_paid,
        calls=tally.calls,
        faults=tally.faults,
        cost=tally.cost,
    )
