"""Texts numbered by their views: equal numbers for equal texts, whatever holds them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.pricing.charging.texts import number_texts

LONG = "a text of more than twelve bytes, "
WORDS = st.sampled_from(["", "a", "b", "twelve bytes", "thirteen byte", "é", "日本語", LONG + "1"])


def same(texts: pl.Series, numbers: np.ndarray | None) -> bool:
    """Whether numbers and texts tell the same rows apart, nulls aside."""
    assert numbers is not None
    pairs = {(t, int(n)) for t, n in zip(texts, numbers, strict=True) if t is not None}
    known = {t for t, _ in pairs}
    return len(pairs) == len(known) == len({number for _, number in pairs})


@given(st.lists(st.lists(WORDS | st.none() | st.text(), min_size=1), min_size=1, max_size=4))
def test_equal_texts_have_equal_numbers(chunks: list[list[str | None]]) -> None:
    texts = pl.concat([pl.Series(chunk, dtype=pl.String) for chunk in chunks], rechunk=False)
    assert same(texts, number_texts(texts))


def test_a_part_of_a_column_is_numbered_by_its_own_rows() -> None:
    texts = pl.Series(["a", "b", LONG + "1", LONG + "2", "a", LONG + "1"])
    numbers = number_texts(texts[2:])
    assert same(texts[2:], numbers)
    assert sorted(set(numbers)) == [0, 1, 2]


def test_long_texts_that_are_equal_but_lie_apart_are_one() -> None:
    texts = pl.concat([pl.Series([LONG + "1", LONG + "2"]) for _ in range(3)])
    numbers = number_texts(texts)
    assert same(texts, numbers)
    assert sorted(set(numbers)) == [0, 1]


def test_numbers_are_consecutive_where_there_is_no_null() -> None:
    texts = pl.Series([f"feature-{n % 200}" for n in range(5_000)])
    numbers = number_texts(texts)
    assert same(texts, numbers)
    assert sorted(set(numbers)) == list(range(200))


@pytest.mark.parametrize("seed", range(20))
def test_texts_that_share_a_place_in_the_table_are_told_apart(seed: int) -> None:
    # Of 200 texts in 16,384 places, two share one in seven of ten tries.
    texts = pl.Series([f"{seed}/{n}" for n in range(200)])
    numbers = number_texts(texts)
    assert numbers is None or same(texts, numbers)


def test_too_many_texts_are_left_to_others() -> None:
    assert number_texts(pl.Series([str(n) for n in range(1_000)])) is None
