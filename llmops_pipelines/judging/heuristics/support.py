"""The embedded ``support`` scorer: how far an answer's wording rests on its contexts.

It measures overlap with the sources, not truth. Five lexical scores between 0 and 1 are divided by
how much each usually varies, and averaged without further weights; the average is stretched so that
an answer without a word in common scores 0 and one copied out of its contexts scores 1. Nothing is
fitted to labelled data: models fitted in one domain did worse than this average in the next.

Area under the ROC curve on open, human-labelled sets (1 = tells supported from unsupported, .5 =
chance): dialogue replies against a snippet of knowledge (BEGIN) .94; summaries of which one fact
was changed (SummEdits) .44. An edit of one word or a swapped role leaves the overlap as it was:
such faults need an entailment model or an LLM judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from llmops_pipelines.judging.heuristics.dates import Day, dates_in
from llmops_pipelines.judging.heuristics.words import FUNCTION_WORDS, sentences, words

VERSION = 3
"""Changes when a score would; part of the judge spec."""

SPREADS = {
    "rouge_l_precision": 0.25,
    "rouge_2_precision": 0.30,
    "weighted_coverage": 0.25,
    "sentence_support_mean": 0.25,
    "sentence_support_min": 0.30,
}
"""Round figures near the standard deviation of each score over unlabelled answers."""

ANSWER_CHARS, CONTEXT_CHARS = 20_000, 200_000
"""What is read of an answer and of its contexts together; more would take seconds a call."""

_MOST_CLAIMS, _MOST_SENTENCES = 400, 4_000
"""How many are compared with one another; the rest counts in the other scores only."""

_FUNCTION_WORD_WEIGHT = 0.1


@dataclass(frozen=True)
class Passage:
    """A context, taken apart once however many calls retrieved it."""

    text: str

    @cached_property
    def sentences(self) -> list[str]:
        """Its sentences, as written."""
        return sentences(self.text)

    @cached_property
    def sentence_words(self) -> list[list[str]]:
        """The words of each sentence."""
        return [words(sentence) for sentence in self.sentences]

    @cached_property
    def words(self) -> list[str]:
        """All its words in order."""
        return [word for sentence in self.sentence_words for word in sentence]

    @cached_property
    def bigrams(self) -> frozenset[tuple[str, str]]:
        """Its pairs of neighbouring words."""
        return frozenset(pairwise(self.words))

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """The positions of each of its words."""
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(self.words):
            positions.setdefault(word, []).append(position)
        return positions

    def bits(self, word: str) -> int:
        """Where ``word`` stands: bit i is set when it is word i; remembered once asked for."""
        found = self._bits.get(word)
        if found is None:
            found = self._bits[word] = sum(1 << place for place in self.positions.get(word, ()))
        return found

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {}

    @cached_property
    def days(self) -> frozenset[Day]:
        """The days it names."""
        return frozenset(day for date in dates_in(self.text) for day in date.days)

    @cached_property
    def holders(self) -> dict[str, list[int]]:
        """The numbers of the sentences that hold each word."""
        holders: dict[str, list[int]] = {}
        for number, sentence in enumerate(self.sentence_words):
            for word in set(sentence):
                holders.setdefault(word, []).append(number)
        return holders


def support_score(claims: Sequence[str], passages: Sequence[Passage]) -> float | None:
    """Support of the sentences ``claims`` by ``passages``, 0 to 1; None if either has no words."""
    parts = support_parts(claims, passages)
    if parts is None:
        return None
    weighted = sum(parts[name] / spread for name, spread in SPREADS.items())
    return round(weighted / sum(1 / spread for spread in SPREADS.values()), 4)


def support_parts(claims: Sequence[str], passages: Sequence[Passage]) -> dict[str, float] | None:
    """The five scores behind `support_score`, each 0 to 1.

    ROUGE-L and ROUGE-2 precision are Lin's (2004), of the answer against all contexts in order.
    Coverage is the weight of the answer's distinct words found in the contexts over the weight of
    all of them; a word weighs ``ln(1 + (n + 1) / (df + 1/2))`` for ``df`` of ``n`` context
    sentences holding it, function words a tenth. The support of one sentence is its coverage by the
    context sentence that covers it best.
    """
    claimed = [found for sentence in claims if (found := words(sentence[:ANSWER_CHARS]))]
    sources = [passage for passage in passages if passage.words]
    if not claimed or not sources:
        return None
    answer = [word for sentence in claimed for word in sentence]
    bigrams = list(pairwise(answer))
    coverage, best = _coverage(claimed[:_MOST_CLAIMS], sources)
    return {
        "rouge_l_precision": _common_subsequence(answer, sources) / len(answer),
        "rouge_2_precision": (
            sum(any(pair in p.bigrams for p in sources) for pair in bigrams) / len(bigrams)
            if bigrams
            else float(any(answer[0] in p.positions for p in sources))
        ),
        "weighted_coverage": coverage,
        "sentence_support_mean": float(best.mean()),
        "sentence_support_min": float(best.min()),
    }


def _coverage(
    claimed: list[list[str]], sources: list[Passage]
) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Weighted coverage of all claims, and of each claim by its best source sentence."""
    index = {word: i for i, word in enumerate(dict.fromkeys(w for s in claimed for w in s))}
    known = np.zeros(len(index), dtype=bool)
    size = min(sum(len(p.sentence_words) for p in sources), _MOST_SENTENCES)
    found = np.zeros((len(index), size), dtype=np.float32)
    first = 0
    for source in sources:
        for word, i in index.items():
            if holders := source.holders.get(word):
                known[i] = True
                found[i, [first + n for n in holders if first + n < size]] = 1.0
        first += len(source.sentence_words)
    frequency = found.sum(axis=1)
    weight = np.log1p((found.shape[1] + 1) / (frequency + 0.5))
    weight[[i for word, i in index.items() if word in FUNCTION_WORDS]] *= _FUNCTION_WORD_WEIGHT
    claims = np.zeros((len(claimed), len(index)), dtype=np.float32)
    for row, sentence in enumerate(claimed):
        of_sentence = [index[word] for word in sentence]
        claims[row, of_sentence] = weight[of_sentence]
    coverage = float(weight[known].sum() / weight.sum())
    best = (claims @ found).max(axis=1) / claims.sum(axis=1)
    return coverage, np.minimum(best, 1.0)


def _common_subsequence(answer: list[str], sources: list[Passage]) -> int:
    """Length of the longest common subsequence with all sources in a row.

    Bit-parallel (Hyyrö 2004): one addition of a number as long as the sources a word.
    """
    length = 0
    places: dict[str, int] = {}
    for source in sources:
        for word in set(answer):
            if bits := source.bits(word):
                places[word] = places.get(word, 0) | (bits << length)
        length += len(source.words)
    full = (1 << length) - 1
    row = full
    for word in answer:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
    return length - row.bit_count()
