"""Agreement of several raters beyond chance."""

import numpy as np
import pytest

from llmops_pipelines.statistics import krippendorff_alpha

NONE = np.nan
# The example that Krippendorff works out: four observers, twelve units, some of them skipped.
OBSERVED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
).T


def test_the_worked_example_comes_out_as_published():
    assert krippendorff_alpha(OBSERVED) == pytest.approx(0.849, abs=5e-4)


@pytest.mark.parametrize(
    ("ratings", "alpha"),
    [
        ([[1.0, 1.0], [0.0, 0.0]], 1.0),
        ([[1.0, 0.0], [0.0, 1.0]], -0.5),
        ([[1.0, 1.0], [1.0, 1.0]], None),
        ([[1.0, NONE], [NONE, 0.0]], None),
    ],
)
def test_perfect_worse_than_chance_and_undefined(ratings, alpha):
    assert krippendorff_alpha(np.array(ratings)) == alpha
