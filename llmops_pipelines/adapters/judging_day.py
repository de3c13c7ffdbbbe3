"""Judging a day against an endpoint: policy, ledger, quote, caps and execution in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, client_versions, open_judge
from llmops_pipelines.adapters.judging_plans import Brief, Plan, items_named, plan_of
from llmops_pipelines.judging import (
    PENDING,
    CanaryResult,
    Items,
    Job,
    Judge,
    JudgeSpec,
    JudgingRun,
    OnResults,
    Quote,
    Ruling,
    Tally,
    ask_canaries,
    execute,
    verdict_row,
)

Post = Callable[[Iterable[Job], Endpoint], tuple[list[Job], list[dict[str, Any]]]]
"""Puts jobs into batches; what is left to be asked at once, and ``JUDGE_LEDGER`` rows of the rest.

Rows of final outcomes are in the ledger by then."""

Prepare = Callable[[Endpoint], tuple[Endpoint, Ruling | None]]
"""The endpoint as it is to be asked, and what all items end with where it cannot be."""


@dataclass(frozen=True)
class JudgedDay:
    """What judging a day came to.

    ``outcomes`` has ``metric``, ``outcome`` and ``items``; ``unfinished`` holds ``JUDGE_LEDGER``
    rows, with reasons, of items a later run will try again, none of which is in the ledger.
    ``cost`` is null where nothing is known of it. ``calls``, ``faults`` and ``cost`` are of items;
    what the canaries took stands with them.
    """

    quotes: tuple[Quote, ...]
    outcomes: pl.DataFrame
    unfinished: pl.DataFrame
    already_paid: int
    calls: int
    faults: int
    cost: Decimal | None
    canaries: tuple[CanaryResult, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every item that may be judged has its verdict."""
        return self.unfinished.filter(pl.col("outcome") != "over_policy").is_empty()

    @property
    def waiting(self) -> int:
        """Items that wait in batches which this call submitted."""
        return self.unfinished.filter(pl.col("outcome") == PENDING).height

    @property
    def warning(self) -> str | None:
        """One line on what is missing and why, or None."""
        missing = self.unfinished.filter(~pl.col("outcome").is_in(["over_policy", PENDING]))
        if missing.is_empty():
            return None
        counts = missing.group_by("outcome").len().sort("outcome").rows()
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts)
        return f"{told}; first reason: {missing['reason'][0]}. A later run tries again."

    @property
    def canary_warning(self) -> str | None:
        """One line on the canaries that were missed, or None."""
        missed = "; ".join(str(canary) for canary in self.canaries if canary.state == "missed")
        return f"{missed}. Look at this batch's verdicts before you trust them." if missed else None


def judge_day(
    items: Items,
    specs: Sequence[JudgeSpec],
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    endpoint: Endpoint,
    append: OnResults,
    run: JudgingRun,
    brief: Brief,
    *,
    on_quote: Callable[[Quote], None] | None = None,
    prepare: Prepare | None = None,
    post: Post | None = None,
) -> JudgedDay:
    """Have ``specs`` rule on ``items``, paying only for what the ledger does not hold.

    Nothing is sent for a feature whose ``judging`` does not name ``endpoint``, nor where no URL or
    model is configured. Verdicts and attempts go to ``append`` as they come; what is left undone is
    in the result and is tried again by the next call.

    Args:
        items: ``judging.items`` of the day; sliced ones are never held at once.
        specs: Rubric and RAGAS specs, in the order in which money should go to them.
        ledger_keys: Key columns of ``judge_ledger``, of whatever days.
        endpoint: Where to ask.
        append: Takes ``JUDGE_LEDGER`` and ``JUDGE_CALLS`` rows; called from another thread.
        run: What is asked with; its gate is closed once it was.
        brief: What is asked for.
        on_quote: Told each quote before anything is sent.
        prepare: Looks at the endpoint once there is something to ask it.
        post: Takes what can be asked in batches instead.
    """
    with TemporaryDirectory(prefix="llmops-") as folder:
        plans = [
            plan_of(
                spec,
                items,
                ledger_keys,
                endpoint,
                brief,
                price=run.price,
                now=run.now(),
                folder=Path(folder),
            )
            for spec in (specs if endpoint.configured else ())
        ]
        if on_quote:
            for plan in plans:
                on_quote(plan.quote)
        tally, canaries = Tally(), tuple[CanaryResult, ...]()
        if any(plan.unjudged for plan in plans):
            endpoint, obstacle = prepare(endpoint) if prepare else (endpoint, None)
            if obstacle:
                tally = _ended(plans, obstacle, run, brief)
            else:
                tally, canaries = _asked(plans, endpoint, append, run, brief, post)
        unfinished = pl.concat([tally.unfinished, *(plan.forbidden for plan in plans)])
        return JudgedDay(
            quotes=tuple(plan.quote for plan in plans),
            outcomes=_outcomes(tally, unfinished),
            unfinished=unfinished.sort("metric", "outcome", "call_id"),
            already_paid=sum(plan.quote.already_paid for plan in plans),
            calls=tally.calls,
            faults=tally.faults,
            cost=tally.cost,
            canaries=canaries,
        )


