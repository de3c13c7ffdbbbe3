"""The pace of an endpoint: how many requests at once, how many requests and tokens a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_BURST_S = 1.0
"""An endpoint that was left alone takes this many seconds' worth at once."""


@dataclass(frozen=True)
class Pace:
    """What an endpoint may be asked; None: no such limit."""

    in_flight: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass
class Gate:
    """Lets requests to one endpoint pass at its pace.

    Each request is given the moment at which it may go: moments follow one another as far apart as
    the limits ask (the generic cell rate algorithm of ATM networks), so nobody polls and whoever
    came first goes first. Tokens are reserved as expected and corrected once they are counted.
    ``others`` are requests that other processes have in flight and ``holders`` the processes that
    are judging, this one included, among which places are shared equally. Moments are seconds of
    ``clock``.

    An endpoint that is asked by more at once than it can serve lets all of them wait until their
    time is up, and serves nobody; one that counts requests asks all of them to wait, and refuses
    most of them again when they come back together. So each request that is not answered in time,
    or is told to wait, takes a place away, and as many answers as there are places give one back
    (additive increase as in Chiu and Jain, "Analysis of the increase and decrease algorithms",
    1989): ``width`` is what is left of them.
    """

    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.time
    requests_free_at: float = 0.0
    tokens_free_at: float = 0.0
    paused_until: float = 0.0
    own: int = 0
    others: int = 0
    holders: int = 1
    width: float = float("inf")

    def enter(self, tokens: int) -> float | None:
        """Take a place; seconds until the request may go, or None while all places are taken."""
        share = max(1, int(min(self.pace.in_flight // self.holders, self.width)))
        if self.own >= share or self.own + self.others >= self.pace.in_flight:
            return None
        self.own += 1
        now = self.clock()
        start = max(now, self.paused_until)
        if self.pace.requests_per_minute:
            at = max(self.requests_free_at, now - _BURST_S)
            self.requests_free_at = at + 60 / self.pace.requests_per_minute
            start = max(start, at)
        if self.pace.tokens_per_minute:
            at = max(self.tokens_free_at, now - _BURST_S)
            self.tokens_free_at = at + tokens * 60 / self.pace.tokens_per_minute
            start = max(start, at)
        return start - now

    def leave(self, expected: int, used: int | None) -> None:
        """Give the place back; ``used`` tokens instead of ``expected``, where that is known."""
        self.own -= 1
        if self.pace.tokens_per_minute and used is not None:
            self.tokens_free_at += (used - expected) * 60 / self.pace.tokens_per_minute

    def narrow(self) -> None:
        """A request came to nothing for want of pace: ask fewer at once, one at least."""
        self.width = max(min(self.width, self.pace.in_flight // self.holders) - 1, 1.0)

    def widen(self) -> None:
        """A request was answered: the endpoint may bear a little more."""
        self.width += 1 / self.width

    def pause(self, seconds: float) -> None:
        """Let nobody pass for so long: the endpoint asked for it."""
        self.paused_until = max(self.paused_until, self.clock() + seconds)

    def pause_left(self) -> float:
        """Seconds until the pause is over."""
        return max(self.paused_until - self.clock(), 0.0)

    def close(self) -> None:
        """This process asks no more: its share of places is free for others."""
