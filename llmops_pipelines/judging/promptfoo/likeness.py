"""How far two texts are apart: edit distance, and n-grams in common."""

from __future__ import annotations

import re
from collections import Counter

_TOKEN = re.compile(r"\w+(?:[.,:']\w+)*|[^\w\s]")


def edit_distance(left: str, right: str) -> int:
    """Levenshtein's distance, in characters.

    Myers, "A fast bit-vector algorithm for approximate string matching" (1999), with Python's
    integers as vectors: one step per character of the longer text.
    """
    if len(left) > len(right):
        left, right = right, left
    if not left:
        return len(right)
    places: dict[str, int] = {}
    for place, character in enumerate(left):
        places[character] = places.get(character, 0) | 1 << place
    mask, last = (1 << len(left)) - 1, 1 << len(left) - 1
    up, down, distance = mask, 0, len(left)
    for character in right:
        equal = places.get(character, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        more, less = down | (mask & ~(diagonal | up)), up & diagonal
        distance += bool(more & last) - bool(less & last)
        more = (more << 1 | 1) & mask
        up, down = (less << 1 & mask) | (mask & ~(diagonal | more)), more & diagonal
    return distance


def rouge_n(candidate: str, reference: str, n: int = 1) -> float:
    """F1 of the n-grams that both texts hold, of words and punctuation marks in any case.

    Lin, "ROUGE: A package for automatic evaluation of summaries" (2004), with clipped counts.
    """
    ours, theirs = _grams(candidate, n), _grams(reference, n)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    tokens = _TOKEN.findall(text.lower())
    return Counter(tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1))
