"""Vocabularies that lie on this machine, and none that would have to be fetched."""

import pytest
import tiktoken.load
import tiktoken.model
import tiktoken.registry

from llmops_pipelines.adapters.vocabularies import counter_of


@pytest.fixture
def a_byte_a_token(monkeypatch):
    """A vocabulary that is here, of a model called tiny-judge."""
    monkeypatch.setitem(tiktoken.model.MODEL_TO_ENCODING, "tiny-judge", "bytes")
    ranks = {bytes([byte]): byte for byte in range(256)}
    made = {
        "name": "bytes",
        "pat_str": ".+",
        "mergeable_ranks": ranks,
        "special_tokens": {"<e>": 256},
    }
    tiktoken.registry.list_encoding_names()
    monkeypatch.setitem(tiktoken.registry.ENCODING_CONSTRUCTORS, "bytes", lambda: made)
    counter_of.cache_clear()
    yield
    counter_of.cache_clear()


def test_a_vocabulary_that_is_here_counts_text_as_text(a_byte_a_token):
    counter = counter_of("tiny-judge")
    assert counter is not None
    assert counter.vocabulary == "tiktoken bytes"
    assert (counter.count("abc"), counter.count("<e>")) == (3, 3)


def test_a_vocabulary_that_is_not_here_is_not_fetched(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tiktoken.load, "read_file", asked.append)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    counter_of.cache_clear()
    assert counter_of("gpt-4.1-mini") is None
    assert counter_of("our-own-judge") is None
    assert asked == []
    assert tiktoken.load.read_file == asked.append
    counter_of.cache_clear()
