"""Judging a day against an endpoint: policy, ledger, quote, caps and execution in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from llmops_pipelines.adapters.deepeval_metrics import DeepEvalJudge
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, client_versions, open_judge
from llmops_pipelines.adapters.ragas_metrics import RagasJudge
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging import (
    BY_LENGTH,
    PENDING,
    CanaryResult,
    Circuit,
    Conduct,
    Gate,
    Item,
    Items,
    Job,
    Judge,
    JudgeSpec,
    Limits,
    OnResults,
    Pace,
    Price,
    Purse,
    Quote,
    RubricJudge,
    Ruling,
    SlicedItems,
    Tally,
    ask_canaries,
    canary_estimates,
    counted_with,
    distinct_digests,
    execute,
    quote,
    read_item,
    slices,
    split_by_policy,
    verdict_frame,
    verdict_row,
    without_verdict,
)
from llmops_pipelines.reference import Features

Post = Callable[[Iterable[Job], Endpoint], tuple[list[Job], list[dict[str, Any]]]]
"""Puts jobs into batches; what is left to be asked at once, and ``JUDGE_LEDGER`` rows of the rest.

Rows of final outcomes are in the ledger by then."""

_OVER_POLICY = "features.yaml does not let this feature's texts go to {endpoint!r}"


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
    gate: Gate | None = None,
    on_quote: Callable[[Quote], None] | None = None,
    canaries: bool = True,
    prepare: Prepare | None = None,
    batch_price: Price | None = None,
    post: Post | None = None,
    repetition: int = 0,
    halves: Mapping[tuple[str, str, int], Ruling] | None = None,
) -> JudgedDay:
    """Have ``specs`` rule on ``items``, paying only for what the ledger does not hold.

    Nothing is sent for a feature whose ``judging`` does not name ``endpoint``, nor where no URL or
    model is configured. Verdicts and attempts go to ``append`` as they come; what is left undone is
    in the result and is tried again by the next call.

    Args:
        items: ``judging.items`` of the day; sliced ones are never held at once.
        specs: Rubric and RAGAS specs, in the order in which money should go to them.
        ledger_keys: Key columns of ``judge_ledger``, of whatever days.
        purse: Caps, and what the day has already cost.
        endpoint: Where to ask.
        append: Takes ``JUDGE_LEDGER`` and ``JUDGE_CALLS`` rows; called from another thread.
        features: ``features.yaml``.
        price: Dollars for tokens of a model, or None. It is asked several times a request, so it
            should take microseconds.
        now: The UTC time, without a zone.
        seed: Of the jitter between retries.
        run_id: Of this run; part of attempt ids.
        limits: How hard to try.
        gate: The endpoint's pace, shared with other processes where it is given; closed at the end.
        on_quote: Told each quote before anything is sent.
        canaries: Whether each judge that has anything to do is put its canaries first.
        prepare: Looks at the endpoint once there is something to ask it.
        batch_price: As ``price``, in batches; quotes tell both.
        post: Takes what can be asked in batches instead.
        repetition: Which draw of each verdict; 0 is the first.
        halves: `halves_of` the ledger.
    """
    limits = limits or Limits()
    gate = gate or Gate(Pace(limits.concurrency))
    with TemporaryDirectory(prefix="llmops-") as folder:
        plans = [
            _plan(
                judge_of(spec),
                items,
                ledger_keys,
                endpoint,
                features=features,
                price=price,
                now=now(),
                canaries=canaries,
                batch_price=batch_price,
                repetition=repetition,
                folder=Path(folder),
            )
            for spec in (specs if endpoint.configured else ())
        ]
        if on_quote:
            for plan in plans:
                on_quote(plan.quote)
        # Drawn one by one: a hundred thousand items are not also held as so many objects.
        jobs: Iterable[Job] = (
            (plan.judge, item)
            for plan in plans
            for item in _items(plan.items, plan.to_judge, repetition)
        )
        tally = Tally()
        canary_results: tuple[CanaryResult, ...] = ()
        obstacle = None
        asking = any(plan.unjudged for plan in plans)
        if asking and prepare:
            endpoint, obstacle = prepare(endpoint)
        posted: list[dict[str, Any]] = []
        at_once = {plan.judge.spec.spec_id for plan in plans if plan.quote.items}
        if post and asking and not obstacle:
            left, posted = post(jobs, endpoint)
            purse.tell()
            jobs = left
            asking = bool(left)
            at_once &= {judge.spec.spec_id for judge, _ in left}
        if obstacle:
            for judge, item in jobs:
                tally.add(
                    verdict_row(
                        judge.spec,
                        item,
                        obstacle,
                        attempts=(),
                        scored_at=now(),
                        library_versions={},
                    )
                )
        elif asking:
            conduct = partial(
                Conduct,
                purse=purse,
                price=price,
                limits=limits,
                circuit=Circuit(
                    limits.dead_after, limits.patience, limits.most_late, named=endpoint.named
                ),
                now=now,
                seed=seed,
                run_id=run_id,
                gate=gate,
                halves=halves or {},
            )
            tried = [
                plan.judge for plan in plans if canaries and plan.judge.spec.spec_id in at_once
            ]
            try:
                tally, canary_results = asyncio.run(
                    _execute(tried, jobs, endpoint, limits, conduct, append)
                )
            finally:
                purse.tell()
                gate.close()
        for row in posted:
            tally.add(row)
        unfinished = pl.concat([tally.unfinished, *(plan.forbidden for plan in plans)])
        return JudgedDay(
            quotes=tuple(plan.quote for plan in plans),
            outcomes=_outcomes(tally, unfinished),
            unfinished=unfinished.sort("metric", "outcome", "call_id"),
            already_paid=sum(plan.quote.already_paid for plan in plans),
            calls=tally.calls,
            faults=tally.faults,
            cost=tally.cost,
            canaries=canary_results,
        )


def quote_items(
    items: Items,
    spec: JudgeSpec,
    ledger_keys: pl.DataFrame,
    endpoint: Endpoint,
    *,
    features: Features,
    price: Price,
    batch_price: Price | None,
    now: datetime,
    repetition: int = 0,
    quoted: pl.DataFrame | None = None,
) -> tuple[Quote, pl.DataFrame]:
    """What `judge_day` would quote for ``spec``, and ``item_digest`` of what it would ask about.

    ``quoted`` has ``item_digest`` of what is in another day's quote: it is in none twice.
    """
    with TemporaryDirectory(prefix="llmops-") as folder:
        plan = _plan(
            judge_of(spec),
            items,
            ledger_keys,
            endpoint,
            features=features,
            price=price,
            batch_price=batch_price,
            now=now,
            canaries=True,
            repetition=repetition,
            folder=Path(folder),
            quoted=quoted,
        )
        return plan.quote, plan.to_judge.select("item_digest").collect()


def judge_of(spec: JudgeSpec) -> Judge:
    """The judge that asks an endpoint as ``spec`` says.

    Raises:
        ValueError: The spec asks no endpoint.
    """
    match spec.kind:
        case "rubric":
            return RubricJudge(spec)
        case "ragas":
            return RagasJudge(spec)
        case "deepeval":
            return DeepEvalJudge(spec)
        case kind:
            raise ValueError(f"{spec.metric} is {kind}: it asks no endpoint")


@dataclass(frozen=True)
class _Plan:
    """What one judge has to do, and what it would cost.

    ``to_judge`` has ``call_id`` and ``item_digest`` of the ``unjudged`` contents; the texts are in
    ``items``. Where items come in slices it lies on disk: many rubrics may judge a large day.
    """

    judge: Judge
    items: Items
    to_judge: pl.LazyFrame
    unjudged: int
    forbidden: pl.DataFrame
    quote: Quote


def _plan(
    judge: Judge,
    items: Items,
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    endpoint: Endpoint,
    *,
    features: Features,
    price: Price,
    now: datetime,
    canaries: bool,
    batch_price: Price | None,
    repetition: int,
    folder: Path,
    quoted: pl.DataFrame | None = None,
) -> _Plan:
    spec = judge.spec
    allowed, over_policy = split_by_policy(items, spec, features, endpoint.name)
    distinct = distinct_digests(allowed, spec)
    if quoted is not None:
        distinct = distinct.join(quoted, on="item_digest", how="anti", maintain_order="left")
    rows = without_verdict(distinct, ledger_keys, spec, repetition=repetition)
    unjudged, already_paid = rows.height, distinct.height - rows.height
    to_judge = rows.lazy()
    if isinstance(items, SlicedItems):
        rows.write_parquet(folder / f"{spec.spec_id}.parquet", compression="lz4")
        to_judge = pl.scan_parquet(folder / f"{spec.spec_id}.parquet")
    del distinct, rows
    counter = counter_of(spec.model) if unjudged else None
    with counted_with(counter.count if counter else None):
        costs = quote(
            (
                judge.estimate(item)
                for item in _items(allowed, to_judge)
                if judge.inapplicable(item) is None
            ),
            metric=spec.metric,
            spec_id=spec.spec_id,
            model=spec.model,
            already_paid=already_paid,
            price=price,
            batch_price=batch_price if isinstance(judge, RubricJudge) and judge.asks_once else None,
            counted_by=counter.vocabulary if counter else BY_LENGTH,
            canaries=canary_estimates(judge) if canaries and unjudged else (),
        )
    return _Plan(
        judge=judge,
        items=allowed,
        to_judge=to_judge,
        unjudged=unjudged,
        forbidden=_forbidden(over_policy, spec, endpoint, now, repetition),
        quote=costs,
    )


def _items(items: Items, wanted: pl.LazyFrame, repetition: int = 0) -> Iterator[Item]:
    """The items that ``wanted`` names, slice by slice, each in the order of the digests."""
    for part in slices(items):
        rows = part.lazy().join(wanted, on="call_id").sort("item_digest").collect()
        yield from (
            read_item(row, repetition) for row in rows.iter_rows(named=True, buffer_size=64)
        )


def _forbidden(
    over_policy: Items,
    spec: JudgeSpec,
    endpoint: Endpoint,
    now: datetime,
    repetition: int,
) -> pl.DataFrame:
    ruling = Ruling("over_policy", None, _OVER_POLICY.format(endpoint=endpoint.name))
    return verdict_frame(
        verdict_row(spec, item, ruling, attempts=(), scored_at=now, library_versions={})
        for item in _items(over_policy, distinct_digests(over_policy, spec).lazy(), repetition)
    )


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
    limits: Limits,
    conduct: Callable[..., Conduct],
    append: OnResults,
) -> tuple[Tally, tuple[CanaryResult, ...]]:
    """Everything that needs the event loop, of which a run has one: canaries, then items."""
    versions = judging_versions(endpoint)
    async with open_judge(endpoint, concurrency=limits.concurrency) as ask:
        shared = conduct(ask=ask)
        told = await ask_canaries(tried, shared, append, library_versions=versions)
        return await execute(jobs, shared, append, library_versions=versions), told


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
