"""Submitting judge requests in batches and collecting what they bring, over any batch endpoint.

What happens is written down in this order, so that a crash at any point loses nothing that is paid
for and sends nothing twice: the requests of a batch, the intention to submit it, that it was
submitted, the verdicts, that it was collected. Where requests are uploaded first, the intention
comes after that: a file of which no batch was made costs nothing, so a crash while it goes up needs
no looking up. An intention without the next step is looked up at
the endpoint under our own id; it is given up only once nobody can be submitting it any more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import metadata
from typing import IO, Any, Protocol

import polars as pl

from llmops_pipelines.adapters.batch_api import (
    ApiName,
    BatchApi,
    BatchGoneError,
    BatchRefusedError,
    BatchUnclearError,
    NoBatchApiError,
    Seen,
    Size,
)
from llmops_pipelines.adapters.batch_apis import batches_at
from llmops_pipelines.adapters.judge_client import Endpoint, client_versions
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging import (
    CALL_ID,
    LOST,
    MOST_TRIES,
    PENDING,
    BatchGains,
    BatchItem,
    BatchReplies,
    Item,
    Job,
    Key,
    KnownOfBatch,
    OverBudgetError,
    Price,
    Purse,
    Reply,
    Request,
    RubricJudge,
    Ruling,
    batch_gains,
    batch_key,
    custom_id,
    known_items,
    verdict_frame,
    verdict_row,
)
from llmops_pipelines.judging.ledger import attempt_frame
from llmops_pipelines.judging.purse import Reservation
from llmops_pipelines.tables import JUDGE_BATCH_ITEMS, JUDGE_BATCHES

FILE = Size(10_000, 50 * 2**20)
"""What one file holds of ours, where the endpoint takes more: it is read into memory to be sent,
and so are its results; what comes back in parts also comes back sooner."""

SUBMIT_WITHIN = timedelta(minutes=30)
"""After its intention was written down; a process that was slower than that leaves it."""

GIVE_UP_AFTER = timedelta(hours=2)
"""An intention this old that the endpoint knows nothing of never became a batch."""

WAIT_FOR_THE_REST = timedelta(hours=24)
"""How long results that are shorter than the endpoint says are read again."""

GONE_AFTER = timedelta(hours=48)
"""A batch this old that the endpoint does not know any more will not come back."""

LEAVE_AFTER = timedelta(days=30)
"""Endpoints keep results no longer."""

_PICO = Decimal("0.000000000001")


class Book(Protocol):
    """Where batches of one day's calls are written down, and the ledger they feed."""

    def items(self, batch: str) -> pl.DataFrame:
        """``JUDGE_BATCH_ITEMS`` of one batch."""
        ...

    def judges(self, spec_ids: Iterable[str]) -> dict[str, RubricJudge]:
        """The judges of these specs, by id."""
        ...

    def known(self, asked: Mapping[str, BatchItem], batch: str) -> KnownOfBatch:
        """What the ledger holds of these requests."""
        ...

    def keep_items(self, items: pl.DataFrame, batch: str) -> None:
        """Write down the requests of a batch."""
        ...

    def note(self, event: pl.DataFrame) -> bool:
        """Write down one row of ``JUDGE_BATCHES``; False if it stands there already."""
        ...

    def append(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        """Append to the ledger, at once and for good."""
        ...


# Submitting


@dataclass
class _File:
    """One file that is being filled."""

    handle: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    size: int = 0
    requests: dict[str, tuple[RubricJudge, Item]] = field(default_factory=dict)
    reservations: list[Reservation] = field(default_factory=list)
    judges: set[str] = field(default_factory=set)
    """Specs that ask in it."""

    @property
    def items(self) -> int:
        """Requests that are about items, not about canaries."""
        return sum(item.call_id != CALL_ID for _, item in self.requests.values())

    @property
    def reserved(self) -> Decimal | None:
        """Most it may cost; None where that is not known of any of its requests."""
        known = [one.most for one in self.reservations if one.most is not None]
        return sum(known, Decimal(0)) if len(known) == len(self.reservations) else None

    def add(
        self, name: str, line: bytes, judge: RubricJudge, item: Item, room: Reservation
    ) -> None:
        """Write one request."""
        self.handle.write(line)
        self.size += len(line)
        self.requests[name] = (judge, _without_texts(item))
        self.judges.add(judge.spec.spec_id)
        self.reservations.append(room)


class _ElsewhereError(Exception):
    """Another process is submitting the same requests, or has."""


@dataclass
class Submission:
    """Puts jobs into batches; see `post`."""

    api_name: ApiName
    book: Book
    purse: Purse
    price: Price
    now: Callable[[], datetime]
    ended: int
    """Batches of the day that are over."""
    tries: Mapping[Key, int] = field(default_factory=dict)
    """How often a content was part of a batch that is over."""
    canaries: bool = True
    """Whether a canary goes with every file."""
    hear: Callable[[dict[str, Any]], None] | None = None
    """Takes the rows that `post` would else return all together, as they come."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """Batches that hold what was posted, whoever submitted them."""
    refusals: list[BatchRefusedError] = field(default_factory=list)

    def post(
        self, jobs: Iterable[Job], endpoint: Endpoint
    ) -> tuple[list[Job], list[dict[str, Any]]]:
        """Submit what one request settles; the jobs that it does not, and rows of all others.

        Money for a whole file is set aside before it is submitted, for replies of full length: what
        finds no room is ``over_budget``, and a later run takes it up.
        """
        self.endpoint, self.api = endpoint, batches_at(endpoint, self.api_name)
        others: list[Job] = []
        self.rows = []
        file: _File | None = None
        full: str | None = None
        for judge, item in jobs:
            if not isinstance(judge, RubricJudge) or not judge.asks_once:
                others.append((judge, item))
            elif reason := judge.inapplicable(item):
                self._say(judge, item, Ruling("not_applicable", None, reason))
            elif (
                self.tries.get((judge.spec.spec_id, item.digest, item.repetition), 0) >= MOST_TRIES
            ):
                self._say(judge, item, _tried_enough())
            elif full:
                self._say(judge, item, Ruling("over_budget", None, full))
            elif isinstance(refusal := next(iter(self.refusals), None), NoBatchApiError):
                self._say(judge, item, _no_batch(refusal))
            else:
                file, full = self._put(file, judge, item)
                if full:
                    self._say(judge, item, Ruling("over_budget", None, full))
        if file:
            self._send(file)
        final = [row for row in self.rows if row["outcome"] == "not_applicable"]
        if final:
            self.book.append(verdict_frame(final), attempt_frame([]))
        return others, self.rows

    def _put(
        self, file: _File | None, judge: RubricJudge, item: Item
    ) -> tuple[_File | None, str | None]:
        """Add a request, after the judge's first its canaries; why there is no money for it."""
        name = custom_id(judge.spec.spec_id, item.digest, item.repetition)
        if file and name in file.requests:
            # It says what the canary says: one request serves, and its verdict is the item's.
            file.requests[name] = (judge, _without_texts(item))
            return file, None
        line = self.api.line(name, judge.request(item))
        if len(line) > self.api.size.bytes:
            fault = f"too_long: its request has {len(line):,} bytes, a batch takes "
            limit = f"{self.api.size.bytes:,}"
            self._say(judge, item, Ruling("failed", None, fault + limit))
            return file, None
        most = self.api.size
        is_first = file is None or judge.spec.spec_id not in file.judges
        canaries = known_items(judge.spec) if self.canaries and is_first else ()
        needed = 1 + len(canaries)
        if file and (
            len(file.requests) + needed > min(most.requests, FILE.requests)
            or file.size + len(line) > min(most.bytes, FILE.bytes)
        ):
            self._send(file)
            return self._put(None, judge, item)
        room, fault = self._room(judge.request(item))
        if room is None:
            return file, fault
        file = file or _File()
        file.add(name, line, judge, item, room)
        for known in canaries:
            self._put_canary(file, judge, known.item)
        return file, None

    def _put_canary(self, file: _File, judge: RubricJudge, canary: Item) -> None:
        """Add an item whose verdict is known, where there is room for it."""
        request = judge.request(canary)
        name = custom_id(judge.spec.spec_id, canary.digest)
        line = self.api.line(name, request)
        if name in file.requests or file.size + len(line) > self.api.size.bytes:
            return
        room, _ = self._room(request)
        if room is not None:
            file.add(name, line, judge, canary, room)

    def _room(self, request: Request) -> tuple[Reservation | None, str]:
        counter = counter_of(request.model)
        tokens_in = (
            request.most_counted_tokens(counter.count) if counter else request.most_input_tokens
        )
        tokens = {"uncached_input": tokens_in, "output_text": request.max_tokens}
        try:
            room = self.purse.reserve(self.price(request.model, tokens))
        except OverBudgetError as error:
            return None, str(error)
        return room, (
            f"the caps leave no room in its batch ({self.purse.caps}): requests are held at "
            "replies of full length until they are collected"
        )

    def _send(self, file: _File) -> None:
        """Submit one file, unless another process is about to submit the same."""
        if not file.items:
            return self._return(file)
        key = batch_key(file.requests, base_url=self.endpoint.base_url, ended=self.ended)
        event: dict[str, Any] = {
            "batch": key,
            "at": self.now(),
            "api": self.api.name,
            "endpoint": self.endpoint.name,
            "base_url": self.endpoint.base_url,
            "model": self.endpoint.model,
            "requests": len(file.requests),
            "reserved": file.reserved,
        }
        self.book.keep_items(_item_frame(file, key), key)
        intended = False

        def intend() -> bool:
            nonlocal intended
            event["at"] = self.now()
            intended = self.book.note(event_frame(event, "intended"))
            return intended

        def ready() -> None:
            if not intended and not intend():
                raise _ElsewhereError
            if self.now() - event["at"] > SUBMIT_WITHIN:
                raise BatchRefusedError(f"it could not be submitted within {SUBMIT_WITHIN}")

        try:
            seen = self.api.submit(file.handle, key, ready)
        except _ElsewhereError:
            self._return(file)
            return self._wait(file, key)
        except BatchRefusedError as error:
            self.refusals.append(error)
            if intended or intend():
                self.book.note(event_frame(event | {"detail": str(error)[:500]}, "dropped"))
            self._return(file)
            for judge, item in file.requests.values():
                self._say(judge, item, _no_batch(error))
            return None
        except BatchUnclearError:
            found = _found(self.api, key, list(file.requests), event["at"])
            if found:
                self.book.note(event_frame(event | _of(found), "submitted"))
        else:
            self.book.note(event_frame(event | _of(seen), "submitted"))
        # Booked in full: what it really costs is known once it is collected.
        for room in file.reservations:
            self.purse.settle(room, None)
        file.handle.close()
        return self._wait(file, key)

    def _return(self, file: _File) -> None:
        for room in file.reservations:
            self.purse.release(room)
        file.handle.close()

    def _wait(self, file: _File, key: str) -> None:
        self.made.append(key)
        for judge, item in file.requests.values():
            self._say(judge, item, pending(key))

    def _say(self, judge: RubricJudge, item: Item, ruling: Ruling) -> None:
        if item.call_id == CALL_ID:
            return
        row = verdict_row(
            judge.spec, item, ruling, attempts=(), scored_at=self.now(), library_versions={}
        )
        (self.hear or self.rows.append)(row)


def _without_texts(item: Item) -> Item:
    """What is known of ``item`` once its request is written: a file may hold 50,000 of them."""
    return Item(item.call_id, item.digest, "", "", (), repetition=item.repetition)


def pending(batch: str) -> Ruling:
    """What an item ends with that waits in ``batch``."""
    return Ruling(PENDING, None, f"waits in batch {batch}")


def _no_batch(why: BatchRefusedError) -> Ruling:
    return Ruling("failed", None, f"no batch was made: {why}")


def _tried_enough() -> Ruling:
    return Ruling(
        "failed",
        None,
        f"{MOST_TRIES} batches ended without a verdict on it; to have it asked by itself, judge it "
        "without batches (an empty LLMOPS_JUDGE_BATCH, or `llmops score` without --batch)",
    )


def _item_frame(file: _File, key: str) -> pl.DataFrame:
    rows = [
        {
            "batch": key,
            "custom_id": name,
            "spec_id": judge.spec.spec_id,
            "item_digest": item.digest,
            "repetition": item.repetition,
            "call_id": item.call_id,
        }
        for name, (judge, item) in file.requests.items()
    ]
    return JUDGE_BATCH_ITEMS.require(pl.DataFrame(rows, schema=JUDGE_BATCH_ITEMS.schema))


def event_frame(row: Mapping[str, Any], event: str, **more: Any) -> pl.DataFrame:
    """One row of ``JUDGE_BATCHES``."""
    names = JUDGE_BATCHES.schema.names()
    full: dict[str, Any] = dict.fromkeys(names) | dict(row) | more | {"event": event}
    schema = JUDGE_BATCHES.schema
    return JUDGE_BATCHES.require(pl.DataFrame([{n: full[n] for n in names}], schema=schema))


def _of(seen: Seen) -> dict[str, Any]:
    return {
        "batch_id": seen.batch_id,
        "file_id": seen.input_file,
        "state": seen.state,
        "detail": seen.detail,
    }


def _found(api: BatchApi, key: str, custom_ids: Sequence[str], since: datetime) -> Seen | None:
    """The batch that was submitted as ``key``, if the endpoint tells of one now."""
    try:
        return api.find(key, custom_ids, since)
    except BatchUnclearError:
        return None


# Collecting


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
    patient = now - (seen.ended_at or now) < WAIT_FOR_THE_REST
    gone = isinstance(fault, BatchGoneError) and now - row["at"] > GONE_AFTER
    if short and patient and not gone:
        _take_in(row, replies, book, price, now)
        told = fault or f"{replies.billable:,} of {seen.answered:,} results could be read"
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
    book.note(event_frame(row, "submitted", at=now, **_of(seen)))
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
    lost = missing if seen.answered is None else missing[: seen.answered - replies.billable]
    if seen.answered is not None and seen.answered <= replies.billable:
        lost = []
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
    asked = len(replies.asked)
    return Progress(row["batch"], seen.state, told, over=True, done=asked, total=asked)
