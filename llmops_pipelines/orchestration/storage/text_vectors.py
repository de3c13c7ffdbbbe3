"""Vectors of texts that were embedded before: a re-run embeds only what is new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import TEXT_VECTORS
from llmops_pipelines.vectors import Vectors

Embed = Callable[[list[str]], Vectors]


class TextVectors:
    """Embeds texts through what the lake holds, and keeps there what was asked for."""

    def __init__(self, lake: Lake, embed: Embed, *, embedding: str) -> None:
        self._lake, self._compute, self._embedding = lake, embed, embedding
        stored = lake.read(TEXT_VECTORS)
        self._known = dict(zip(stored["text_digest"], range(stored.height), strict=True))
        flat = stored["vector"].explode().to_numpy()
        self._vectors = flat.reshape(stored.height, -1) if stored.height else np.empty((0, 0))
        self._used: dict[str, tuple[str, np.ndarray]] = {}

    def embed(self, texts: list[str], owners: Mapping[str, str]) -> Vectors:
        """Unit vectors of distinct ``texts``; ``owners`` names a call that holds each."""
        digests = [self._digest(text) for text in texts]
        new = [row for row, digest in enumerate(digests) if digest not in self._known]
        fresh = self._compute([texts[row] for row in new])
        made = dict(zip(new, fresh, strict=True))
        vectors = [
            made[row] if row in made else self._vectors[self._known[digest]]
            for row, digest in enumerate(digests)
        ]
        for text, digest, vector in zip(texts, digests, vectors, strict=True):
            self._used[digest] = owners[text], vector
        return np.array(vectors, dtype=np.float32).reshape(len(texts), -1)

    def save(self) -> None:
        """Keep what was used, and nothing else: what left the window leaves the lake."""
        rows = pl.DataFrame(
            {
                "text_digest": list(self._used),
                "call_id": [owner for owner, _ in self._used.values()],
                "vector": [vector.tolist() for _, vector in self._used.values()],
            },
            schema=TEXT_VECTORS.schema,
        )
        self._lake.write(TEXT_VECTORS, rows)

    def _digest(self, text: str) -> str:
        return hashlib.sha256(f"{self._embedding}\x1f{text}".encode()).hexdigest()[:32]
