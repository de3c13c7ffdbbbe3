"""Vocabularies made on the spot, so that tiktoken has nothing to fetch."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import tiktoken.model
import tiktoken.registry

from llmops_pipelines.adapters.vocabularies import counter_of

_WORD = r" ?[A-Za-z]+|.|\n"


@contextmanager
def vocabulary(model: str, words: str = "") -> Iterator[None]:
    """Inside, tiktoken knows ``model`` and has its vocabulary: bytes, and the words of a text."""
    tokens = [*(bytes([byte]) for byte in range(256)), *_words(words)]
    made = {
        "name": "made", "pat_str": _WORD, "special_tokens": {"<e>": len(tokens)},
        "mergeable_ranks": {token: rank for rank, token in enumerate(tokens)},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(tiktoken.model.MODEL_TO_ENCODING, model, "made")
        tiktoken.registry.list_encoding_names()
        patched.setitem(tiktoken.registry.ENCODING_CONSTRUCTORS, "made", lambda: made)
        patched.setattr(tiktoken.registry, "ENCODINGS", {})
        counter_of.cache_clear()
        yield
    counter_of.cache_clear()


def _words(text: str) -> list[bytes]:
    return sorted({word.encode() for word in re.findall(_WORD, text) if len(word) > 1})
