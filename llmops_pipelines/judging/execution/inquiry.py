"""One item in front of one judge: its requests, with retries, repairs, money and records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeVar, cast

from llmops_pipelines.judging.execution.circuit import SLOW, Circuit
from llmops_pipelines.judging.execution.pace import Gate
from llmops_pipelines.judging.execution.purse import OverBudgetError, Purse, Reservation
from llmops_pipelines.judging.judges.exchange import Ask, Message, Price, Reply, Request
from llmops_pipelines.judging.judges.item import Item
from llmops_pipelines.judging.judges.replies import Ruling, UnreadableReplyError
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.ledger import attempt_row

Read = TypeVar("Read")

_REPAIR = (
    "That reply cannot be read: {fault}. Reply again with exactly one JSON object that fits the "
    "schema, without a code fence and without any other text."
)
_SHOWN_OF_A_BAD_REPLY = 4_000
_GRACE_S = 5.0
_TIMES_USUAL = 4
"""A reply that takes so many times as long as they usually take is not waited for."""
_LOOK_AGAIN_S = 0.02
"""How often a run looks whether another process has given back a place, or money."""


@dataclass(frozen=True)
class Limits:
    """How hard to try. Times in seconds.

    Waiting for the endpoint's pace does not count towards the item's deadline, only towards the
    run's. ``attempt_timeout_s`` is for an endpoint as fast as hosted ones are: a slower one is
    given more, as far as the item's deadline goes. A crash has at most ``concurrency +
    window_results`` items paid for again: those in flight, and those whose verdicts were not yet in
    the ledger.
    """

    concurrency: int = 64
    attempts: int = 8
    repairs: int = 2
    attempt_timeout_s: float = 60.0
    item_deadline_s: float = 300.0
    run_deadline_s: float = 6 * 3600.0
    backoff_s: float = 0.05
    backoff_most_s: float = 30.0
    dead_after: int = 8
    window_results: int = 64
    window_s: float = 10.0

    @property
    def patience(self) -> int:
        """Faults in a row, over all in flight, after which an endpoint that was there is left.

        By then everything in flight has waited for three seconds or more: it is no blip.
        """
        return 6 * self.concurrency

    @property
    def most_late(self) -> int:
        """Requests in a row without a reply in time after which an endpoint is left.

        All in flight may be late at once, and once more the few that are then still asked.
        """
        return self.concurrency + self.dead_after


class GaveUpError(Exception):
    """An item will get no verdict in this run. ``outcome`` and the message say why."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


