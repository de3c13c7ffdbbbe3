"""What people gave, as ratings of 1 to 5 or thumbs."""

import pytest

from llmops_pipelines.formats.scales import rated


@pytest.mark.parametrize(
    ("value", "label", "expected"),
    [
        (1, 1, {"rating": 5.0}),
        (0.25, 0.25, {"rating": 2.0}),
        ("0.5", "0.5", {"rating": 3.0}),
        (4.5, 4.5, {"rating": 4.5}),
        (True, True, {"thumb": "up"}),
        (None, "Thumbs_Down", {"thumb": "down"}),
        (None, "👍", {"thumb": "up"}),
        (5.1, 5.1, None),
        (-1, -1, None),
        (None, None, None),
        (float("nan"), float("nan"), None),
        ({}, [], None),
    ],
)
def test_a_score_without_a_type_is_told_by_its_value(value, label, expected):
    assert rated(value, label) == expected


def test_stars_begin_at_one():
    assert rated(1, 1, stars=True) == {"rating": 1.0}
    assert rated(0.5, 0.5, stars=True) is None


def test_a_category_s_index_is_no_number():
    assert rated(1, "billing", kind="CATEGORICAL") is None


def test_a_number_s_text_is_no_thumb():
    assert rated(3, "yes", kind="NUMERIC") == {"rating": 3.0}
