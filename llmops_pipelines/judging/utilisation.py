"""How many of the retrieved contexts an answer draws on.

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

from llmops_pipelines.judging.support import Passage
from llmops_pipelines.judging.words import FUNCTION_WORDS

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
    told = frozenset(question) | FUNCTION_WORDS
    vocabularies = [v for p in passages if (v := p.positions.keys() - told)]
    if not vocabularies:
        return None
    held_by = Counter(word for vocabulary in vocabularies for word in vocabulary)
    said = set(answer)
    used = 0
    for vocabulary in vocabularies:
        distinctive = {word for word in vocabulary if held_by[word] == 1} or vocabulary
        enough = min(ENOUGH_WORDS, ceil(ENOUGH_SHARE * len(distinctive)))
        used += len(distinctive & said) >= enough
    return used / len(vocabularies)
