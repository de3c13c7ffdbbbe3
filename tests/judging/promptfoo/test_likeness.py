"""Edit distance against the textbook's table, ROUGE by hand."""

from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.judging.promptfoo.likeness import edit_distance, rouge_n

TEXTS = st.text("abc é", max_size=12)


def table_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@given(TEXTS, TEXTS)
def test_the_distance_is_that_of_the_textbook(left, right):
    assert edit_distance(left, right) == table_distance(left, right)


def test_long_texts_are_no_trouble():
    assert edit_distance("ab" * 5_000, "ab" * 5_000 + "xyz") == 3


def test_rouge_counts_a_repeated_word_as_often_as_both_hold_it():
    assert rouge_n("a a b", "a b c d") == 4 / 7
    assert rouge_n("", "a") == 0.0
    assert rouge_n("the cat sat", "the cat ran", 2) == 0.5
