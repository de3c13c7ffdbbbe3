"""Heads bound cosines from above."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.vectors import heads, rounding_margin, unit_vectors


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(2, 40), st.integers(0, 9_999), st.floats(0.05, 0.95))
def test_no_product_of_heads_is_below_the_cosine(count, dims, seed, rest):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, dims)) * rng.uniform(0.01, 3, dims)
    vectors = unit_vectors(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    short = heads(vectors, rest)
    bound, exact = short @ short.T, vectors.astype(np.float64) @ vectors.astype(np.float64).T
    assert (bound >= exact - 4 * rounding_margin(dims)).all()
    assert (short[:, -1] ** 2).mean() <= rest + 2 * rounding_margin(dims)


def test_vectors_of_few_directions_have_short_heads():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 50))
    vectors = unit_vectors(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    assert heads(vectors, 0.01).shape == (100, 4)
    assert heads(vectors[:0]).shape == (0, 50)


@pytest.mark.parametrize("dims", [2, 3])
def test_tiny_vectors_have_heads(dims):
    assert len(heads(unit_vectors(np.eye(dims)))) == dims
