"""Money and pace shared by every process that judges on this machine: a small SQLite file.

`SharedPurse` and `SharedGate` do what ``Purse`` and ``Gate`` do, on figures that they read and
write in one transaction. A process holds a lock file while it lives; what a dead one had on its way
counts as spent, and its places are free again. Where files cannot be locked nobody counts as dead.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import IO
from uuid import uuid4

from llmops_pipelines.judging import Caps, Gate, Pace, Purse, Reservation, Spent

_KEPT_DAYS = 40
_BUSY_S = 30.0
_LOOK_FOR_THE_DEAD_S = 1.0
_TELL_S = 0.1
"""How long the others may take what is settled for what is still on its way."""
_AHEAD = 16
"""Requests for which money is set aside at once, far from the caps."""
_FAR = 8
"""Far from the caps is where what is set aside ahead fits in so many times."""

_SCHEMA = """
create table if not exists spent(
    day text, run text, pico integer not null default 0, calls integer not null default 0,
    primary key (day, run)) without rowid;
create index if not exists spent_by_run on spent(run);
create table if not exists held(
    holder text, run text, day text, pico integer not null default 0,
    calls integer not null default 0, primary key (holder, run)) without rowid;
create table if not exists places(
    holder text, endpoint text, n integer not null default 0,
    primary key (holder, endpoint)) without rowid;
create table if not exists pace(
    endpoint text primary key, requests_free_at real not null default 0,
    tokens_free_at real not null default 0, paused_until real not null default 0) without rowid;
