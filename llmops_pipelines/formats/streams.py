"""Streams told apart, by their ids or by the order of their pieces."""

from __future__ import annotations

from typing import Final

_MOST_OPEN: Final = 10_000


class Turns:
    """Streams that name themselves, also those of servers that use an id again.

    A part of a stream that goes on although it has ended is another stream's, a turn later. Ids
    that have been quiet for longest are forgotten.
    """

    def __init__(self) -> None:
        self._turns: dict[str, tuple[int, frozenset[str]]] = {}

    def stream_of(self, name: str, going_on: set[str], ending: set[str]) -> tuple[str, int]:
        """The stream that a piece named ``name`` belongs to.

        Args:
            name: The id that the piece carries.
            going_on: Parts of its stream (choices) of which the piece says more.
            ending: Parts that end with it.
        """
        turn, ended = self._turns.pop(name, (0, frozenset[str]()))
        if going_on & ended:
            turn, ended = turn + 1, frozenset()
        self._turns[name] = turn, ended | ending
        if len(self._turns) > _MOST_OPEN:
            self._turns.pop(next(iter(self._turns)))
        return name, turn


class Successive:
    """Streams whose pieces name none: a piece is of the one that was begun last, until it ends."""

    def __init__(self) -> None:
        self._number, self._is_open = 0, False

    def stream_of(self, *, begins: bool, ends: bool) -> int | None:
        """The stream that a piece belongs to; None where none is under way."""
        if begins:
            self._number, self._is_open = self._number + 1, True
        if not self._is_open:
            return None
        self._is_open = not ends
        return self._number
