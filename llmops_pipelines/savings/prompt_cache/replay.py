"""How far each prompt agreed with an earlier one that a cache still held: all prompts at once.

Instead of a cache that is filled and emptied call by call, equal prefixes are brought together and
each looks at the one before it: as every use renews a prefix, it is still held if, and only if, its
last use is no longer ago than the lifetime. That is exact for a cache without a limit of size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmops_pipelines.savings.prompt_cache.marks import Chains, Codes, Whole

_FAR = np.int64(2**36)
"""Milliseconds beyond any window: two years. That times 60 million prefixes fits into 64 bits."""


class WindowError(ValueError):
    """Prompts that no replay can take together: out of order, or too far apart."""


@dataclass(frozen=True)
class Moments:
    """When each prompt was sent, and when what it wrote could be read: ms, prompts in time order.

    A cache holds a prefix as soon as the answer to it begins, so prompts sent meanwhile miss.
    """

    sent: Whole
    ready: Whole

    @staticmethod
    def of(sent: Whole, delay: Whole) -> Moments:
        """From when prompts were sent, in ascending order, and how long each answer took to begin.

        Raises:
            WindowError: They are not in order, or lie more than two years apart.
        """
        start = sent - (sent[0] if len(sent) else 0)
        if len(sent) and (np.any(np.diff(sent) < 0) or start[-1] >= _FAR // 2):
            raise WindowError(
                f"{len(sent)} prompts from {sent[0]} to {sent[-1]} ms, expected in order of time "
                "and within two years; sort them, or replay a shorter window"
            )
        return Moments(start, start + np.clip(delay, 0, _FAR // 2))


class Occurrences:
    """Every prefix of every prompt, equal ones side by side in the order of time."""

    def __init__(self, chains: Chains, moments: Moments, apart: Codes | None = None) -> None:
        """Bring equal prefixes together.

        Args:
            chains: Of prompts that are numbered in the order of time.
            moments: Of the same prompts.
            apart: Per value of a chain, what else it must agree in to count as equal.
        """
        code = chains.code if apart is None else chains.code + apart
        self._chains, self._moments = chains, moments
        self._order = np.argsort(code, kind="stable")
        ordered = code[self._order]
        first = np.ones(len(ordered), bool)
        first[1:] = ordered[1:] != ordered[:-1]
        places = np.arange(len(ordered))
        self._group = np.maximum.accumulate(np.where(first, places, 0)) if len(ordered) else places
        self._whose = chains.prompt[self._order]
        self._sent, self._ready = moments.sent[self._whose], moments.ready[self._whose]

    def shared(
        self,
        lifetime: Whole | None = None,
        written: NDArray[np.bool_] | None = None,
        *,
        awaited: bool = False,
    ) -> Whole:
        """Bytes that each prompt had in common with what was held when it was sent; 0 for nothing.

        Args:
            lifetime: Milliseconds since the last use, as each prompt's cache allows; None for ever.
            written: Which values of the chains are written; all, if left out.
            awaited: Count only what could be read by then.
        """
        held = self._held(lifetime, written, awaited=awaited)
        there = np.zeros(len(held), bool)
        there[self._order] = held
        longest = np.zeros(len(self._moments.sent), np.int64)
        if len(there):
            starts = np.flatnonzero(np.diff(self._chains.prompt, prepend=-1))
            ends = np.where(there, self._chains.end, 0)
            longest[self._chains.prompt[starts]] = np.maximum.reduceat(ends, starts)
        return longest

    def _held(
        self, lifetime: Whole | None, written: NDArray[np.bool_] | None, *, awaited: bool
    ) -> NDArray[np.bool_]:
        size = len(self._order)
        places = np.arange(size)
        writes = np.ones(size, bool) if written is None else written[self._order]
        last = np.maximum.accumulate(np.where(writes, places, -1)) if size else places
        last = np.concatenate([[-1], last[:-1]]) if size else last
        held = last >= self._group
        if lifetime is not None:
            held &= self._sent - self._sent[last] <= lifetime[self._whose]
        if not awaited:
            return held
        # The earliest that any use since it was last lost could be read, within each such life: far
        # apart, so that one running minimum over all of them never looks back into another.
        life = np.cumsum(~held)
        ready = np.where(writes, self._ready, _FAR) - life * 2 * _FAR
        earliest = np.minimum.accumulate(ready) + life * 2 * _FAR if size else ready
        before = np.concatenate([[_FAR], earliest[:-1]]) if size else earliest
        return held & (before <= self._sent)
