"""How many of the retrieved contexts an answer draws on, and which.

A context is used when the answer holds at least `ENOUGH_WORDS` of its distinctive words, or
`ENOUGH_SHARE` of them where it has few. Distinctive are content words that stand neither in the
question nor in another context of the call; a context without any (a passage retrieved twice) is
taken by its content words outside the question. The share of used contexts is a lower bound: a
paraphrase in other words counts as unused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import ceil

from llmops_pipelines.judging.heuristics.support import Passage
from llmops_pipelines.judging.heuristics.words import FUNCTION_WORDS

ENOUGH_WORDS = 3
ENOUGH_SHARE = 0.2


def context_utilisation(
    answer: Collection[str], question: Collection[str], passages: Sequence[Passage]
) -> float | None:
    """Share of ``passages`` that an answer uses, 0 to 1; None without any that hold words.

    Args:
        answer: Its words.
        question: The question's words.
        passages: The contexts of the call.
    """
    used = [u for u in used_contexts(answer, question, passages) if u is not None]
    return sum(used) / len(used) if used else None


def used_contexts(
    answer: Collection[str], question: Collection[str], passages: Sequence[Passage]
) -> list[bool | None]:
    """Whether the answer uses each of ``passages``; None for one that holds no words of its own.

    Arguments are those of `context_utilisation`.
    """
    told = frozenset(question) | FUNCTION_WORDS
    vocabularies = [p.positions.keys() - told for p in passages]
    held_by = Counter(word for vocabulary in vocabularies for word in vocabulary)
    said = set(answer)
    return [_uses(said, vocabulary, held_by) if vocabulary else None for vocabulary in vocabularies]


def _uses(said: set[str], vocabulary: set[str], held_by: Counter[str]) -> bool:
    distinctive = {word for word in vocabulary if held_by[word] == 1} or vocabulary
    enough = min(ENOUGH_WORDS, ceil(ENOUGH_SHARE * len(distinctive)))
    return len(distinctive & said) >= enough
