"""Samples of a file: one JSON object a line, under the field names that RAGAS uses."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import orjson
import polars as pl

from llmops_pipelines.judging.judges.item import ITEM_SCHEMA

FIELDS: Final = {
    "user_input": "question",
    "response": "answer",
    "retrieved_contexts": "contexts",
    "reference": "reference",
    "alternative": "alternative",
}
"""Fields of a sample, and what judges call them."""

_KNOWN: Final = (*FIELDS, "id", "feature")
_ID_CHARS: Final = 500

_CONTEXTS: Final = "retrieved_contexts"


class Sample(NamedTuple):
    """One sample: its line, its id, the feature it names, and its texts by `FIELDS`' values."""

    line: int
    id: str
    feature: str | None
    texts: Mapping[str, Any]
    unread: tuple[str, ...] = ()
    """Fields of the line that nothing reads."""


class BadLine(NamedTuple):
    """A line that is no sample, its id where it has a usable one, and why."""

    line: int
    id: str
    reason: str


def read_sample(raw: bytes, line: int) -> Sample | BadLine:
    """The sample in ``raw``, the line of that number; a sample without id is ``line-<number>``.

    Blank contexts are left out, as with logged calls: they support nothing.
    """
    unnamed = f"line-{line}"
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return BadLine(line, unnamed, _why_no_json(raw, error))
    if not isinstance(record, dict):
        return BadLine(line, unnamed, f"is {_kind(record)}, expected one JSON object")
    given = record.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int | None):
        return BadLine(line, unnamed, f"id: is {_kind(given)}, expected text or a whole number")
    name = unnamed if given is None or given == "" else str(given)[:_ID_CHARS]
    record |= {_CONTEXTS: _listed(record[_CONTEXTS])} if _CONTEXTS in record else {}
    if fault := _fault(record):
        return BadLine(line, name, fault)
    texts = {field: record.get(key) for key, field in FIELDS.items()}
    texts["contexts"] = [text for text in texts["contexts"] or [] if text and text.strip()]
    unread = tuple(key[:_ID_CHARS] for key in record if key not in _KNOWN)
    return Sample(line, name, record.get("feature"), texts, unread)


def sample_frame(samples: Iterable[Sample]) -> pl.DataFrame:
    """`ITEM_SCHEMA` of ``samples``; ``call_id`` is the sample's id."""
    rows = [
        {"call_id": s.id, "trace_id": s.id, "feature": s.feature or "", **s.texts} for s in samples
    ]
    return pl.DataFrame(rows, schema=ITEM_SCHEMA)


def meant(unread: Iterable[str]) -> dict[str, str]:
    """Fields that nothing reads and that look like one that is read, by the field meant."""
    names = {**{name: name for name in FIELDS}, **{ours: name for name, ours in FIELDS.items()}}
    aliases = {"context": "contexts", "output": "answer", "input": "question", **_SYNONYMS}
    found: dict[str, str] = {}
    for name in unread:
        word = aliases.get(name.lower(), name.lower())
        close = get_close_matches(word, names, n=1, cutoff=0.8)
        if close:
            found.setdefault(names[close[0]], name)
    return found


_SYNONYMS: Final = {
    "query": "question", "prompt": "question", "completion": "answer", "documents": "contexts",
    "ground_truth": "reference", "expected": "reference", "expected_output": "reference",
    "actual_output": "answer", "retrieval_context": "contexts",
}  # fmt: skip
"""What other tools call the same."""


def _listed(contexts: Any) -> Any:
    """The list that a cell of a table holds as text: JSON, or as Python (and pandas) write it."""
    if not isinstance(contexts, str):
        return contexts
    text = contexts.strip()
    if not text.startswith(("[", "(")):  # Python's parser need not look at prose
        return contexts if text else None
    for read in (orjson.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return list(found) if isinstance(found, list | tuple) else contexts
    return contexts


def _fault(record: Mapping[str, Any]) -> str | None:
    """The first field of a wrong type, and what was expected."""
    if isinstance(record.get("user_input"), list):
        return (
            "user_input: is a list of messages (a multi-turn sample of RAGAS); judges here look at "
            "one answer: give the last question as text"
        )
    for name in ("user_input", "response", "reference", "alternative", "feature"):
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            return f"{name}: is {_kind(value)}, expected text"
    contexts = record.get(_CONTEXTS)
    if contexts is None:
        return None
    if not isinstance(contexts, list):
        return f"{_CONTEXTS}: is {_kind(contexts)}, expected a list of texts"
    for place, context in enumerate(contexts):
        if context is not None and not isinstance(context, str):
            return f"{_CONTEXTS}[{place}]: is {_kind(context)}, expected text"
    return None


def _why_no_json(raw: bytes, error: orjson.JSONDecodeError) -> str:
    if b"\x00" in raw[:1000]:
        return "holds zero bytes: is the file binary, or UTF-16?"
    try:
        raw.decode()
    except UnicodeDecodeError as fault:
        return f"is not UTF-8 (byte {fault.start + 1})"
    if raw.strip() in (b"[", b"]", b"],"):
        return "is part of one JSON array; write one object a line"
    return f"is not JSON: {error.msg.split(':')[0]} at character {error.pos + 1}"


def _kind(value: object) -> str:
    names = {
        dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number",
        float: "a number", type(None): "null",
    }  # fmt: skip
    return names[type(value)]
