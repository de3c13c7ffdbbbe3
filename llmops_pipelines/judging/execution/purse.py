"""The purse: what judging may cost, what it has cost, and what is on its way.

Money is set aside before a request is sent and settled when the reply is read, so that requests in
flight cannot together pass a cap. A judge without a price is held by counting calls instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import polars as pl


@dataclass(frozen=True)
class Caps:
    """Most that may be spent; the day is the UTC day on which the judge is asked."""

    usd_per_run: Decimal = Decimal(5)
    usd_per_day: Decimal = Decimal(20)
    calls_per_run: int = 2_000
    calls_per_day: int = 8_000

    def __str__(self) -> str:
        """The caps in words."""
        return (
            f"${self.usd_per_run} a run and ${self.usd_per_day} a day; "
            f"{self.calls_per_run:,} calls a run and {self.calls_per_day:,} a day without a price"
        )


@dataclass(frozen=True)
class Spent:
    """What the day has cost so far: dollars, and calls whose cost is not known."""

    usd: Decimal = Decimal(0)
    unpriced_calls: int = 0

    def __add__(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.usd + other.usd, self.unpriced_calls + other.unpriced_calls)


def spent_today(judge_calls: pl.DataFrame | pl.LazyFrame, now: datetime) -> Spent:
    """What ``judge_calls`` records for the UTC day of ``now``, whatever day was judged."""
    midnight = datetime.combine(now.date(), time())
    sums = (
        judge_calls.lazy()
        .filter(
            pl.col("asked_at").is_between(midnight, midnight + timedelta(days=1), closed="left")
        )
        .select(
            usd=pl.col("cost").sum(),
            unpriced=(pl.col("cost").is_null() & ~pl.col("outcome").str.starts_with("http_")).sum(),
        )
        .collect()
    )
    usd, unpriced = sums.row(0)
    return Spent(Decimal(usd or 0), int(unpriced))


@dataclass(frozen=True)
class Reservation:
    """What one request may cost at most; None where its judge has no price."""

    most: Decimal | None


class OverBudgetError(Exception):
    """The cap leaves no room for a request, not even once everything in flight is settled."""


@dataclass
class Purse:
    """Spending of one run against its caps. One event loop uses it; it needs no lock.

    ``reserved_elsewhere`` and ``calls_elsewhere`` are what other runs of the day have on its way.
    """

    caps: Caps = field(default_factory=Caps)
    spent_before: Spent = field(default_factory=Spent)
    spent: Decimal = Decimal(0)
    unpriced_calls: int = 0
    reserved: Decimal = Decimal(0)
    calls_in_flight: int = 0
    reserved_elsewhere: Decimal = Decimal(0)
    calls_elsewhere: int = 0

    def reserve(self, most: Decimal | None) -> Reservation | None:
        """Set ``most`` US dollars (or one call) aside; None while requests in flight hold it.

        Raises:
            OverBudgetError: Naming the cap that is reached.
        """
        if most is None:
            return self._reserve_call()
        room = self.room
        if most > room:
            raise OverBudgetError(
                f"{self._usd_cap()} is reached: {_usd(room, ROUND_FLOOR)} left, "
                f"{_usd(most, ROUND_CEILING)} needed"
            )
        of_run = self._left_of_run - self.reserved
        of_day = self._left_of_day - self.reserved - self.reserved_elsewhere
        if most > min(of_run, of_day):
            return None
        self.reserved += most
        return Reservation(most)

    def settle(self, reservation: Reservation, cost: Decimal | None) -> None:
        """Give ``reservation`` back and book ``cost``.

        An unknown cost is booked as the whole reservation: what may have been billed is not free.
        A judge without a price costs a call, unless it is known that nothing was billed.
        """
        self._give_back(reservation)
        if reservation.most is None:
            self.unpriced_calls += cost is None
        else:
            self.spent += reservation.most if cost is None else cost

    def release(self, reservation: Reservation) -> None:
        """Give ``reservation`` back: its request was not sent."""
        self._give_back(reservation)

    def tell(self) -> None:
        """Let other processes know what is settled; here there are none."""

    def _give_back(self, reservation: Reservation) -> None:
        if reservation.most is None:
            self.calls_in_flight -= 1
        else:
            self.reserved -= reservation.most

    @property
    def room(self) -> Decimal:
        """US dollars that both caps leave, requests in flight not counted."""
        return max(min(self._left_of_run, self._left_of_day), Decimal(0))

    @property
    def calls_left(self) -> int:
        """Calls without a price that both caps leave, requests in flight not counted."""
        return max(min(self._calls_of_run, self._calls_of_day), 0)

    @property
    def _left_of_run(self) -> Decimal:
        return self.caps.usd_per_run - self.spent

    @property
    def _left_of_day(self) -> Decimal:
        return self.caps.usd_per_day - self.spent_before.usd - self.spent

    @property
    def _calls_of_run(self) -> int:
        return self.caps.calls_per_run - self.unpriced_calls

    @property
    def _calls_of_day(self) -> int:
        return self.caps.calls_per_day - self.spent_before.unpriced_calls - self.unpriced_calls

    def _reserve_call(self) -> Reservation | None:
        if self.calls_left < 1:
            raise OverBudgetError(
                "the judge has no price and its calls are capped: "
                f"{self.caps.calls_per_run:,} a run, {self.caps.calls_per_day:,} a day"
            )
        of_run = self._calls_of_run - self.calls_in_flight
        of_day = self._calls_of_day - self.calls_in_flight - self.calls_elsewhere
        if min(of_run, of_day) < 1:
            return None
        self.calls_in_flight += 1
        return Reservation(None)

    def _usd_cap(self) -> str:
        of_day = self.caps.usd_per_day - self.spent_before.usd
        if of_day < self.caps.usd_per_run:
            return f"the cap of {_usd(self.caps.usd_per_day)} a day"
        return f"the cap of {_usd(self.caps.usd_per_run)} a run"


def _usd(amount: Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
    """Dollars; what is left rounds down and what is needed up, so that they never look equal."""
    step = Decimal("0.0001") if amount < 1 else Decimal("0.01")
    return f"${amount.quantize(step, rounding)}"
