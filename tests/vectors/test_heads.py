"""Heads bound cosines from above."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.vectors import heads, main_directions, rounding_margin, unit_vectors


def unit(rows):
    return unit_vectors(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(2, 40), st.integers(0, 9_999), st.floats(0, 1))
def test_no_product_of_heads_is_below_the_cosine(count, dims, seed, part):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.standard_normal((count, dims)) * rng.uniform(0.01, 3, dims))
    short = heads(vectors, main_directions(vectors)[:, : round(part * dims)])
    assert short.shape == (count, round(part * dims) + 1)
    bound, exact = short @ short.T, vectors.astype(np.float64) @ vectors.astype(np.float64).T
    assert (bound >= exact - 4 * rounding_margin(dims)).all()


def test_the_main_directions_come_first():
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((100, 3)) @ rng.standard_normal((3, 50)))
    directions = main_directions(vectors)
    assert np.allclose(directions.T @ directions, np.eye(50), atol=1e-5)
    rests = [heads(vectors, directions[:, :dims])[:, -1].mean() for dims in range(4)]
    assert rests == sorted(rests, reverse=True)
    assert rests[0] == pytest.approx(1, abs=1e-4)
    assert rests[2] > 0.05 > rests[3]


def test_no_vectors_have_no_heads():
    none = unit_vectors(np.empty((0, 5)))
    assert heads(none, main_directions(none)[:, :2]).shape == (0, 3)


@pytest.mark.parametrize("dims", [2, 3])
def test_tiny_vectors_have_heads(dims):
    vectors = unit_vectors(np.eye(dims))
    assert len(heads(vectors, main_directions(vectors))) == dims
