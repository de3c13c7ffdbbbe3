"""Seeded draws: one stream per purpose, so that a change in one place moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import floor
from random import Random

GOLDEN_RATIO = 0.6180339887498949


def stream(*key: object) -> Random:
    """A generator that depends on ``key`` alone, the same in every process."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - a simulation, no secret


def count_of(n: int, share: float, rng: Random) -> int:
    """How many of ``n`` make ``share``: the whole number below or above, right on average.

    A binomial draw would now and then give a quiet day an eventful count.
    """
    return min(n, floor(n * share + rng.random()))


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Split ``total`` by ``weights`` into whole numbers that add up to it (largest remainder)."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [floor(value) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def upper_first(text: str) -> str:
    """``text`` with a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]
