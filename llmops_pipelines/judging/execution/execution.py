"""The executor: items in front of judges, many at once, each ending in exactly one outcome."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl

from llmops_pipelines.judging.execution.inquiry import Conduct, GaveUpError, Inquiry, Limits
from llmops_pipelines.judging.judges.item import Item
from llmops_pipelines.judging.judges.judges import Judge
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.ledger import (
    FINAL,
    HALF,
    attempt_frame,
    cost_of,
    verdict_frame,
    verdict_row,
)

OnResults = Callable[[pl.DataFrame, pl.DataFrame], None]
"""Appends rows of ``JUDGE_LEDGER`` and ``JUDGE_CALLS`` to the ledger, at once and for good."""

Job = tuple[Judge, Item]

Attempts = Sequence[Mapping[str, Any]]
"""``JUDGE_CALLS`` rows of one item."""

_PACK = 1_000
"""Rows that are put into one frame."""


@dataclass
class Tally:
    """What a run came to."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many items ended how, by metric and outcome."""
    calls: int = 0
    faults: int = 0
    uncosted: int = 0
    """Calls that may have been billed, at an unknown cost."""
    _spent: Decimal = Decimal(0)
    _packed: list[pl.DataFrame] = field(default_factory=list)
    _loose: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cost(self) -> Decimal | None:
        """US dollars that are known to have been spent; null where nothing is known of any call."""
        return cost_of([self._spent, *([None] if self.uncosted else [])])

    @property
    def unfinished(self) -> pl.DataFrame:
        """``JUDGE_LEDGER`` rows of items that a later run will try again."""
        return pl.concat([*self._packed, verdict_frame(self._loose)])

    def add(self, row: dict[str, Any]) -> None:
        """Count one item."""
        self.outcomes[row["metric"], row["outcome"]] += 1
        if row["outcome"] in FINAL:
            return
        self._loose.append(row)
        if len(self._loose) == _PACK:
            # A row of a frame takes a tenth of the memory; where money runs out, there are many.
            self._packed.append(verdict_frame(self._loose))
            self._loose.clear()

    def add_attempts(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count attempts and what is known of their cost."""
        for row in rows:
            self.calls += 1
            self.faults += row["outcome"] != "ok"
            if row["cost"] is None:
                self.uncosted += 1
            else:
                self._spent += row["cost"]


@dataclass
class _Window:
    """Results that are not yet in the ledger: what a crash would lose.

    ``room`` has a place for every item that is paid for, or about to be, without being recorded.
    """

    on_results: OnResults
    tally: Tally
    conduct: Conduct
    library_versions: Mapping[str, str]
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Open it."""
        self.room = asyncio.Semaphore(self.limits.concurrency + self.limits.window_results)

    @property
    def limits(self) -> Limits:
        """How hard to try, and how much may wait here."""
        return self.conduct.limits

    def add(self, spec: JudgeSpec, item: Item, ruling: Ruling, attempts: Attempts) -> None:
        """Count an item, and keep its verdict until it is handed over."""
        row = self._row(spec, item, ruling, attempts)
        self.tally.add(row)
        if row["outcome"] not in FINAL:  # no verdict, and so no loss
            self.room.release()
            return
        self.verdicts.append(row)
        if self._has_enough:
            self._enough.set()

    def add_half(
        self, spec: JudgeSpec, item: Item, digest: str, ruling: Ruling, attempts: Attempts
    ) -> None:
        """Keep one order of a pair, under the digest of its prompt."""
        half = replace(ruling, outcome=HALF)
        self.verdicts.append(self._row(spec, replace(item, digest=digest), half, attempts))

    def _row(
        self, spec: JudgeSpec, item: Item, ruling: Ruling, attempts: Attempts
    ) -> dict[str, Any]:
        return verdict_row(
            spec,
            item,
            ruling,
            attempts=attempts,
            scored_at=self.conduct.now(),
            library_versions=self.library_versions,
        )

    async def empty(self) -> None:
        """Hand over, again and again, whenever enough has gathered or time is up."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limits.window_s):
                    await self._enough.wait()
            # Cut off half-way, it would be handed over again at the end.
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Hand over what has gathered; it is kept until the ledger has taken it."""
        async with self._lock:
            verdicts, attempts = list(self.verdicts), list(self.attempts)
            if not (verdicts or attempts):
                return
            await asyncio.to_thread(self._hand_over, verdicts, attempts)
            del self.verdicts[: len(verdicts)], self.attempts[: len(attempts)]
            self.tally.add_attempts(attempts)
            for _ in verdicts:
                self.room.release()
            # What came meanwhile was counted together with what was being handed over.
            if not self._has_enough:
                self._enough.clear()

    @property
    def _has_enough(self) -> bool:
        """Whether so many wait that there is just time to record them before work has to stop."""
        return 4 * len(self.verdicts) >= 3 * self.limits.window_results

    def _hand_over(self, verdicts: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> None:
        """Off the event loop: making frames and files takes longer than many replies."""
        self.on_results(verdict_frame(verdicts), attempt_frame(attempts))


async def execute(
    jobs: Iterable[Job],
    conduct: Conduct,
    on_results: OnResults,
    *,
    library_versions: Mapping[str, str],
) -> Tally:
    """Let every job's judge rule on its item, at most ``limits.concurrency`` at once.

    ``on_results`` is called from another thread, one call at a time, every ``window_results``
    verdicts at most or ``window_s`` seconds, and at the end, whatever ends the run. Where it is
    slow the run waits, so that at no moment more than ``concurrency + window_results`` items are
    paid for, or about to be, and not in the ledger. Jobs are drawn one by one, so an iterator of
    any length takes no memory.

    Raises:
        Exception: Whatever ``on_results`` raises: spending that cannot be recorded stops.
    """
    tally = Tally()
    window = _Window(on_results, tally, conduct, library_versions)
    conduct.ends_at = asyncio.get_running_loop().time() + conduct.limits.run_deadline_s
    queue = iter(jobs)
    try:
        async with asyncio.TaskGroup() as group:
            emptying = group.create_task(window.empty())
            async with asyncio.TaskGroup() as workers:
                for _ in range(conduct.limits.concurrency):
                    workers.create_task(_work(queue, window))
            emptying.cancel()
    except BaseExceptionGroup as group_error:
        raise _first(group_error) from group_error
    finally:
        await asyncio.shield(window.flush())
    return tally


async def _work(queue: Iterator[Job], window: _Window) -> None:
    conduct = window.conduct
    while True:
        await window.room.acquire()
        if (job := next(queue, None)) is None:
            window.room.release()
            return
        judge, item = job
        inquiry = Inquiry(
            conduct=conduct,
            spec=judge.spec,
            item=item,
            record=window.attempts.append,
            deadline=asyncio.get_running_loop().time() + conduct.limits.item_deadline_s,
            keep_half=partial(window.add_half, judge.spec, item),
        )
        ruling = await _rule(judge, item, inquiry)
        window.add(judge.spec, item, ruling, inquiry.attempts)


async def _rule(judge: Judge, item: Item, inquiry: Inquiry) -> Ruling:
    """The one outcome of an item; what goes wrong with it is its own affair, not the run's."""
    if reason := judge.inapplicable(item):
        return Ruling("not_applicable", None, reason)
    if reason := inquiry.conduct.over():
        return Ruling("failed", None, reason)
    try:
        ruling = await judge.rule(item, inquiry.ask)
    except GaveUpError as error:
        return Ruling(error.outcome, None, error.reason)
    except Exception as error:
        return Ruling("failed", None, f"{type(error).__name__}: {error}"[:500])
    if ruling.score is not None and not 0 <= ruling.score <= 1:
        return Ruling("unreadable", None, f"the score {ruling.score} is not between 0 and 1")
    return ruling


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real error in a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
