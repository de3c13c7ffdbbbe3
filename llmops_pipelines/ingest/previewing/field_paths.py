"""Which paths of logged records fill which of our fields, and which are never used.

A flat format says itself where its fields stand. A format that unpacks is asked: a value is changed
or taken away, the record is unpacked again, and whatever is different afterwards came from there.
That needs no help from the format and sees what it computes, but only as far as the sample goes:

- a value that matters only beside others (the class of an error, in a sample without errors) may
  count as unused, and so does one that is logged twice and read at its other place;
- a value that decides how others are read (the provider, whose cached tokens may be counted apart)
  fills those too; a value that decides what a record is fills ``kind`` alone;
- JSON inside text is one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from llmops_pipelines.formats import Place, Reading
from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.engine.reading import Record, Unpack
from llmops_pipelines.formats.engine.unpacking import MISFITS
from llmops_pipelines.formats.records import at_path

_Folded = tuple[str, ...]
"""Keys from the outside in; ``[]`` is any position of a list, ``[name]`` a key-value pair of it."""

_EACH: Final = "[]"
_GONE: Final = object()
_TRIED: Final = 3
"""Records of one make that a path is tried in: those with the fewest values."""
_DEEPEST: Final = 100
_EFFORT: Final = 3_000_000
"""Values that are unpacked at most; paths beyond are called neither used nor unused."""

_OF_STEPS: Final = {"step_kind", "step_name", "document_count", "input_chars", "output_chars"}
_OF_FEEDBACK: Final = {"about_call", "rating", "thumb", "comment"}
_ELSEWHERE: Final[Mapping[str, set[str]]] = {
    "call": _OF_STEPS | _OF_FEEDBACK | {"answered"},
    "step": _OF_FEEDBACK | {"answered"},
    "feedback": _OF_STEPS | {"answered"},
}
"""Fields that records of a kind do not have; ``answered`` is no value of its own."""

_READ_BELOW: Final[Mapping[str, set[str] | None]] = {
    "messages": {"role", "content"},
    "contexts": {"id", "document_id", "content", "text", "page_content", "score"},
    "tools": {"name", "arguments", "function"},
    "text": None,
    "labels": None,
    "json": None,
}
"""Keys that are read of each item of a container; None: all of them."""


class FieldPaths(NamedTuple):
    """Our fields with the source paths that fill them, and the paths that fill none.

    List positions are folded: ``choices[].message.content``. Both are sorted by name.
    """

    mapped: dict[str, list[str]]
    dropped: list[str]


def field_paths(records: Sequence[Record], reading: Reading) -> FieldPaths:
    """Where what ``reading`` makes of ``records`` comes from. Empty values are no values."""
    records = [record for record in records if _is_shallow(record)]
    unpack = reading.unpack
    used = _placed(records, reading) if unpack is None else _asked(records, reading, unpack)
    constants = {
        name: [f"(constant {place.constant})"]
        for name, place in reading.fields.items()
        if place.constant is not None and name not in used.fields
    }
    return FieldPaths(
        {
            name: constants.get(name) or sorted(map(_shown, used.fields[name]))
            for name in sorted({*used.fields, *constants})
        },
        sorted(map(_shown, used.unused)),
    )


class _Used(NamedTuple):
    fields: dict[str, set[_Folded]]
    unused: set[_Folded]


def _placed(records: Iterable[Record], reading: Reading) -> _Used:
    """What the places of a flat format find; of several paths the first with a value is read."""
    fields: dict[str, set[_Folded]] = {}
    seen: set[_Folded] = set()
    for record in records:
        leaves = set(_leaves(record))
        seen |= leaves
        for name, found in _found(record, leaves, reading):
            fields.setdefault(name, set()).update(found)
    used = {leaf for leaves in fields.values() for leaf in leaves}
    return _Used(fields, seen - used)


def _found(
    record: Record, leaves: set[_Folded], reading: Reading
) -> Iterator[tuple[str, set[_Folded]]]:
    kind = _kind(record, reading)
    for name, place in reading.fields.items():
        if name in _ELSEWHERE.get(kind, ()):
            continue
        for path in place.paths:
            if _first(record, Place((path,))) is None:
                continue
            top = tuple(_EACH if isinstance(step, int) else step for step in path)
            found = {leaf for leaf in leaves if _reads(FIELDS[name], top, leaf)}
            if found:
                yield name, found
                break


def _reads(kind: str, top: _Folded, leaf: _Folded) -> bool:
    """Whether a field of ``kind`` that stands at ``top`` reads the value at ``leaf``."""
    if leaf[: len(top)] != top:
        return False
    below = [step for step in leaf[len(top) :] if step != _EACH]
    if kind not in _READ_BELOW:
        return len(leaf) == len(top)
    keys = _READ_BELOW[kind]
    return keys is None or not below or below[0] in keys


def _asked(records: Sequence[Record], reading: Reading, unpack: Unpack) -> _Used:
    """What changes in the canonical records when a value changes in a logged one."""
    fields: dict[str, set[_Folded]] = {}
    unused: set[_Folded] = set()
    effort = 0
    samples, words = _samples(records, reading, unpack)
    for path, sample in samples.items():
        found: set[str] = set()
        for record, size in sample:
            before = _filled(record, reading, unpack)
            for change in _changes(words[path]):
                effort += size
                after = _filled(_with(record, path, change), reading, unpack)
                if changed := _differing(before, after):
                    found |= changed
                    break
        for name in found:
            fields.setdefault(name, set()).add(path)
        if not found:
            unused.add(path)
        if effort > _EFFORT:
            break
    return _Used(fields, unused)


_Samples = dict[_Folded, list[tuple[Record, int]]]


def _samples(
    records: Sequence[Record], reading: Reading, unpack: Unpack
) -> tuple[_Samples, dict[_Folded, list[Any]]]:
    """Per path, small records of every make that have it, and some of the values it holds."""
    samples: dict[_Folded, dict[tuple[str, ...], list[tuple[Record, int]]]] = {}
    words: dict[_Folded, list[Any]] = {}
    sized = [(record, list(_valued(record))) for record in records]
    for record, leaves in sorted(sized, key=lambda pair: len(pair[1])):
        filled = _filled(record, reading, unpack)
        make = tuple(sorted({str(found.get("kind", "call")) for found in filled}))
        for path, value in leaves:
            seen = words.setdefault(path, [])
            if len(seen) < _TRIED and value not in seen:
                seen.append(value)
        for path in dict.fromkeys(path for path, _ in leaves):
            chosen = samples.setdefault(path, {}).setdefault(make, [])
            if len(chosen) < _TRIED:
                chosen.append((record, len(leaves)))
    return (
        {path: [pair for chosen in makes.values() for pair in chosen]
         for path, makes in samples.items()},
        words,
    )  # fmt: skip


def _filled(record: Record, reading: Reading, unpack: Unpack) -> list[dict[str, Any]]:
    """The fields of each canonical record; none where the record does not fit the format."""
    try:
        return [
            {
                name: value
                for name, place in reading.fields.items()
                if (value := _first(canonical, place)) is not None
            }
            for canonical in unpack(_with(record, (), lambda value: value))
        ]
    except MISFITS:
        return []


def _differing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> set[str]:
    if [found.get("kind") for found in before] != [found.get("kind") for found in after]:
        return {"kind"}
    return {
        name
        for one, other in zip(before, after, strict=True)
        for name in {*one, *other}
        if one.get(name) != other.get(name)
    }


def _changes(words: Sequence[Any]) -> list[Callable[[Any], Any]]:
    """Ways to change a value: another of its type, one that was seen elsewhere, and nothing."""
    seen = [lambda _, word=word: word for word in words]
    return [_another, *seen, lambda _: _GONE]


def _another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if value.isdecimal():
            return f"{value}1"
        case _:
            return f"{value}~"


def _is_shallow(value: Any, room: int = _DEEPEST) -> bool:
    """Whether a value can be walked; what is nested deeper than any log would exhaust the stack."""
    if not isinstance(value, (dict, list)):
        return True
    below = value.values() if isinstance(value, dict) else value
    return room > 0 and all(_is_shallow(inner, room - 1) for inner in below)


def _kind(record: Record, reading: Reading) -> str:
    return str(_first(record, reading.place("kind")) or "call")


def _first(record: Record, place: Place) -> Any:
    found = (at_path(record, *path) for path in place.paths)
    return next((value for value in found if value not in (None, "", [], {})), None)


def _valued(value: Any, path: _Folded = ()) -> Iterator[tuple[_Folded, Any]]:
    """Every value that is no container and not empty, with its folded path."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _valued(below, (*path, key))
    elif isinstance(value, list):
        pairs = _are_pairs(value)
        for item in value:
            if pairs:
                yield from _valued(item.get("value"), (*path, f"[{item['key']}]"))
            else:
                yield from _valued(item, (*path, _EACH))
    elif value is not None and value != "":
        yield path, value


