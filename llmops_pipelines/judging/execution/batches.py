"""Judging in batches: what waits where, and what the lines that come back make of it.

An item whose batch is open waits: nobody asks about it again. A batch is open from the moment it is
intended until it is collected, or known never to have reached the endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import polars as pl

from llmops_pipelines.judging.execution.canaries import CALL_ID, MISSED, STEP, known_items
from llmops_pipelines.judging.execution.purse import Spent
from llmops_pipelines.judging.judges.exchange import Price, Reply
from llmops_pipelines.judging.judges.item import Item
from llmops_pipelines.judging.judges.judges import VERDICT, RubricJudge
from llmops_pipelines.judging.judges.replies import Ruling, UnreadableReplyError
from llmops_pipelines.judging.ledger import LEDGER_KEY, attempt_row, cost_of, verdict_row

MOST_TRIES = 3
"""Batches that may end without a verdict on an item before it is left to people."""

Key = tuple[str, str, int]
"""Judge, content and repetition, as the ledger counts them: `LEDGER_KEY`."""

LOST = "lost"
"""The outcome of a request that the endpoint says it answered, and of which nothing came back."""

_OPEN = ("intended", "submitted", "cancelled", "ended")
_STATES = (*_OPEN, "dropped", "collected")


def custom_id(spec_id: str, item_digest: str, repetition: int = 0) -> str:
    """The name of a request in a batch: the same for the same judge, content and repetition."""
    return sha256(f"{spec_id}:{item_digest}:{repetition}".encode()).hexdigest()[:32]


def batch_key(custom_ids: Iterable[str], *, base_url: str, ended: int) -> str:
    """The id of a batch, made before it is sent.

    Two processes that are about to send the same requests make the same id, and the one that is
    second to write it down knows that it is. ``ended`` counts the batches that are over, so that
    what came back without a verdict can be asked again under another id.
    """
    parts = json.dumps([base_url, ended, sorted(custom_ids)])
    return sha256(parts.encode()).hexdigest()[:32]


def batch_states(events: pl.DataFrame) -> pl.DataFrame:
    """The latest of each batch: one row per batch with all columns of ``JUDGE_BATCHES``.

    ``event`` is how far it got, ``at`` when it was intended; what later events tell is filled in.
    What could not be read of an ended batch is forgotten once it is collected.
    """
    rank = pl.col("event").replace_strict(
        {state: number for number, state in enumerate(_STATES)}, return_dtype=pl.Int8
    )
    told = [name for name in events.columns if name not in ("batch", "at")]
    collected = (pl.col("event") == "collected").any().over("batch")
    detail = pl.when(~(collected & (pl.col("event") == "ended"))).then("detail")
    return (
        events.with_columns(detail.alias("detail"))
        .sort(rank)
        .group_by("batch", maintain_order=True)
        .agg(pl.col("at").first(), *(pl.col(name).drop_nulls().last() for name in told))
        .select(events.columns)
        .sort("at", "batch")
    )


def open_batches(states: pl.DataFrame) -> pl.DataFrame:
    """The rows of `batch_states` of batches that are not over."""
    return states.filter(pl.col("event").is_in(_OPEN))


def waiting_items(items: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``JUDGE_BATCH_ITEMS`` that wait in open batches; canaries are none."""
    return items.join(open_batches(states), on="batch", how="semi").filter(
        pl.col("call_id") != CALL_ID
    )


