"""Streams told apart by their ids, also those of servers that use an id again."""

from __future__ import annotations

from typing import Final

_MOST_OPEN: Final = 10_000


class Turns:
    """How often each id has begun anew: a part of a stream that has ended and goes on is another's.

    Ids that have been quiet for longest are forgotten.
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
