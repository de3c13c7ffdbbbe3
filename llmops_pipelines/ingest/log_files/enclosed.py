"""Records that stand neither one a line nor in an array: printed over lines, or inside an answer.

Exporters that print for people write one indented object after another; those that send in batches
one array after another (Kong's HTTP log); answers of an API hold their records in a list
(``{"data": [...], "meta": {...}}``), one answer a file or one a line; scripts that collect answers
keep them by name (``{"call-1": {...}, "call-2": {...}}``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

_DEEPEST: Final = 3
"""So many keys lead to a list of records at most."""

_SEVERAL: Final = 2


def printed_objects(text: str) -> list[str] | None:
    """The objects that ``text`` is, one after another, each on a line; None if it is anything else.

    Arrays of objects stand for what they hold. None, too, of no object at all.
    """
    decoder, found, place = json.JSONDecoder(), list[str](), 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return None
        if isinstance(value, dict):
            # Only between its parts does JSON have ends of lines.
            found.append(text[place:end].replace("\n", " ").replace("\r", " "))
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            found += [json.dumps(item, separators=(",", ":")) for item in value]
        else:
            return None
        place = end
    return found or None


def enclosed_records(objects: Sequence[str]) -> list[str]:
    """The elements of every list of objects in ``objects``, each as a line, none left out.

    Objects of one kind under names of their own are a list, unless they stand beside one.
    """
    try:
        return [
            json.dumps(element, separators=(",", ":"))
            for text in objects
            for elements in _lists(json.loads(text), 1)
            for element in elements
        ]
    except (ValueError, RecursionError):
        return []


def _lists(value: Any, depth: int, *, alone: bool = True) -> Iterator[list[Any]]:
    if not isinstance(value, dict):
        return
    if alone and _are_of_one_kind(held := list(value.values())):
        yield held
        return
    alone = alone and not any(map(_is_list, value.values()))
    for name, inner in value.items():
        if name == "columns" and "rows" in value:  # says what the rows' fields are (Logfire)
            continue
        if _is_list(inner):
            yield inner
        elif depth < _DEEPEST:
            yield from _lists(inner, depth + 1, alone=alone)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _are_of_one_kind(values: list[Any]) -> bool:
    """Whether there are several objects, and most of their keys are those of all."""
    if len(values) < _SEVERAL or not all(isinstance(value, dict) and value for value in values):
        return False
    keys = [value.keys() for value in values]
    return 2 * len(set.intersection(*map(set, keys))) > len(set.union(*map(set, keys)))
