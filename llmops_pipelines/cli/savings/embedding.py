"""Vectors of many texts, with a sign of life while they are computed."""

from __future__ import annotations

from typing import Final

import numpy as np
from rich.console import Console

from llmops_pipelines.adapters import minilm
from llmops_pipelines.cli import telling

_AT_ONCE: Final = 500
"""Texts after which progress is told; a vector depends on its own text alone."""


def embed(texts: list[str]) -> minilm.Vectors:
    """As ``minilm.embed``; of more than a few texts progress is told on stderr."""
    if len(texts) <= _AT_ONCE:
        return minilm.embed(texts)
    parts = []
    with telling.progress(Console(stderr=True)) as show:
        for start in range(0, len(texts), _AT_ONCE):
            show("reading questions with MiniLM", start, len(texts))
            parts.append(minilm.embed(texts[start : start + _AT_ONCE]))
    return np.concatenate(parts)
