"""Collecting what batches of judge requests have brought, over any batch endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import metadata
from typing import Any

from llmops_pipelines.adapters.endpoints.batch_api import (
    BatchApi,
    BatchGoneError,
    BatchUnclearError,
    Seen,
)
from llmops_pipelines.adapters.endpoints.batch_book import Book, event_frame, seen_as
from llmops_pipelines.adapters.endpoints.judge_client import client_versions
from llmops_pipelines.judging import (
    LOST,
    BatchGains,
    BatchItem,
    BatchReplies,
    Price,
    Reply,
    batch_gains,
    verdict_frame,
)
from llmops_pipelines.judging.ledger import attempt_frame

GIVE_UP_AFTER = timedelta(hours=2)
"""An intention this old that the endpoint knows nothing of never became a batch."""

COMPLETES_WITHIN = timedelta(hours=24)
"""What endpoints promise, and batches are asked for."""

WAIT_FOR_THE_REST = timedelta(hours=24)
"""How long results that are shorter than the endpoint says are read again."""

GONE_AFTER = timedelta(hours=48)
"""A batch this old that the endpoint does not know any more will not come back."""

LEAVE_AFTER = timedelta(days=30)
"""Endpoints keep results no longer."""

_PICO = Decimal("0.000000000001")


@dataclass(frozen=True)
class Progress:
    """How a batch stands after a look at it.

    ``told`` is a sentence about it. ``ready`` says that results wait, ``over`` that nothing more is
    to be expected of it, ``faulty`` that it could not be looked at, or not be read as a whole.
    """

    batch: str
    state: str
    told: str
    ready: bool = False
    over: bool = False
    faulty: bool = False
    done: int = 0
    """Requests that the endpoint is done with."""
    total: int = 0
    """Requests in all."""


def look(row: Mapping[str, Any], api: BatchApi, book: Book, now: datetime) -> Progress:
    """How the open batch of ``row``, of `batch_states`, stands; nothing is collected.

    A batch that is only intended is looked up by our own id, and written down as submitted, or as
    dropped.
    """
    seen = _seen(row, api, book, now)
    return _standing(row, seen) if isinstance(seen, Seen) else seen


def collect(
    row: Mapping[str, Any], api: BatchApi, book: Book, price: Price, now: datetime
) -> Progress:
    """Take in what the open batch of ``row`` brings, and close it once nothing more can come.

    Results may come in any order, several times or not at all. Where they are fewer than the
    endpoint says it has, those that came are kept and the rest is read again later. Doing it twice,
    or in two processes, adds nothing.
    """
    seen = _seen(row, api, book, now)
    if not isinstance(seen, Seen):
        return seen
    if not seen.ended:
        return _standing(row, seen)
    replies = BatchReplies(_asked(book, row["batch"]))
    fault = _read_all(replies, api, seen)
    short = bool(fault or replies.damaged or replies.billable < (seen.answered or 0))
    # An endpoint that does not tell when a batch ended had a day for it.
    ended_at = seen.ended_at or row["at"] + COMPLETES_WITHIN
    patient = now - ended_at < WAIT_FOR_THE_REST
    gone = isinstance(fault, BatchGoneError) and now - row["at"] > GONE_AFTER
    if short and patient and not gone:
        _take_in(row, replies, book, price, now)
        told = _what_is_missing(replies, seen, fault)
        book.note(event_frame(row, "ended", at=now, **seen_as(seen) | {"detail": told}))
        return Progress(
            row["batch"], seen.state, f"{told}; read again later", ready=True, faulty=True
        )
    return _close(row, replies, seen, book, price, now, api)


def close_forgotten(row: Mapping[str, Any], book: Book, price: Price, now: datetime) -> Progress:
    """Close a batch that can no longer be asked about, once no endpoint would keep its results."""
    if now - row["at"] < LEAVE_AFTER:
        told = f"is at {row['base_url']}: set JUDGE_BASE_URL to that to collect it"
        return Progress(row["batch"], row["state"] or row["event"], told, faulty=True)
    seen = Seen(row["batch_id"] or "", "gone", ended=True)
    return _close(row, BatchReplies(_asked(book, row["batch"])), seen, book, price, now, None)


def _standing(row: Mapping[str, Any], seen: Seen) -> Progress:
    """How a batch stands, as the endpoint tells it."""
    done = (seen.answered or 0) + (seen.failed or 0)
    total = seen.total or row["requests"]
    told = f"{done:,} of {total:,} done"
    return Progress(row["batch"], seen.state, told, ready=seen.ended, done=done, total=total)


def _seen(row: Mapping[str, Any], api: BatchApi, book: Book, now: datetime) -> Seen | Progress:
    """What the endpoint says of a batch, or how it stands where the endpoint says nothing."""
    key, age = row["batch"], now - row["at"]
    try:
        if row["batch_id"]:
            return api.look(row["batch_id"])
        seen = api.find(key, book.items(key)["custom_id"].to_list(), row["at"])
    except BatchUnclearError as error:
        if age > LEAVE_AFTER or (isinstance(error, BatchGoneError) and age > GONE_AFTER):
            return Seen(row["batch_id"] or "", "gone", ended=True)
        return Progress(
            key, row["state"] or row["event"], f"cannot be looked at: {error}", faulty=True
        )
    if seen is None and age < GIVE_UP_AFTER:
        return Progress(key, "intended", "is not at the endpoint yet")
    if seen is None:
        detail = f"the endpoint knew nothing of it after {GIVE_UP_AFTER}"
        book.note(event_frame(row, "dropped", at=now, detail=detail))
        return Progress(key, "dropped", "never reached the endpoint", over=True)
    book.note(event_frame(row, "submitted", at=now, **seen_as(seen)))
    return seen


def batch_versions(api: str) -> dict[str, str]:
    """What takes part in a verdict of a batch: kept beside it, no part of the spec."""
    versions = {**client_versions(), "llmops_pipelines": metadata.version("llmops-pipelines")}
    return versions | {"batch_api": api}


def _asked(book: Book, batch: str) -> dict[str, BatchItem]:
    fields = ("custom_id", "spec_id", "item_digest", "repetition", "call_id")
    return {
        row["custom_id"]: BatchItem(**{name: row[name] for name in fields})
        for row in book.items(batch).iter_rows(named=True)
    }


def _read_all(replies: BatchReplies, api: BatchApi, seen: Seen) -> BatchUnclearError | None:
    """Read every result that can be had; why that is not all, or None."""
    try:
        for returned in api.results(seen):
            replies.add(returned)
    except BatchUnclearError as error:
        return error
    return None


def _what_is_missing(replies: BatchReplies, seen: Seen, fault: BatchUnclearError | None) -> str:
    """What of the results of an ended batch could not be read, in words."""
    damaged = f" ({replies.damaged:,} damaged line(s))" if replies.damaged else ""
    known = replies.billable if seen.answered is None else seen.answered
    return str(fault or f"{replies.billable:,} of {known:,} results could be read{damaged}")


def _take_in(
    row: Mapping[str, Any], replies: BatchReplies, book: Book, price: Price, now: datetime
) -> BatchGains:
    """Append what ``replies`` add to the ledger."""
    found = batch_gains(
        replies,
        book.judges({one.spec_id for one in replies.asked.values()}),
        book.known(replies.asked, row["batch"]),
        batch=row["batch"],
        intended_at=row["at"],
        now=now,
        price=price,
        library_versions=batch_versions(row["api"]),
    )
    if found.verdicts or found.attempts:
        book.append(verdict_frame(found.verdicts), attempt_frame(found.attempts))
    return found


def _close(
    row: Mapping[str, Any],
    replies: BatchReplies,
    seen: Seen,
    book: Book,
    price: Price,
    now: datetime,
    api: BatchApi | None,
) -> Progress:
    missing = replies.missing
    # What the endpoint answered may be billed, whether it reached us or not.
    unread = len(missing) if seen.answered is None else seen.answered - replies.billable
    lost = missing[: max(unread, 0)]
    for one in lost:
        replies.replies[one.custom_id] = Reply(LOST, detail="no result came back")
    found = _take_in(row, replies, book, price, now)
    unanswered = found.unanswered + sum(not one.is_canary for one in replies.missing)
    book.note(
        event_frame(
            row,
            "collected",
            at=now,
            batch_id=seen.batch_id or None,
            file_id=seen.input_file,
            state=seen.state,
            detail=seen.detail,
            verdicts=found.answered,
            unanswered=unanswered,
            lost=len(lost),
            paid_twice=found.paid_twice,
            repeated_lines=replies.repeated,
            unknown_lines=replies.unknown,
            damaged_lines=replies.damaged,
            cost=None if found.cost is None else found.cost.quantize(_PICO),
        )
    )
    if api and seen.input_file:
        api.clear(seen.input_file)
    told = f"{found.answered:,} verdicts, {unanswered:,} without one"
    if lost:
        told += f"; {len(lost):,} lost: answered there, and nothing readable came back"
    asked = len(replies.asked)
    return Progress(row["batch"], seen.state, told, over=True, done=asked, total=asked)
