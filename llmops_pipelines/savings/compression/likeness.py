"""How alike texts are to a question, by vectors that are made in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from llmops_pipelines.savings.routing.complexity import Vectors
from llmops_pipelines.savings.routing.outcomes import Floats

Embed = Callable[[list[str]], Vectors]
"""Texts to unit vectors, one row a text."""


class Likeness:
    """Cosines between texts; every distinct text is embedded once."""

    def __init__(self, embed: Embed, texts: Iterable[str]) -> None:
        distinct = sorted({text for text in texts if text.strip()})
        self._row = {text: row for row, text in enumerate(distinct)}
        self._vectors = embed(distinct) if distinct else np.zeros((0, 1), dtype=np.float32)

    def __call__(self, question: str, texts: Sequence[str]) -> Floats:
        """The cosine of each of ``texts`` with the question; blank ones are like nothing, -1.

        Raises:
            KeyError: A text was not among those given at first.
        """
        likes = np.full(len(texts), -1.0)
        known = [place for place, text in enumerate(texts) if text.strip()]
        if known and question.strip():
            rows = self._vectors[[self._row[texts[place]] for place in known]]
            # Rounded, so that equal texts tie whatever order the sums were taken in.
            likes[known] = np.round(rows @ self._vectors[self._row[question]], 6)
        return likes
