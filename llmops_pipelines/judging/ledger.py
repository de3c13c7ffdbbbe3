"""The judgement ledger: what is paid for, what is not yet, and the rows that are appended to it.

``judge_calls`` holds every attempt, ``judge_ledger`` at most one verdict per (spec id, item digest,
repetition). Only final outcomes enter ``judge_ledger``: `FINAL`. A failed, over-budget or
over-policy item is reported by the run that met it and left out of the ledger, so that the key
stays free and a later run tries again; what its attempts cost stands in ``judge_calls`` all the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import polars as pl

from llmops_pipelines.judging.judges.exchange import Reply
from llmops_pipelines.judging.judges.item import Item, Items, digests_of, with_digests
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SCORES

LEDGER_KEY = ("spec_id", "item_digest", "repetition")

_FIRST = (*LEDGER_KEY, "scored_at", "call_id")
"""What decides which of several verdicts on one content counts: the earliest."""

FINAL = ("scored", "refused", "unreadable", "undecided", "not_applicable")
"""Outcomes that are paid for: the same judge on the same content is not asked again."""

PENDING = "pending"
"""The outcome of an item that waits in a batch: paid for or about to be, and not yet answered."""

HALF = "half"
"""The outcome of one order of a pair: paid for, and no verdict on the pair; see `halves_of`."""

UNFINISHED = ("failed", "over_budget", "over_policy", PENDING)
"""Outcomes of a run, not of a content: a later run tries again, or collects what is pending."""

BUCKETS = ("uncached_input", "cache_read", "output_text", "reasoning")
"""The token buckets that judges are billed by."""

_PICO = Decimal("0.000000000001")


def distinct_items(items: pl.DataFrame, spec: JudgeSpec) -> pl.DataFrame:
    """``items`` with ``item_digest``, one row per content that ``spec`` can tell from others.

    Rows come in the order of their digests, which is as good as random: where money runs out
    half-way, what was judged is a fair part of the whole.
    """
    return _distinct(with_digests(items, spec))


def distinct_digests(items: Items, spec: JudgeSpec) -> pl.DataFrame:
    """``call_id`` and ``item_digest`` of `distinct_items`, without the texts."""
    return _distinct(digests_of(items, spec))


def _distinct(digested: pl.DataFrame) -> pl.DataFrame:
    return digested.sort("item_digest", "call_id").unique(
        "item_digest", keep="first", maintain_order=True
    )


def without_verdict(
    distinct: pl.DataFrame,
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    spec: JudgeSpec,
    *,
    repetition: int = 0,
) -> pl.DataFrame:
    """The rows of ``distinct`` that the ledger holds no verdict of ``spec`` on, in their order.

    Args:
        distinct: `distinct_items` or `distinct_digests` for ``spec``.
        ledger_keys: ``spec_id``, ``item_digest`` and ``repetition`` of ``judge_ledger``.
        spec: The judge.
        repetition: 0 for the first draw.
    """
    paid = (
        ledger_keys.lazy()
        .filter(pl.col("spec_id") == spec.spec_id, pl.col("repetition") == repetition)
        .select("item_digest")
        # Verdicts of years are looked through, those on these contents kept.
        .join(distinct.lazy().select("item_digest"), on="item_digest", how="semi")
        .collect(engine="streaming")
    )
    return distinct.join(paid, on="item_digest", how="anti", maintain_order="left")


def unpaid(
    items: pl.DataFrame,
    ledger_keys: pl.DataFrame | pl.LazyFrame,
    spec: JudgeSpec,
    *,
    repetition: int = 0,
) -> pl.DataFrame:
    """The distinct contents of ``items`` that ``spec`` still has to be asked about."""
    return without_verdict(distinct_items(items, spec), ledger_keys, spec, repetition=repetition)


def verdicts_of(
    items: Items, ledger: pl.DataFrame | pl.LazyFrame, specs: Iterable[JudgeSpec]
) -> pl.DataFrame:
    """The ledger's verdicts on ``items``, as ``JUDGE_SCORES``: each under its item's own call.

    Calls with the same content share a verdict. Where two processes judged one content at once,
    the earlier verdict counts.
    """
    kept = ledger.lazy()
    parts = [JUDGE_SCORES.empty()]
    for spec in specs:
        wanted = digests_of(items, spec).select("item_digest", own_call="call_id")
        # Filtered where it is read: a join would hold the rows of all others until it may begin.
        own = kept.filter(
            pl.col("spec_id") == spec.spec_id,
            pl.col("item_digest").is_in(wanted["item_digest"].implode()),
        )
        # Which row counts is found on its key alone: whole rows are sorted nowhere.
        first = (
            own.select(_FIRST).sort(_FIRST).unique(LEDGER_KEY, keep="first", maintain_order=True)
        )
        parts.append(
            own.join(first, on=_FIRST, how="semi")
            .join(wanted.lazy(), on="item_digest")
            .with_columns(call_id=pl.col("own_call"))
            .select(JUDGE_SCORES.schema.names())
            .collect(engine="streaming")
        )
    found = pl.concat(parts)
    if found.select(JUDGE_SCORES.key).is_duplicated().any():  # the same row, twice in the ledger
        found = found.unique(JUDGE_SCORES.key, keep="first", maintain_order=True)
    return JUDGE_SCORES.require(found)


def halves_of(
    ledger: pl.DataFrame | pl.LazyFrame, specs: Iterable[JudgeSpec]
) -> dict[tuple[str, str, int], Ruling]:
    """What ``specs`` said of pairs in one order, by `LEDGER_KEY`; the digest is that of the prompt.

    A pair whose other order found no answer is not asked about in this one again.
    """
    swapping = [spec.spec_id for spec in specs if spec.rubric and spec.rubric.swap]
    if not swapping:
        return {}
    known = (
        ledger.lazy()
        .filter(
            pl.col("spec_id").is_in(swapping),
            pl.col("outcome") == HALF,
            # Of a person who was forgotten no word is left, and so no half.
            pl.col("evidence").is_not_null(),
        )
        .sort(*LEDGER_KEY, "scored_at")
        .unique(LEDGER_KEY, keep="first", maintain_order=True)
        .select(*LEDGER_KEY, "score", "reason", "evidence")
        .collect()
    )
    return {
        (spec_id, digest, repetition): Ruling(
            "not_applicable" if score is None else "scored", score, reason, evidence
        )
        for spec_id, digest, repetition, score, reason, evidence in known.iter_rows()
    }


def verdict_row(
    spec: JudgeSpec,
    item: Item,
    ruling: Ruling,
    *,
    attempts: Iterable[Mapping[str, Any]],
    scored_at: datetime,
    library_versions: Mapping[str, str],
) -> dict[str, Any]:
    """A row of ``JUDGE_LEDGER``; its cost is `cost_of` its attempts."""
    made = list(attempts)
    served = [row["model_served"] for row in made if row["model_served"] is not None]
    return {
        "spec_id": spec.spec_id,
        "item_digest": item.digest,
        "repetition": item.repetition,
        "metric": spec.metric,
        "call_id": item.call_id,
        "outcome": ruling.outcome,
        "score": ruling.score,
        "reason": ruling.reason,
        "evidence": ruling.evidence,
        "attempts": len(made),
        **{name: _known_sum(row[name] for row in made) for name in BUCKETS},
        "cost": cost_of(row["cost"] for row in made),
        "latency_ms": _known_sum(row["latency_ms"] for row in made),
        "request_id": made[-1]["request_id"] if made else None,
        "model_served": served[-1] if served else None,
        "library_versions": json.dumps(dict(library_versions), sort_keys=True),
        "scored_at": scored_at,
    }


def attempt_row(
    spec: JudgeSpec,
    item: Item,
    reply: Reply,
    *,
    step: str,
    number: int,
    run_id: str,
    cost: Decimal | None,
    asked_at: datetime,
    batch: str | None = None,
) -> dict[str, Any]:
    """A row of ``JUDGE_CALLS``."""
    identity = (
        run_id,
        spec.spec_id,
        item.digest,
        item.repetition,
        step,
        number,
        asked_at.isoformat(),
    )
    tokens = reply.tokens
    return {
        "attempt_id": sha256(json.dumps(identity).encode()).hexdigest()[:32],
        "spec_id": spec.spec_id,
        "item_digest": item.digest,
        "repetition": item.repetition,
        "call_id": item.call_id,
        "step": step,
        "batch": batch,
        "outcome": reply.outcome,
        "reason": reply.detail,
        "model_served": reply.model_served,
        "input_tokens": _sum(tokens, ("uncached_input", "cache_read")),
        "output_tokens": _sum(tokens, ("output_text", "reasoning")),
        **{name: None if tokens is None else tokens.get(name, 0) for name in BUCKETS},
        "cost": None if cost is None else cost.quantize(_PICO),
        "request_id": reply.request_id,
        "asked_at": asked_at,
        "latency_ms": reply.latency_ms,
    }


def verdict_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """``JUDGE_LEDGER`` of ``rows``."""
    return JUDGE_LEDGER.require(pl.DataFrame(list(rows), schema=JUDGE_LEDGER.schema))


def attempt_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """``JUDGE_CALLS`` of ``rows``."""
    return JUDGE_CALLS.require(pl.DataFrame(list(rows), schema=JUDGE_CALLS.schema))


def cost_of(costs: Iterable[Decimal | None]) -> Decimal | None:
    """What attempts cost together, US dollars: the sum of what is known, null where nothing is.

    A refusal is known to cost nothing. Beside a reply whose cost is unknown that says nothing.
    """
    told = list(costs)
    known = [cost for cost in told if cost is not None]
    total = sum(known, Decimal(0))
    return total if total or len(known) == len(told) else None


def _known_sum(values: Iterable[Any]) -> Any:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum(tokens: Mapping[str, int] | None, buckets: tuple[str, ...]) -> int | None:
    return None if tokens is None else sum(tokens.get(bucket, 0) for bucket in buckets)
