"""A text as units that may be left out: sentences, and blocks that are worth nothing in pieces."""

from __future__ import annotations

import json
import re

_SENTENCE_END = re.compile(
    "(?<=[.!?])[\"'\u201d\u2019)\\]]*\\s+|(?<=[\u3002\uff01\uff1f])\\s*|\\n\\s*"
)
_QUOTE = re.compile(
    '"[^"\n]{1,2000}"|\u201c[^\u201c\u201d]{1,2000}\u201d|\u00ab[^\u00ab\u00bb]{1,2000}\u00bb'
)
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_INDENTED = re.compile(r"^(?: {4}|\t)\s*\S")
_ROW = re.compile(r"^\s*\|.*\||^[^|\n]+\|[^|\n]+\|[^|\n]+|^[^\t\n]+\t[^\n]*\S")
_CITED = re.compile(r"^\s*>")
_DECODER = json.JSONDecoder()


def units(text: str) -> list[str]:
    """``text`` cut into units; joined they are ``text`` again, to the last blank.

    A unit is a sentence or a line with the blanks after it. Never cut are fenced and indented code,
    rows of a table, cited lines, JSON, and what stands between quotation marks.
    """
    found: list[str] = []
    start = 0
    for first, end in _blocks(text):
        found += _sentences(text[start:first])
        found.append(text[first:end])
        start = end
    return found + _sentences(text[start:])


def _blocks(text: str) -> list[tuple[int, int]]:
    """Where blocks begin and end, in order and apart."""
    blocks: list[tuple[int, int]] = []
    lines = text.splitlines(keepends=True)
    number = place = dead = 0
    while number < len(lines):
        line = lines[number]
        end = place + len(line)
        if line.lstrip()[:1] in ("{", "[") and place >= dead:
            end, dead = _json_end(text, end - len(line.lstrip()), end)
        if fence := _FENCE.match(line):
            end = _fence_end(text, end, fence[1])
        for row in (_INDENTED, _ROW, _CITED):
            if row.match(line):
                end = max(end, _run_end(lines, number, place, row))
        if end > place + len(line) or _is_block(line):
            blocks.append((place, end))
        while number < len(lines) and place < end:
            place += len(lines[number])
            number += 1
    return blocks


def _is_block(line: str) -> bool:
    """A single line of code, of a table or cited: too short to be told from a sentence."""
    return bool(_INDENTED.match(line) or _CITED.match(line))


def _json_end(text: str, begins: int, end: int) -> tuple[int, int]:
    """Where the JSON that begins in the line ends (its line's end), and up to where none begins.

    What could not be read up to some place is not tried again before it: a text of brackets would
    take the square of its length.
    """
    try:
        _, stop = _DECODER.raw_decode(text, begins)
    except json.JSONDecodeError as error:
        return end, error.pos
    except RecursionError:
        return end, len(text)
    closing = text.find("\n", stop)
    return (len(text) if closing < 0 else closing + 1), 0


def _fence_end(text: str, end: int, fence: str) -> int:
    closing = re.compile(rf"^ {{0,3}}{re.escape(fence)}[^\n]*\n?", re.MULTILINE).search(text, end)
    return closing.end() if closing else len(text)


def _run_end(lines: list[str], number: int, place: int, row: re.Pattern[str]) -> int:
    """Where the run of lines like this one ends."""
    while number < len(lines) and row.match(lines[number]):
        place += len(lines[number])
        number += 1
    return place


def _sentences(text: str) -> list[str]:
    """Sentences and lines with the blanks after them; none ends within quotation marks."""
    quotes = [quote.span() for quote in _QUOTE.finditer(text)]
    found, start, quote = [], 0, 0
    for stop in _SENTENCE_END.finditer(text):
        while quote < len(quotes) and quotes[quote][1] <= stop.start():
            quote += 1
        if quote < len(quotes) and _within(stop.span(), quotes[quote]):
            continue
        if stop.end() > start:
            found.append(text[start : stop.end()])
            start = stop.end()
    return [*found, text[start:]] if start < len(text) else found


def _within(stop: tuple[int, int], quote: tuple[int, int]) -> bool:
    return quote[0] < stop[0] and stop[1] <= quote[1]