"""

_Figures = tuple[Decimal, int, Decimal, int]
"""Spent, unpriced calls made, set aside, unpriced calls in flight."""

_NOTHING: _Figures = (Decimal(0), 0, Decimal(0), 0)

ELSEWHERE = ""
"""The run under which spending stands that only the ledger knows of: that of other machines."""


class Desk:
    """The file, and this process's place at it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.holder = uuid4().hex
        self._lock_file = _locked(self._file_of(self.holder))
        self._lock = RLock()
        self._looked_at = 0.0
        self._connection = sqlite3.connect(
            folder / "desk.sqlite", timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        # What is lost with the machine's power is found again in the ledger.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = off")
        with self.transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
        self.bury_the_dead()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, while nobody else writes."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def begin_run(self, run: str, spent: Spent, now: datetime) -> None:
        """Take in what the ledger says the day has cost, where that is more than is known here."""
        today = now.date().isoformat()
        oldest = (now.date() - timedelta(days=_KEPT_DAYS)).isoformat()
        with self.transaction() as connection:
            connection.execute("delete from spent where day < ?", (oldest,))
            pico, calls = connection.execute(
                "select coalesce(sum(pico), 0), coalesce(sum(calls), 0) from spent "
                "where day = ? and run <> ?",
                (today, ELSEWHERE),
            ).fetchone()
            connection.execute(
                "insert into spent values (?, ?, ?, ?) on conflict do update set "
                "pico = max(pico, excluded.pico), calls = max(calls, excluded.calls)",
                (
                    today,
                    ELSEWHERE,
                    max(_pico(spent.usd) - pico, 0),
                    max(spent.unpriced_calls - calls, 0),
                ),
            )
            connection.execute(
                "insert into held values (?, ?, ?, 0, 0) on conflict do nothing",
                (self.holder, run, today),
            )

    def bury_the_dead(self) -> bool:
        """Book what processes that are gone had on its way; whether there were any.

        Looked for once a second at most.
        """
        if time.monotonic() - self._looked_at < _LOOK_FOR_THE_DEAD_S:
            return False
        self._looked_at = time.monotonic()
        with self.transaction() as connection:
            others = connection.execute(
                "select holder from held union select holder from places"
            ).fetchall()
            dead = [h for (h,) in others if h != self.holder and self._is_dead(h)]
            for holder in dead:
                connection.execute(
                    "insert into spent select day, run, pico, calls from held where holder = ? "
                    "on conflict do update set pico = pico + excluded.pico, "
                    "calls = calls + excluded.calls",
                    (holder,),
                )
                connection.execute("delete from held where holder = ?", (holder,))
                connection.execute("delete from places where holder = ?", (holder,))
                self._file_of(holder).unlink(missing_ok=True)
        return bool(dead)

    def _file_of(self, holder: str) -> Path:
        return self.folder / f"{holder}.alive"

    def _is_dead(self, holder: str) -> bool:
        """Whether nobody holds the file any more; unknown where files cannot be locked."""
        file = self._file_of(holder)
        if not file.exists():
            return True
        handle = _locked(file)
        if handle is None:
            return False
        handle.close()
        return True


@lru_cache(maxsize=16)
def open_desk(folder: Path) -> Desk:
    """The desk of ``folder``, one per process."""
    return Desk(folder)


class SharedPurse(Purse):
    """A purse whose caps hold for all processes of a run and all runs of a day.

    What is settled is told after a tenth of a second, or with the next look at the figures: until
    then it is still set aside, so the caps hold. Far from the caps money for a few requests is set
    aside at once, so that not each of them has to look; what is left of it counts as on its way.
    """

    def __init__(self, desk: Desk, caps: Caps, spent: Spent, *, run: str, now: datetime) -> None:
        super().__init__(caps)
        self._desk, self._run, self._day = desk, run, now.date()
        self._untold: _Figures = _NOTHING
        self._told_at = 0.0
        self._ahead: _Figures = _NOTHING
        desk.begin_run(run, spent, now)
        self.tell()

    def reserve(self, most: Decimal | None) -> Reservation | None:
        """As in ``Purse``; what dead processes hold is looked for before anything is refused."""
        needed: _Figures = (*_NOTHING[:2], most or Decimal(0), int(most is None))
        if self._ahead[2] >= needed[2] and self._ahead[3] >= needed[3]:
            self._ahead = _difference(self._ahead, needed)
            return super().reserve(most)
        with self._at_the_desk():
            reservation = super().reserve(most)
            if reservation is not None and self._is_far_from_the_caps(needed):
                self._ahead = (*_NOTHING[:2], _AHEAD * needed[2], _AHEAD * needed[3])
        if reservation is None and self._desk.bury_the_dead():
            return self.reserve(most)
        return reservation

    def settle(self, reservation: Reservation, cost: Decimal | None) -> None:
        """As in ``Purse``."""
        before = self._figures()
        super().settle(reservation, cost)
        self._untold = _sum(self._untold, _difference(self._figures(), before))
        if time.monotonic() - self._told_at > _TELL_S:
            self.tell()

    def release(self, reservation: Reservation) -> None:
        """As in ``Purse``."""
        with self._at_the_desk():
            super().release(reservation)

    def tell(self) -> None:
        """Let the others know what is settled."""
        with self._at_the_desk():
            pass

    def _is_far_from_the_caps(self, needed: _Figures) -> bool:
        usd, calls = _FAR * _AHEAD * needed[2], _FAR * _AHEAD * needed[3]
        return (
            usd <= self.room - self.reserved - self.reserved_elsewhere
            and calls <= self.calls_left - self.calls_in_flight - self.calls_elsewhere
        )

    @contextmanager
    def _at_the_desk(self) -> Iterator[None]:
        """Figures as they are, and back with what was changed here since the last time.

        What was set aside ahead is given back, unless more is within.
        """
        with self._desk.transaction() as connection:
            told = self._read(connection)
            self._take(_sum(_difference(told, self._ahead), self._untold))
            before, self._ahead = self._ahead, _NOTHING
            try:
                yield
            except BaseException:
                self._ahead = before  # nothing is written
                raise
            self._write(connection, _difference(_sum(self._figures(), self._ahead), told))
            self._untold, self._told_at = _NOTHING, time.monotonic()

    def _figures(self) -> _Figures:
        return self.spent, self.unpriced_calls, self.reserved, self.calls_in_flight

    def _take(self, figures: _Figures) -> None:
        self.spent, self.unpriced_calls, self.reserved, self.calls_in_flight = figures

    def _read(self, connection: sqlite3.Connection) -> _Figures:
        row = connection.execute(
            "select (select coalesce(sum(pico), 0) from spent where run = :run),"
            " (select coalesce(sum(calls), 0) from spent where run = :run),"
            " (select coalesce(sum(pico), 0) from spent where day = :day),"
            " (select coalesce(sum(calls), 0) from spent where day = :day),"
            " coalesce(sum(pico) filter (where run = :run), 0),"
            " coalesce(sum(calls) filter (where run = :run), 0),"
            " coalesce(sum(pico), 0), coalesce(sum(calls), 0) from held",
            {"run": self._run, "day": self._day.isoformat()},
        ).fetchone()
        run_usd, run_calls, day_usd, day_calls, held_usd, held_calls, all_usd, all_calls = row
        # Together with the run's own they come to the day's, also for a run that began yesterday.
        self.spent_before = Spent(_usd(day_usd - run_usd), day_calls - run_calls)
        self.reserved_elsewhere = _usd(all_usd - held_usd)
        self.calls_elsewhere = all_calls - held_calls
        return _usd(run_usd), run_calls, _usd(held_usd), held_calls

    def _write(self, connection: sqlite3.Connection, change: _Figures) -> None:
        spent, calls, held, held_calls = change
        day = self._day.isoformat()
        if held or held_calls:
            connection.execute(
                "insert into held values (?, ?, ?, ?, ?) on conflict do update set "
                "pico = pico + excluded.pico, calls = calls + excluded.calls",
                (self._desk.holder, self._run, day, _pico(held), held_calls),
            )
        if spent or calls:
            connection.execute(
                "insert into spent values (?, ?, ?, ?) on conflict do update set "
                "pico = pico + excluded.pico, calls = calls + excluded.calls",
                (day, self._run, _pico(spent), calls),
            )


class SharedGate(Gate):
    """A gate that all processes pass through, each with an equal share of its places.

    Leaving is told with the next entry that looks at the figures: nobody else may have this
    process's places anyway. Without a pace a minute, a place that was just left is taken again
    unseen for as long as `_TELL_S`.
    """

    def __init__(self, desk: Desk, pace: Pace, *, endpoint: str) -> None:
        super().__init__(pace)
        self._desk, self._endpoint = desk, endpoint
        self._key = (desk.holder, endpoint)
        self._told_own, self._untold_tokens_s, self._told_at = -1, 0.0, 0.0
        with desk.transaction() as connection:
            connection.execute(
                "insert into pace(endpoint) values (?) on conflict do nothing", (endpoint,)
            )

    def enter(self, tokens: int) -> float | None:
        """As in ``Gate``; places that dead processes hold are looked for before it is refused."""
        if self._has_a_place_left:
            return super().enter(tokens)
        with self._at_the_desk():
            wait = super().enter(tokens)
        if wait is None and self._desk.bury_the_dead():
            return self.enter(tokens)
        return wait

    @property
    def _has_a_place_left(self) -> bool:
        """Whether a place is free that the others take for ours anyway."""
        paced = self.pace.requests_per_minute or self.pace.tokens_per_minute
        fresh = time.monotonic() - self._told_at < _TELL_S
        return fresh and not paced and self.own < self._told_own

    def leave(self, expected: int, used: int | None) -> None:
        """As in ``Gate``."""
        before = self.tokens_free_at
        super().leave(expected, used)
        self._untold_tokens_s += self.tokens_free_at - before

    def pause(self, seconds: float) -> None:
        """As in ``Gate``: for every process."""
        with self._at_the_desk():
            super().pause(seconds)

    def pause_left(self) -> float:
        """As in ``Gate``, also where another process was told."""
        with self._at_the_desk():
            return super().pause_left()

    def close(self) -> None:
        """Leave the places to the others."""
        with self._at_the_desk():
            pass
        with self._desk.transaction() as connection:
            connection.execute("delete from places where holder = ? and endpoint = ?", self._key)
        self._told_own = -1

    @contextmanager
    def _at_the_desk(self) -> Iterator[None]:
        with self._desk.transaction() as connection:
            row = connection.execute(
                "select requests_free_at, tokens_free_at, paused_until,"
                " (select coalesce(sum(n), 0) from places where endpoint = ?1 and holder <> ?2),"
                " (select count(*) from places where endpoint = ?1 and holder <> ?2)"
                " from pace where endpoint = ?1",
                (self._endpoint, self._desk.holder),
            ).fetchone()
            self.requests_free_at, self.tokens_free_at, self.paused_until, self.others, more = row
            self.holders = more + 1
            self.tokens_free_at += self._untold_tokens_s
            yield
            moments = (self.requests_free_at, self.tokens_free_at, self.paused_until)
            self._untold_tokens_s = 0.0
            if moments != row[:3]:
                connection.execute(
                    "update pace set requests_free_at = ?, tokens_free_at = ?, paused_until = ? "
                    "where endpoint = ?",
                    (*moments, self._endpoint),
                )
            self._told_at = time.monotonic()
            if self.own != self._told_own:
                self._told_own = self.own
                connection.execute(
                    "insert into places values (?, ?, ?) on conflict do update set n = excluded.n",
                    (*self._key, self.own),
                )


def _sum(one: _Figures, other: _Figures) -> _Figures:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def _difference(one: _Figures, other: _Figures) -> _Figures:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3]


def _pico(usd: Decimal) -> int:
    return int(usd.scaleb(12).to_integral_value(ROUND_CEILING))


def _usd(pico: int) -> Decimal:
    return Decimal(pico).scaleb(-12)


def _locked(file: Path) -> IO[str] | None:
    """``file``, held until it is closed or the process ends; None while another one holds it."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = file.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle
