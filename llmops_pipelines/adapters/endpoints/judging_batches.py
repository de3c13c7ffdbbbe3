"""Submitting judge requests in batches, over any batch endpoint.

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
from typing import IO, Any

import polars as pl

from llmops_pipelines.adapters.endpoints.batch_api import (
    ApiName,
    BatchApi,
    BatchRefusedError,
    BatchUnclearError,
    NoBatchApiError,
    Seen,
    Size,
)
from llmops_pipelines.adapters.endpoints.batch_apis import batches_at
from llmops_pipelines.adapters.endpoints.batch_book import Book, event_frame, seen_as
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging import (
    CALL_ID,
    MOST_TRIES,
    PENDING,
    Item,
    Job,
    Key,
    OverBudgetError,
    Price,
    Purse,
    Request,
    RubricJudge,
    Ruling,
    batch_key,
    custom_id,
    known_items,
    verdict_frame,
    verdict_row,
)
from llmops_pipelines.judging.execution.purse import Reservation
from llmops_pipelines.judging.ledger import attempt_frame
from llmops_pipelines.tables import JUDGE_BATCH_ITEMS

FILE = Size(10_000, 50 * 2**20)
"""What one file holds of ours, where the endpoint takes more: it is read into memory to be sent,
and so are its results; what comes back in parts also comes back sooner."""

SUBMIT_WITHIN = timedelta(minutes=30)
"""After its intention was written down; a process that was slower than that leaves it."""


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
                self.book.note(event_frame(event | seen_as(found), "submitted"))
        else:
            self.book.note(event_frame(event | seen_as(seen), "submitted"))
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


def _found(api: BatchApi, key: str, custom_ids: Sequence[str], since: datetime) -> Seen | None:
    """The batch that was submitted as ``key``, if the endpoint tells of one now."""
    try:
        return api.find(key, custom_ids, since)
    except BatchUnclearError:
        return None
