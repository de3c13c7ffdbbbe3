"""Texts cut into what may be left out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.savings.compression.units import units

FENCED = "```python\nx = 1. \ny = 2\n```\n"
JSON = '{"a": "One. Two.",\n "b": [1, 2]}\n'
TABLE = "| a | b |\n|---|---|\n| 1. x | 2 |\n"
CITED = "> First. Second.\n> Third.\n"
INDENTED = "    a = 1. \n    b = 2\n"


@pytest.mark.parametrize("block", [FENCED, JSON, TABLE, CITED, INDENTED])
def test_blocks_stay_whole_between_sentences(block):
    assert units(f"Before it. Said.\n{block}After it. Done.") == [
        "Before it. ", "Said.\n", block, "After it. ", "Done.",
    ]  # fmt: skip


def test_a_quotation_is_not_cut_and_its_sentence_ends_behind_it():
    text = 'He said "Go now. Then leave." Nobody moved. “Stay. Please.” That was all.'
    assert units(text) == [
        'He said "Go now. Then leave." ', "Nobody moved. ", "“Stay. Please.” ", "That was all.",
    ]  # fmt: skip


def test_languages_without_spaces_have_sentences_too():
    assert units("今日は晴れ。明日は雨。") == ["今日は晴れ。", "明日は雨。"]


def test_a_fence_that_never_closes_and_json_that_is_none():
    assert units("Yes.\n```\na. b. c") == ["Yes.\n", "```\na. b. c"]
    assert units("{not json. At all.") == ["{not json. ", "At all."]


@given(st.text(alphabet='ab .!?\n\t|>{}[]`"“”:1,。', max_size=200))
def test_units_put_together_are_the_text(text):
    assert "".join(units(text)) == text
    assert all(units(text))


@pytest.mark.parametrize(
    "text", ["[1,\n" * 50_000, "{" * 200_000, "\u201c" * 200_000, '"a. ' * 50_000, "> a\n" * 50_000]
)
def test_hostile_texts_take_no_more_than_their_length(text):
    begun = time.process_time()
    assert "".join(units(text)) == text
    assert time.process_time() - begun < 2
