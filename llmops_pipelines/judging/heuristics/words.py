"""Words and sentences: the one tokenisation that every embedded score of this room rests on."""

from __future__ import annotations

import re
from sys import intern

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Scripts written without spaces: each sign counts as a word."""

_WORD = re.compile(rf"\d+(?:[.,]\d+)*|[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+")
_SENTENCE_END = re.compile("(?<=[.!?])\\s+|(?<=[\u3002\uff01\uff1f])\\s*|\\n+")

# Function words of English. They carry little of what an answer claims, whatever the topic; other
# languages lose nothing by the list, since weights also fall with a word's frequency in the text.
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`", "'"))

_FUNCTION_WORDS = """
    a about also all am an and any are as at be been being but by can could did do does for from had
    has have he her here him his how i if in into is it its just let me more my no not of on or our
    out she so some such than that the their them then there these they this those to too up us very
    was we were what when where which who will with would yes you your d ll m re s t ve
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def words(text: str) -> list[str]:
    """Lower-case words of ``text`` in order, plural s taken off, numbers in one spelling."""
    return [intern(_normal(word)) for word in _WORD.findall(text.lower())]


def sentences(text: str) -> list[str]:
    """Sentences and lines of ``text`` that hold at least one word, stripped, in order."""
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if _WORD.search(part)]


def straight_quotes(text: str) -> str:
    """``text`` with every kind of apostrophe written as the plain one."""
    return text.translate(_APOSTROPHES)


def _normal(word: str) -> str:
    if word[0].isdigit():
        return _number(word)
    if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
        return word[:-1]
    return word


def _number(digits: str) -> str:
    """``1,250`` and ``1250`` alike, ``3.50`` and ``3.5`` alike."""
    plain = digits.replace(",", "")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain
