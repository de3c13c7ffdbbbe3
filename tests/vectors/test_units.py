import numpy as np
import pytest

from llmops_pipelines.vectors import VectorsError, unit_vectors


def test_rounding_of_an_embedder_is_made_exact():
    vectors = unit_vectors([[1.0004, 0.0], [0.6, 0.8]])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-7)


def test_whole_numbers_are_numbers():
    assert unit_vectors([[1, 0], [0, 1]]).tolist() == [[1, 0], [0, 1]]


def test_no_vectors_are_fine():
    assert unit_vectors(np.empty((0, 384))).shape == (0, 384)


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        ([1.0, 0.0], r"texts: has shape \(2,\), expected one vector a row"),
        ([[[1.0]]], r"texts: has shape \(1, 1, 1\)"),
        ([["a", "b"]], "texts: holds <U1, expected numbers"),
        (np.empty((2, 0)), "its vectors have no dimensions"),
        ([[1, 0], [np.nan, 1]], "1 of 2 rows hold NaN or infinity, the first is row 1; embed"),
        ([[np.inf, 0]], "1 of 1 rows hold NaN or infinity"),
        (
            [[1, 0], [3, 4], [0, 0]],
            "2 of 3 rows are not unit vectors, the first is row 1 of length 5;",
        ),
    ],
)
def test_what_is_no_matrix_of_unit_vectors_says_so(vectors, complaint):
    with pytest.raises(VectorsError, match=complaint):
        unit_vectors(vectors, name="texts")
