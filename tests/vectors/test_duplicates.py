import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.vectors import VectorsError, duplicate_groups, near_duplicates


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def crowd(n: int, dims: int, seed: int, spread: float = 0.4) -> np.ndarray:
    """Vectors around a few centres, so that pairs fall on both sides of any threshold."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, n // 6), dims))
    return unit(centres[rng.integers(0, len(centres), n)] + spread * rng.normal(size=(n, dims)))


def by_brute_force(vectors: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    cosines = exact @ exact.T
    return {
        (i, j)
        for i in range(len(exact))
        for j in range(i + 1, len(exact))
        if cosines[i, j] >= threshold
    }


def test_pairs_come_in_order_with_their_cosine():
    vectors = np.array([[1, 0], [0, 1], [1, 0], [0.8, 0.6]], dtype=np.float32)
    pairs = near_duplicates(vectors, 0.7)
    assert [(pair.left, pair.right) for pair in pairs] == [(0, 2), (0, 3), (2, 3)]
    assert [pair.cosine for pair in pairs] == pytest.approx([1.0, 0.8, 0.8])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 60),
    dims=st.integers(2, 24),
    seed=st.integers(0, 10_000),
    threshold=st.floats(0.3, 0.99),
    block=st.integers(1, 70),
)
def test_it_finds_exactly_what_brute_force_finds_in_any_block_size(n, dims, seed, threshold, block):
    vectors = crowd(n, dims, seed)
    found = {(i, j) for i, j, _ in near_duplicates(vectors, threshold, block=block)}
    expected = by_brute_force(vectors, threshold)
    # Rows are renormalised to float32: a pair within 1e-6 of the line may fall on either side.
    doubtful = by_brute_force(vectors, threshold - 1e-6) - by_brute_force(vectors, threshold + 1e-6)
    assert found - doubtful == expected - doubtful


def test_the_answer_does_not_depend_on_the_block():
    vectors = crowd(300, 384, seed=4, spread=0.02)
    assert near_duplicates(vectors, 0.9, block=300) == near_duplicates(vectors, 0.9, block=7)


def test_identical_rows_reach_a_threshold_of_one():
    vectors = np.repeat(crowd(1, 384, seed=1), 3, axis=0)
    pairs = near_duplicates(vectors, 1.0)
    assert [(i, j) for i, j, _ in pairs] == [(0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize("vectors", [np.empty((0, 384), np.float32), crowd(1, 5, 0)])
def test_nothing_resembles_nothing(vectors):
    assert near_duplicates(vectors, 0.5) == []


def test_too_many_pairs_is_an_error_with_a_remedy_not_a_full_memory():
    with pytest.raises(VectorsError, match=r"more than 10 pairs of 6 .*raise the threshold"):
        near_duplicates(np.repeat(crowd(1, 4, 0), 6, axis=0), 0.9, max_pairs=10)


@pytest.mark.parametrize("threshold", [-1.0, 1.01, float("nan")])
def test_a_threshold_that_is_no_cosine_is_refused(threshold):
    with pytest.raises(VectorsError, match="threshold: is"):
        near_duplicates(crowd(3, 4, 0), threshold)


def test_a_block_of_no_rows_is_refused():
    with pytest.raises(VectorsError, match="block: is 0"):
        near_duplicates(crowd(3, 4, 0), 0.5, block=0)


def test_groups_chain_pairs_together():
    assert duplicate_groups([(0, 4, 0.9), (4, 2, 0.9), (1, 5, 0.95)], n=7) == [(0, 2, 4), (1, 5)]


def test_rows_without_a_pair_are_in_no_group():
    assert duplicate_groups([], n=3) == []


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.just(1.0))),
        )
    )
)
def test_groups_are_the_connected_components(case):
    n, pairs = case
    reach = np.eye(n, dtype=bool)
    for i, j, _ in pairs:
        reach[i, j] = reach[j, i] = True
    for _ in range(n):
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    components = {tuple(np.flatnonzero(reach[i]).tolist()) for i in range(n)}
    assert duplicate_groups(pairs, n) == sorted(group for group in components if len(group) > 1)


def test_a_pair_outside_the_rows_is_refused():
    with pytest.raises(VectorsError, match=r"the pair \(0, 3\) names a row outside 0 to 2"):
        duplicate_groups([(0, 3, 0.9)], n=3)
