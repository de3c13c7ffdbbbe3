"""What a judge would have to do on a day, and what that would cost: nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from llmops_pipelines.adapters.deepeval_metrics import DeepEvalJudge
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.ragas_metrics import RagasJudge
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging import (
    BY_LENGTH,
    Item,
    Items,
    Judge,
    JudgeSpec,
    Price,
    Quote,
    RubricJudge,
    Ruling,
    SlicedItems,
    canary_estimates,
    counted_with,
    distinct_digests,
    quote,
    read_item,
    slices,
    split_by_policy,
    verdict_frame,
    verdict_row,
    without_verdict,
)
from llmops_pipelines.reference import Features

_OVER_POLICY = "features.yaml does not let this feature's texts go to {endpoint!r}"


@dataclass(frozen=True)
class Brief:
    """What is asked for.

    Args:
        features: ``features.yaml``: whose texts may go where.
        repetition: Which draw of each verdict; 0 is the first.
        canaries: Whether each judge that has anything to do is put its canaries first.
        batch_price: Dollars for tokens in batches; quotes tell both.
    """

    features: Features
    repetition: int = 0
    canaries: bool = True
    batch_price: Price | None = None


@dataclass(frozen=True)
class Plan:
    """What one judge has to do, and what it would cost.

    ``to_judge`` has ``call_id`` and ``item_digest`` of the ``unjudged`` contents; the texts are in
    ``items``. Where items come in slices it lies on disk: many rubrics may judge a large day.
    ``forbidden`` has ``JUDGE_LEDGER`` rows of what must not be sent.
    """

    judge: Judge
    items: Items
    to_judge: pl.LazyFrame
    unjudged: int
    forbidden: pl.DataFrame
    quote: Quote


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


def plan_of(
    spec: JudgeSpec,
    items: Items,
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    endpoint: Endpoint,
    brief: Brief,
    *,
    price: Price,
    now: datetime,
    folder: Path,
    quoted: pl.DataFrame | None = None,
) -> Plan:
    """What ``spec`` has to do on ``items`` at ``endpoint``.

    Args:
        spec: A judge that asks an endpoint.
        items: ``judging.items`` of the day.
        ledger_keys: Key columns of ``judge_ledger``: what has its verdict.
        endpoint: Whose leave counts.
        brief: What is asked for.
        price: Dollars for tokens of a model, or None.
        now: Written into the rows of what must not be sent; UTC, without a zone.
        folder: Where a plan may lie that is too large to hold.
        quoted: ``item_digest`` of what is in another quote: it is in none twice.
    """
    judge = judge_of(spec)
    allowed, over_policy = split_by_policy(items, spec, brief.features, endpoint.name)
    distinct = distinct_digests(allowed, spec)
    if quoted is not None:
        distinct = distinct.join(quoted, on="item_digest", how="anti", maintain_order="left")
    rows = without_verdict(distinct, ledger_keys, spec, repetition=brief.repetition)
    unjudged, already_paid = rows.height, distinct.height - rows.height
    to_judge = rows.lazy()
    if isinstance(items, SlicedItems):
        rows.write_parquet(folder / f"{spec.spec_id}.parquet", compression="lz4")
        to_judge = pl.scan_parquet(folder / f"{spec.spec_id}.parquet")
    del distinct, rows
    counter = counter_of(spec.model) if unjudged else None
    in_batches = brief.batch_price if isinstance(judge, RubricJudge) and judge.asks_once else None
    with counted_with(counter.count if counter else None):
        costs = quote(
            (
                judge.estimate(item)
                for item in items_named(allowed, to_judge)
                if judge.inapplicable(item) is None
            ),
            spec,
            already_paid=already_paid,
            price=price,
            batch_price=in_batches,
            counted_by=counter.vocabulary if counter else BY_LENGTH,
            canaries=canary_estimates(judge) if brief.canaries and unjudged else (),
        )
    ruling = Ruling("over_policy", None, _OVER_POLICY.format(endpoint=endpoint.name))
    unsent = items_named(over_policy, distinct_digests(over_policy, spec).lazy(), brief.repetition)
    forbidden = verdict_frame(
        verdict_row(spec, item, ruling, attempts=(), scored_at=now, library_versions={})
        for item in unsent
    )
    return Plan(judge, allowed, to_judge, unjudged, forbidden, costs)


def items_named(items: Items, wanted: pl.LazyFrame, repetition: int = 0) -> Iterator[Item]:
    """The items that ``wanted`` names, slice by slice, each in the order of the digests."""
    for part in slices(items):
        rows = part.lazy().join(wanted, on="call_id").sort("item_digest").collect()
        yield from (
            read_item(row, repetition) for row in rows.iter_rows(named=True, buffer_size=64)
        )


def quote_items(
    items: Items,
    spec: JudgeSpec,
    ledger_keys: pl.DataFrame,
    endpoint: Endpoint,
    brief: Brief,
    *,
    price: Price,
    now: datetime,
    quoted: pl.DataFrame | None = None,
) -> tuple[Quote, pl.DataFrame]:
    """What `judge_day` would quote for ``spec``, and ``item_digest`` of what it would ask about.

    ``quoted`` has ``item_digest`` of what is in another day's quote: it is in none twice.
    """
    with TemporaryDirectory(prefix="llmops-") as folder:
        plan = plan_of(
            spec,
            items,
            ledger_keys,
            endpoint,
            brief,
            price=price,
            now=now,
            folder=Path(folder),
            quoted=quoted,
        )
        return plan.quote, plan.to_judge.select("item_digest").collect()
