import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.vectors import VectorsError, nearest, neighbours
from tests.vectors.test_duplicates import crowd


def test_the_nearest_come_first():
    corpus = np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32)
    rows, cosines = nearest(np.array([[0.6, 0.8]], dtype=np.float32), corpus, k=2)
    assert rows.tolist() == [[2, 1]]
    assert cosines[0] == pytest.approx([0.96, 0.8])


def test_equal_cosines_go_by_row():
    corpus = np.array([[0, 1], [1, 0], [1, 0], [1, 0]], dtype=np.float32)
    assert nearest(corpus[1:2], corpus, k=3).rows.tolist() == [[1, 2, 3]]


def test_a_small_corpus_gives_as_many_as_it_has():
    assert nearest(crowd(4, 5, 1), crowd(2, 5, 2), k=9).rows.shape == (4, 2)


def test_an_empty_corpus_has_no_neighbours():
    assert nearest(crowd(4, 5, 1), np.empty((0, 5), np.float32), k=3).rows.shape == (4, 0)


def test_no_queries_ask_for_nothing():
    assert nearest(np.empty((0, 5), np.float32), crowd(4, 5, 1), k=3).cosines.shape == (0, 3)


@settings(max_examples=40, deadline=None)
@given(
    asked=st.integers(1, 20),
    known=st.integers(1, 50),
    k=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_it_finds_what_sorting_every_cosine_finds(asked, known, k, seed):
    vectors = crowd(asked + known, 12, seed)
    queries, corpus = vectors[:asked], vectors[asked:]
    found = nearest(queries, corpus, k)
    full = queries.astype(np.float64) @ corpus.astype(np.float64).T
    best = -np.sort(-full, axis=1)[:, :k]
    assert found.cosines == pytest.approx(best, abs=1e-6)
    assert np.take_along_axis(full, found.rows, axis=1) == pytest.approx(found.cosines, abs=1e-6)


def test_blocks_of_queries_give_the_same_answer(monkeypatch):
    queries, corpus = crowd(50, 16, 3), crowd(40, 16, 4)
    whole = nearest(queries, corpus, 5)
    monkeypatch.setattr(neighbours, "_PRODUCTS_AT_ONCE", 120)
    blocked = nearest(queries, corpus, 5)
    assert blocked.rows.tolist() == whole.rows.tolist()
    assert blocked.cosines.tolist() == whole.cosines.tolist()


def test_vectors_of_two_models_are_not_compared():
    with pytest.raises(VectorsError, match="queries have 5 dimensions, the corpus has 6"):
        nearest(crowd(2, 5, 0), crowd(2, 6, 0), 1)


def test_no_neighbours_cannot_be_asked_for():
    with pytest.raises(VectorsError, match="k: is 0"):
        nearest(crowd(2, 5, 0), crowd(2, 5, 0), 0)
