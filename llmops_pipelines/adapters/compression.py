"""What the replay of shorter prompts takes from judging: support, used contexts, token counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.judging.heuristics.claims import claim_sentences
from llmops_pipelines.judging.heuristics.heuristics import Passages, within
from llmops_pipelines.judging.heuristics.refusals import declines
from llmops_pipelines.judging.heuristics.support import ANSWER_CHARS, CONTEXT_CHARS, support_score
from llmops_pipelines.judging.heuristics.utilisation import used_contexts
from llmops_pipelines.judging.heuristics.words import words
from llmops_pipelines.judging.judges.quotes import BY_LENGTH


class Reader:
    """Reads answers beside their contexts as the embedded scores do, to the same lengths."""

    def __init__(self) -> None:
        self._passage = Passages()

    def support(self, answer: str, texts: Sequence[str]) -> float | None:
        """The embedded support score of ``answer`` by ``texts``, 0 to 1.

        None for an answer that declines or claims nothing, and where there is nothing to rest on.
        """
        claims = _claims(answer)
        if not claims:
            return None
        return support_score(claims, [self._passage(t) for t in within(texts, CONTEXT_CHARS)])

    def used(self, answer: str, question: str, contexts: Sequence[str]) -> tuple[bool | None, ...]:
        """Whether ``answer`` draws on each of ``contexts``.

        None for a context without words of its own, and for those behind what is read.
        """
        read = list(within(contexts, CONTEXT_CHARS))
        asked = set(words(question[:CONTEXT_CHARS]))
        said = words(answer[:ANSWER_CHARS])
        found = used_contexts(said, asked, [self._passage(text) for text in read])
        return (*found, *(None for _ in contexts[len(read) :]))


def counted_by(models: Sequence[str | None]) -> str:
    """What counts the tokens of ``models``: their vocabularies, or the length of texts."""
    counters = [counter_of(model) if model else None for model in models]
    return ", ".join(sorted({c.vocabulary if c else BY_LENGTH for c in counters})) or BY_LENGTH


@lru_cache(maxsize=1)
def _claims(answer: str) -> tuple[str, ...]:
    return () if declines(answer) else tuple(claim_sentences(answer[:ANSWER_CHARS]))
