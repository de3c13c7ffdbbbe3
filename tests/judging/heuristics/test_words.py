"""Words and sentences."""

import pytest

from llmops_pipelines.judging.heuristics.words import sentences, straight_quotes, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Refunds take FIVE days", ["refund", "take", "five", "day"]),
        ("$1,250.00 and 1250", ["1250", "and", "1250"]),
        ("3.50 or 3.5", ["3.5", "or", "3.5"]),
        ("class glass", ["class", "glass"]),
        ("返金は五日", ["返", "金", "は", "五", "日"]),
        ("Größe, naïve", ["größe", "naïve"]),
        ("", []),
        ("?!—", []),
    ],
)
def test_words_are_lower_case_singular_and_numbers_have_one_spelling(text, found):
    assert words(text) == found


def test_sentences_end_at_marks_and_lines_but_not_inside_numbers():
    assert sentences("It costs 3.50 a day. Really!\n- first\n\n- second") == [
        "It costs 3.50 a day.",
        "Really!",
        "- first",
        "- second",
    ]


def test_parts_without_a_word_are_no_sentences():
    assert sentences("...\n---\n  \n Yes.") == ["Yes."]


def test_sentences_of_scripts_without_spaces_are_split():
    assert sentences("返金は五日です。送料は無料です。") == ["返金は五日です。", "送料は無料です。"]


def test_every_apostrophe_becomes_the_plain_one():
    assert straight_quotes("can\u2019t won\u2018t don`t") == "can't won't don't"