def _jobs(plans: Sequence[Plan], brief: Brief) -> Iterable[Job]:
    """Drawn one by one: a hundred thousand items are not also held as so many objects."""
    for plan in plans:
        for item in items_named(plan.items, plan.to_judge, brief.repetition):
            yield plan.judge, item


def _ended(plans: Sequence[Plan], ruling: Ruling, run: JudgingRun, brief: Brief) -> Tally:
    """All items with what keeps the endpoint from being asked."""
    tally = Tally()
    for judge, item in _jobs(plans, brief):
        row = verdict_row(
            judge.spec, item, ruling, attempts=(), scored_at=run.now(), library_versions={}
        )
        tally.add(row)
    return tally


def _asked(
    plans: Sequence[Plan],
    endpoint: Endpoint,
    append: OnResults,
    run: JudgingRun,
    brief: Brief,
    post: Post | None,
) -> tuple[Tally, tuple[CanaryResult, ...]]:
    """What came of the items: in batches what ``post`` takes, the others at once."""
    jobs, posted = _jobs(plans, brief), list[dict[str, Any]]()
    judges = [plan.judge for plan in plans if plan.quote.items]
    tally, canaries = Tally(), tuple[CanaryResult, ...]()
    if post:
        left, posted = post(jobs, endpoint)
        run.purse.tell()
        now = {judge.spec.spec_id for judge, _ in left}
        judges = [judge for judge in judges if judge.spec.spec_id in now]
        jobs = left
    if not post or jobs:
        tried = judges if brief.canaries else []
        try:
            tally, canaries = asyncio.run(_execute(tried, jobs, endpoint, append, run))
        finally:
            run.end()
    for row in posted:
        tally.add(row)
    return tally, canaries


def judging_versions(endpoint: Endpoint) -> dict[str, str]:
    """What takes part in a verdict besides its judge: kept beside it, no part of the spec."""
    return {
        **client_versions(),
        "llmops_pipelines": metadata.version("llmops-pipelines"),
        "response_format": endpoint.response_format,
    }


async def _execute(
    tried: list[Judge],
    jobs: Iterable[Job],
    endpoint: Endpoint,
    append: OnResults,
    run: JudgingRun,
) -> tuple[Tally, tuple[CanaryResult, ...]]:
    """Everything that needs the event loop, of which a run has one: canaries, then items."""
    versions = judging_versions(endpoint)
    async with open_judge(endpoint, concurrency=run.limits.concurrency) as ask:
        conduct = run.conduct(ask, run.circuit(named=endpoint.named))
        told = await ask_canaries(tried, conduct, append, library_versions=versions)
        return await execute(jobs, conduct, append, library_versions=versions), told


def _outcomes(tally: Tally, unfinished: pl.DataFrame) -> pl.DataFrame:
    """``metric``, ``outcome``, ``items``, by metric and outcome."""
    schema = {"metric": pl.String, "outcome": pl.String, "items": pl.Int64}
    asked = pl.DataFrame(
        [(metric, outcome, n) for (metric, outcome), n in tally.outcomes.items()],
        schema=schema,
        orient="row",
    )
    unsent = (
        unfinished.filter(pl.col("outcome") == "over_policy")
        .group_by("metric", "outcome")
        .agg(items=pl.len().cast(pl.Int64))
    )
    return pl.concat([asked, unsent]).sort("metric", "outcome")
