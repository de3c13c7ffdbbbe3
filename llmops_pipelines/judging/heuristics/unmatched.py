"""Numbers, dates and names that neither question nor contexts contain: evidence, not a score.

Taken alone they tell supported answers from unsupported ones hardly better than chance (AUC .55
and .61 on labelled sets), so they are shown to people and folded into no figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from itertools import groupby

from llmops_pipelines.judging.heuristics.dates import Day, dates_in, is_among
from llmops_pipelines.judging.heuristics.words import FUNCTION_WORDS, words

SHOWN = 20
"""How many are kept of one answer."""

_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*(?:\s?%)?")
_WORD = re.compile(r"[^\W\d_][\w&'\u2019-]*")
_LIST_NUMBER = re.compile(r"\s*\(?\d{1,2}[.)]\s+")
_LONGEST = 80


def unmatched(
    claims: Iterable[str],
    known: Sequence[Container[str]],
    known_days: Callable[[], Collection[Day]],
) -> list[str]:
    """Numbers and names in the sentences ``claims`` none of whose words is in any of ``known``.

    A date is taken as a whole, and known however it is written there.

    Args:
        claims: Sentences of the answer.
        known: Words of the question and of each context, as `words` spells them.
        known_days: Tells the days of question and contexts; asked if a claim holds a date.

    Returns:
        As the answer spells them, in order, each once, at most `SHOWN`. A capital at the start of
        a sentence makes no name, nor does the number of a list item make a number.
    """
    found: dict[str, None] = {}
    for sentence in claims:
        plain = _LIST_NUMBER.sub("", sentence, count=1)
        absent = []
        for date in dates_in(plain):
            # Neither its number nor its month is looked for by itself.
            plain = plain.replace(date.text, "x" * len(date.text), 1)
            if not is_among(date, known_days()):
                absent.append((date.start, date.text))
        numbers = ((hit.start(), hit.group().strip(" .,")) for hit in _NUMBER.finditer(plain))
        absent += [
            (start, text)
            for start, text in (*numbers, *_names(plain))
            if not any(word in source for word in words(text) for source in known)
        ]
        found |= {text[:_LONGEST]: None for _, text in sorted(absent)}
    return list(found)[:SHOWN]


def _names(sentence: str) -> Iterator[tuple[int, str]]:
    """Runs of words with a capital, and where they start."""
    hits = list(_WORD.finditer(sentence))
    first = hits[0] if hits else None
    for capital, run in groupby(hits, key=lambda hit: hit[0][0].isupper()):
        name = [hit for hit in run if capital]
        while name and _opens(name[0], first):
            name = name[1:]
        if any(len(hit[0]) > 1 for hit in name):
            yield name[0].start(), sentence[name[0].start() : name[-1].end()]


def _opens(hit: re.Match[str], first: re.Match[str] | None) -> bool:
    """Whether a word is written with a capital for its place, not for what it names."""
    return (hit is first and not hit[0].isupper()) or hit[0].lower() in FUNCTION_WORDS
