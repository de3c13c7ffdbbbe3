"""Vectors of many texts."""

import numpy as np

from llmops_pipelines.adapters import minilm
from llmops_pipelines.cli.savings import embedding


def test_vectors_are_those_of_all_texts_at_once_and_progress_is_told(monkeypatch, capsys):
    monkeypatch.setattr(embedding, "_AT_ONCE", 4)
    texts = [f"Question number {n}, {'long ' * (n % 3)}" for n in range(9)] + [
        "Question number 1, "
    ]
    assert np.array_equal(embedding.embed(texts), minilm.embed(texts))
    assert "reading questions with MiniLM  0/10" in capsys.readouterr().err
    embedding.embed(texts[:4])
    assert capsys.readouterr().err == ""
