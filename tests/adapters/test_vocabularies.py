"""Vocabularies that lie on this machine, and none that would have to be fetched."""

import pytest
import tiktoken.load
import tiktoken.registry

from llmops_pipelines.adapters.vocabularies import counter_of
from tests.vocabulary import vocabulary


@pytest.fixture
def a_byte_a_token():
    """A vocabulary that is here, of a model called tiny-judge."""
    with vocabulary("tiny-judge"):
        yield


def test_a_vocabulary_that_is_here_counts_text_as_text(a_byte_a_token):
    counter = counter_of("tiny-judge")
    assert counter is not None
    assert counter.vocabulary == "tiktoken made"
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