def _leaves(record: Record) -> Iterator[_Folded]:
    return (path for path, _ in _valued(record))


def _with(value: Any, path: _Folded, change: Callable[[Any], Any]) -> Any:
    """A copy of ``value``, changed wherever ``path`` leads."""
    if isinstance(value, dict):
        below = {
            key: _with(inner, path[1:], change) if path[:1] == (key,) else _copied(inner)
            for key, inner in value.items()
        }
        return {key: inner for key, inner in below.items() if inner is not _GONE}
    if isinstance(value, list):
        pairs = _are_pairs(value)
        items = []
        for item in value:
            step = f"[{item['key']}]" if pairs else _EACH
            if path[:1] != (step,):
                items.append(_copied(item))
                continue
            inner = _with(item.get("value") if pairs else item, path[1:], change)
            if inner is not _GONE:
                items.append({**item, "value": inner} if pairs else inner)
        return items
    return value if path or value is None or value == "" else change(value)


def _copied(value: Any) -> Any:
    return _with(value, ("",), lambda inner: inner) if isinstance(value, (dict, list)) else value


def _are_pairs(items: list[Any]) -> bool:
    """Whether a list spells an object: items of ``key`` and ``value``, as OTLP logs attributes."""
    return bool(items) and all(
        isinstance(item, dict)
        and isinstance(item.get("key"), str)
        and set(item) <= {"key", "value"}
        for item in items
    )


def _shown(path: _Folded) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in path).removeprefix(".")