def tries_in_batches(items: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """How many collected batches each content was part of: `LEDGER_KEY` and ``tries``.

    As a canary it goes with every file, which is no try of an item that says the same.
    """
    over = states.filter(pl.col("event") == "collected")
    return (
        items.filter(pl.col("call_id") != CALL_ID)
        .join(over, on="batch", how="semi")
        .group_by(LEDGER_KEY)
        .agg(tries=pl.len().cast(pl.Int64))
    )


def held_in_batches(events: pl.DataFrame, now: datetime) -> Spent:
    """What batches of the UTC day of ``now`` may still cost: their spending is not known yet."""
    midnight = datetime.combine(now.date(), time())
    today = open_batches(batch_states(events)).filter(
        pl.col("at").is_between(midnight, midnight + timedelta(days=1), closed="left")
    )
    unpriced = today.filter(pl.col("reserved").is_null())["requests"].sum()
    return Spent(Decimal(today["reserved"].sum() or 0), int(unpriced))


@dataclass(frozen=True)
class Returned:
    """One line of a result file: which request, and its reply; no request where it is damaged."""

    custom_id: str | None
    reply: Reply


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch: a row of ``JUDGE_BATCH_ITEMS``."""

    custom_id: str
    spec_id: str
    item_digest: str
    repetition: int
    call_id: str

    @property
    def key(self) -> Key:
        """As the ledger counts."""
        return (self.spec_id, self.item_digest, self.repetition)

    @property
    def is_canary(self) -> bool:
        """Whether its verdict is known."""
        return self.call_id == CALL_ID


@dataclass
class BatchReplies:
    """The best reply to each request of a batch, and the lines that are of no use."""

    asked: Mapping[str, BatchItem]
    replies: dict[str, Reply] = field(default_factory=dict)
    repeated: int = 0
    unknown: int = 0
    damaged: int = 0

    def add(self, returned: Returned) -> None:
        """Take one line; of several about a request the first that answers it counts."""
        name, reply = returned.custom_id, returned.reply
        if name is None:
            self.damaged += 1
        elif name not in self.asked:
            self.unknown += 1
        elif (known := self.replies.get(name)) is None:
            self.replies[name] = reply
        else:
            self.repeated += 1
            if reply.answered and not known.answered:
                self.replies[name] = reply

    @property
    def billable(self) -> int:
        """Requests that the endpoint answered, usefully or not."""
        return sum(reply.billable for reply in self.replies.values())

    @property
    def missing(self) -> list[BatchItem]:
        """Requests of which nothing came back."""
        return [one for name, one in self.asked.items() if name not in self.replies]


@dataclass(frozen=True)
class KnownOfBatch:
    """What the ledger holds of a batch's requests."""

    verdicts: frozenset[Key] = frozenset()
    """Contents that have a verdict by now, wherever it came from."""
    answered_elsewhere: frozenset[Key] = frozenset()
    """Contents that a judge answered outside of this batch."""
    unreadable_elsewhere: frozenset[Key] = frozenset()
    """Contents on which a reply outside of this batch could not be read."""
    attempts: frozenset[str] = frozenset()
    """Attempts that are on record already."""


@dataclass
class BatchGains:
    """Rows for the ledger, and what became of the requests."""

    verdicts: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    unanswered: int = 0
    paid_twice: int = 0
    costs: list[Decimal | None] = field(default_factory=list)
    """Of every reply, on record already or not."""

    @property
    def cost(self) -> Decimal | None:
        """Dollars of all replies, as far as they are known."""
        return cost_of(self.costs)


def batch_gains(
    replies: BatchReplies,
    judges: Mapping[str, RubricJudge],
    known: KnownOfBatch,
    *,
    batch: str,
    intended_at: datetime,
    now: datetime,
    price: Price,
    library_versions: Mapping[str, str],
) -> BatchGains:
    """What ``replies`` add to the ledger; what is on record already adds nothing.

    A reply that cannot be read is no verdict the first time: the item is asked again by a later
    run. The second time it is, as it would be after a repair.

    Args:
        replies: Of one batch; a request whose reply is still to come has none.
        judges: By spec id, those of all requests.
        known: What the ledger holds.
        batch: Its id.
        intended_at: When it was about to be sent: its spending belongs to that day.
        now: When verdicts are given.
        price: Of a batch.
        library_versions: Kept beside verdicts.
    """
    found = BatchGains()
    canaries = {
        (canary.spec.spec_id, canary.item.digest): canary
        for judge in judges.values()
        for canary in known_items(judge.spec)
    }
    for name, reply in replies.replies.items():
        asked = replies.asked[name]
        judge = judges[asked.spec_id]
        item = Item(asked.call_id, asked.item_digest, "", "", (), repetition=asked.repetition)
        ruling, outcome = _ruling(judge, reply)
        row = attempt_row(
            judge.spec,
            item,
            reply,
            step=f"{STEP}{VERDICT}" if asked.is_canary else VERDICT,
            number=1,
            run_id=batch,
            cost=_cost(reply, judge.spec.model, price),
            asked_at=intended_at,
            batch=batch,
        )
        row["outcome"] = outcome
        verdict = verdict_row(
            judge.spec,
            item,
            ruling,
            attempts=[row],
            scored_at=now,
            library_versions=library_versions,
        )
        if asked.is_canary:
            # One that left the rubric while its batch was out is held against nothing.
            canary = canaries.get((asked.spec_id, asked.item_digest))
            if reply.answered and canary and not canary.came_back(verdict):
                row["outcome"] = MISSED
        elif ruling.outcome == "failed" or (
            outcome == "unreadable" and asked.key not in known.unreadable_elsewhere
        ):
            found.unanswered += 1
        else:
            found.answered += 1
            found.paid_twice += asked.key in known.answered_elsewhere
            if asked.key not in known.verdicts:
                found.verdicts.append(verdict)
        found.costs.append(row["cost"])
        if row["attempt_id"] not in known.attempts:
            found.attempts.append(row)
    return found


def _ruling(judge: RubricJudge, reply: Reply) -> tuple[Ruling, str]:
    """The ruling in ``reply``, and the outcome of the attempt that brought it."""
    match reply.outcome:
        case "ok":
            try:
                ruling = judge.read_reply(reply)
            except UnreadableReplyError as error:
                fault = f"two replies could not be read: {error}"
                return Ruling("unreadable", None, fault), "unreadable"
            return ruling, "ok"
        case "refused":
            reason = f"the judge declined: {reply.detail or 'no reason given'}"
            return Ruling("refused", None, reason), "refused"
        case "truncated":
            reason = (
                "truncated: the judge stopped at its limit of tokens; raise max_tokens of its "
                "rubric"
            )
            return Ruling("unreadable", None, reason), "truncated"
        case outcome:
            return Ruling("failed", None, reply.detail), outcome


def _cost(reply: Reply, model: str, price: Price) -> Decimal | None:
    """US dollars of a reply: null where nothing tells, zero where nothing was billed."""
    if not reply.billable:
        return Decimal(0)
    if reply.tokens is None:
        return None
    cost = price(reply.model_served or model, reply.tokens)
    return cost if cost is not None else price(model, reply.tokens)