@dataclass
class Conduct:
    """What all inquiries of a run share."""

    ask: Ask
    purse: Purse
    price: Price
    limits: Limits
    circuit: Circuit
    now: Callable[[], datetime]
    seed: int
    run_id: str
    gate: Gate = field(default_factory=Gate)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    ends_at: float = float("inf")
    """When the run's time is up, as the event loop counts."""
    likely_output: float = 200.0
    """Tokens of a reply, as they have been of late."""
    usual_s: float = 0.0
    """Seconds that a reply took, as they have been of late; 0 before the first."""
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever waits for a place holds it; the others wait behind, in order."""
    till: asyncio.Lock = field(default_factory=asyncio.Lock)
    """The same for money."""
    halves: Mapping[tuple[str, str, int], Ruling] = field(default_factory=dict)
    """`halves_of` the ledger: what need not be asked again."""

    def over(self) -> str | None:
        """Why nothing more is asked in this run, or None while it goes on."""
        if self.circuit.opened.is_set():
            return self.circuit.reason
        if asyncio.get_running_loop().time() < self.ends_at:
            return None
        return (
            f"the run's deadline of {self.limits.run_deadline_s:,.0f} s has passed; a later run "
            "takes up the rest"
        )

    def hear(self, reply: Reply) -> None:
        """Learn from a reply how fast the endpoint is, and whether it is there at all."""
        if reply.tokens is not None:
            self.likely_output += 0.1 * (_output(reply.tokens) - self.likely_output)
        if reply.late or (reply.outcome == "http_429" and reply.retry_after_s):
            self.gate.narrow()
        elif reply.answered:
            self.gate.widen()
            took = (reply.latency_ms or 0.0) / 1_000
            self.usual_s += (0.1 if self.usual_s else 1.0) * (took - self.usual_s)
        self.circuit.record(reply)

    async def look_again(self) -> None:
        """Wait until something changes here, or may have changed in another process."""
        self.settled.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self.settled.wait()


@dataclass
class Inquiry:
    """The requests made about one item, and the rows that record them."""

    conduct: Conduct
    spec: JudgeSpec
    item: Item
    record: Callable[[dict[str, Any]], None]
    deadline: float
    attempts: list[dict[str, Any]] = field(default_factory=list)
    late: int = 0
    """Requests that had no reply in time; each doubles the time that the next one has."""
    keep_half: Callable[[str, Ruling, Sequence[Mapping[str, Any]]], None] | None = None
    """Takes what was said of one order of a pair: prompt's digest, ruling, attempts."""

    async def ask(
        self,
        request: Request,
        read: Callable[[str], Read],
        *,
        step: str,
        heard: Callable[[Reply], None] | None = None,
        half: bool = False,
    ) -> Read:
        """What ``read`` makes of the judge's reply to ``request``.

        A reply that ``read`` cannot take is answered with what is wrong with it, ``repairs`` times
        at most: a judge that is malformed once in fifty is so twice in a row for one item of 2,500.
        ``heard`` is told each reply before its text is read. What is read of ``half`` a pair is
        kept, and taken from the ledger where an earlier run kept it.

        Raises:
            GaveUpError: No usable reply: refused, truncated or unreadable; attempts, time or money
                used up; endpoint dead.
        """
        if not half:
            return await self._answer(request, read, step, heard)
        digest = request.digest
        known = self.conduct.halves.get((self.spec.spec_id, digest, self.item.repetition))
        if known:
            return cast("Read", known)
        ruling = await self._answer(request, read, step, heard)
        if self.keep_half:
            self.keep_half(digest, cast("Ruling", ruling), self.attempts)
        return ruling

    async def _answer(
        self,
        request: Request,
        read: Callable[[str], Read],
        step: str,
        heard: Callable[[Reply], None] | None,
    ) -> Read:
        """What ``read`` makes of the first reply that it can take."""
        asked, repairs = request, self.conduct.limits.repairs
        for repair in range(repairs + 1):
            text = await self._reply(
                asked, step + ("", "/repair", f"/repair-{repair}")[min(repair, 2)], heard
            )
            try:
                return read(text)
            except UnreadableReplyError as error:
                fault = str(error)
                self._mark_unreadable(fault)
            asked = replace(
                request,
                messages=(
                    *request.messages,
                    Message("assistant", text[:_SHOWN_OF_A_BAD_REPLY]),
                    Message("user", _REPAIR.format(fault=fault)),
                ),
            )
        raise GaveUpError("unreadable", f"{repairs + 1} replies could not be read: {fault}")

    async def _reply(
        self, request: Request, step: str, heard: Callable[[Reply], None] | None
    ) -> str:
        """The text of the first reply worth reading."""
        limits = self.conduct.limits
        for number in range(1, limits.attempts + 1):
            reply = await self._attempt(request, step, number)
            if reply.outcome == "ok" and reply.text is not None:
                if heard:
                    heard(reply)
                return reply.text
            if reply.outcome == "refused":
                raise GaveUpError(
                    "refused", f"the judge declined: {reply.detail or 'no reason given'}"
                )
            if reply.outcome == "truncated":
                raise GaveUpError(
                    "unreadable",
                    f"truncated: the judge stopped at its limit of {request.max_tokens:,} tokens; "
                    "raise max_tokens of its rubric",
                )
            if not reply.retryable:
                raise GaveUpError("failed", f"{reply.outcome}: {reply.detail or 'no detail'}")
            if number < limits.attempts:
                await self._wait(number, reply)
        raise GaveUpError(
            "failed", f"{limits.attempts} attempts failed, the last with {reply.outcome}"
            + (f": {reply.detail}" if reply.detail else "")
        )  # fmt: skip

    async def _attempt(self, request: Request, step: str, number: int) -> Reply:
        conduct = self.conduct
        reservation = await self._reserve(request)
        try:
            expected, seconds = await self._enter(request)
        except BaseException:
            conduct.purse.release(reservation)
            conduct.settled.set()
            raise
        asked_at = conduct.now()
        used: int | None = None
        try:
            with self._recording_cancellation(reservation, step, number, asked_at):
                try:
                    async with asyncio.timeout(seconds + _GRACE_S):
                        reply = await conduct.ask(request, seconds)
                except TimeoutError:
                    reply = Reply("timeout", detail=f"no reply in {seconds:.0f} s", retryable=True)
            if reply.tokens is not None:
                used = sum(reply.tokens.values())
        finally:
            conduct.gate.leave(expected, used)
        conduct.hear(reply)
        self.late += reply.late
        if reply.retry_after_s:
            conduct.gate.pause(reply.retry_after_s)
        cost = self._cost(request, reply, reservation)
        self._settle(reservation, cost)
        self._note(reply, step, number, asked_at, cost)
        return reply

    async def _reserve(self, request: Request) -> Reservation:
        """Room in the purse, waiting for requests in flight to be settled where they hold it."""
        conduct = self.conduct
        most = conduct.price(
            request.model,
            {"uncached_input": request.most_input_tokens, "output_text": request.max_tokens},
        )
        async with conduct.till:
            while True:
                try:
                    reservation = conduct.purse.reserve(most)
                except OverBudgetError as error:
                    raise GaveUpError("over_budget", str(error)) from error
                if reservation is not None:
                    return reservation
                self._check_time()
                await conduct.look_again()

    async def _enter(self, request: Request) -> tuple[int, float]:
        """Wait until the endpoint may be asked; tokens reserved for it, and seconds it may take.

        Raises:
            GaveUpError: The endpoint is dead, the time is up, or it asked to wait for too long.
        """
        conduct = self.conduct
        gate, loop = conduct.gate, asyncio.get_running_loop()
        began = loop.time()
        expected = request.likely_input_tokens + round(conduct.likely_output)
        async with conduct.door:
            while (wait := gate.enter(expected)) is None:
                self._check_time()
                await conduct.look_again()
        try:
            self._check_time()
            while wait > 0:
                await self._stand_by(wait)
                wait = gate.pause_left()
            self.deadline += loop.time() - began
            usual = max(conduct.limits.attempt_timeout_s, _TIMES_USUAL * conduct.usual_s)
            return expected, min(usual * 2**self.late, self._seconds_left())
        except BaseException:
            gate.leave(expected, 0)
            raise

    async def _stand_by(self, seconds: float) -> None:
        """Wait ``seconds``, unless the endpoint turns out to be dead or the run's time is up."""
        limits = self.conduct.limits
        if (pause := self.conduct.gate.pause_left()) > limits.item_deadline_s:
            raise GaveUpError(
                "failed",
                f"the endpoint asked to be left alone for {pause:.0f} s, past the item's deadline "
                f"of {limits.item_deadline_s:.0f} s",
            )
        left = self.conduct.ends_at - asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, left)):
                await self.conduct.circuit.opened.wait()
        self._check_time()

    def _check_time(self) -> None:
        if reason := self.conduct.over():
            raise GaveUpError("failed", reason)

    def _settle(self, reservation: Reservation, cost: Decimal | None) -> None:
        self.conduct.purse.settle(reservation, cost)
        self.conduct.settled.set()

    def _cost(self, request: Request, reply: Reply, reservation: Reservation) -> Decimal | None:
        """US dollars of a reply: null where nothing tells, zero where nothing was billed."""
        if not reply.billable:
            return Decimal(0)
        if reservation.most is None or reply.tokens is None:
            return None
        price = self.conduct.price
        cost = price(reply.model_served or request.model, reply.tokens)
        return cost if cost is not None else price(request.model, reply.tokens)

    async def _wait(self, number: int, reply: Reply) -> None:
        """Back off before the next attempt, or as long as the endpoint asked for.

        Most faults pass at once, so the first wait is short; an outage takes longer, so each wait
        is three times the one before.
        """
        limits = self.conduct.limits
        backoff = min(limits.backoff_s * 3 ** (number - 1), limits.backoff_most_s)
        backoff *= 0.5 + 0.5 * _fraction(self.conduct.seed, self.item.digest, number)
        seconds = max(backoff, reply.retry_after_s or 0.0)
        if seconds >= self._seconds_left():
            raise GaveUpError(
                "failed",
                f"{reply.outcome}, and waiting {seconds:.0f} s would pass the item's deadline of "
                f"{limits.item_deadline_s:.0f} s" + (f". {SLOW}" if reply.late else ""),
            )
        try:
            async with asyncio.timeout(seconds):
                await self.conduct.circuit.opened.wait()
        except TimeoutError:
            return

    def _seconds_left(self) -> float:
        self._check_time()
        left = min(self.deadline, self.conduct.ends_at) - asyncio.get_running_loop().time()
        if left <= 0:
            limit = self.conduct.limits.item_deadline_s
            slow = f"; {self.late} request(s) had no reply in time. {SLOW}" if self.late else ""
            raise GaveUpError("failed", f"the item's deadline of {limit:.0f} s has passed{slow}")
        return left

    @contextmanager
    def _recording_cancellation(
        self, reservation: Reservation, step: str, number: int, asked_at: datetime
    ) -> Iterator[None]:
        """A request cut off by the end of the run may still be billed: it is put on record."""
        try:
            yield
        except asyncio.CancelledError:
            self._settle(reservation, None)
            self._note(Reply("cancelled"), step, number, asked_at, None)
            raise

    def _note(
        self,
        reply: Reply,
        step: str,
        number: int,
        asked_at: datetime,
        cost: Decimal | None,
    ) -> None:
        row = attempt_row(
            self.spec,
            self.item,
            reply,
            step=step,
            number=number,
            run_id=self.conduct.run_id,
            cost=cost,
            asked_at=asked_at,
        )
        self.attempts.append(row)
        self.record(row)

    def _mark_unreadable(self, fault: str) -> None:
        """The last attempt was answered, and the answer is of no use."""
        self.attempts[-1] |= {"outcome": "unreadable", "reason": fault}


def _output(tokens: Mapping[str, int]) -> int:
    return tokens.get("output_text", 0) + tokens.get("reasoning", 0)


def _fraction(*parts: object) -> float:
    """A number in [0, 1) that depends on ``parts`` alone: jitter that a test can repeat."""
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:6], "big") / 2**48
