"""What formats share when they unpack records: careful access, JSON in strings, metadata.

Foreign records hold anything anywhere. These functions answer None, an empty object or an empty
list where something is not what it should be, so that a format reads like the documentation of its
source.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from llmops_pipelines.formats.engine.reading import Record

_EMPTY: Final[tuple[Any, ...]] = ("", [], {})
_CONTEXT: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("feature", ("feature", "feature_name", "product_feature"), ("feature",)),
    ("team", ("team", "team_name"), ("team",)),
    (
        "environment",
        (
            "environment", "env", "deployment.environment.name", "deployment.environment",
            "langfuse.environment", "sentry.environment",
        ),
        ("env", "environment"),
    ),
    ("user_id", ("user_id", "userId", "user", "end_user", "enduser.id", "user.id"), ()),
    (
        "session_id",
        (
            "session_id", "sessionId", "session.id", "thread_id", "conversation_id",
            "langfuse_session_id",
        ),
        (),
    ),
    (
        "experiment_arm",
        ("experiment_arm", "experiment.arm", "arm", "variant", "ab_variant"),
        ("arm", "variant"),
    ),
    ("prompt_name", ("prompt_name", "prompt.name"), ()),
    ("prompt_version", ("prompt_version", "prompt.version"), ()),
)  # fmt: skip
"""A field, the keys of metadata that tell it, the words of tags that tell it otherwise."""

METADATA_KEYS: Final[Mapping[str, tuple[str, ...]]] = {name: keys for name, keys, _ in _CONTEXT}
"""The keys of metadata that tell a field."""

_CONTEXT_KEYS: Final = frozenset(key for keys in METADATA_KEYS.values() for key in keys)

_MOST_TAGS: Final = 50
_MOMENT: Final = re.compile(r"datetime\.datetime\([^()]*(?:\([^()]*\)[^()]*)?\)")


def first(*values: Any) -> Any:
    """The first of ``values`` that says something: not None, not empty text, list or object."""
    for value in values:
        if value or (value is not None and value not in _EMPTY):
            return value
    return None


def at_path(record: Any, *path: str | int) -> Any:
    """The value at ``path`` (keys and list positions); None where the way does not exist."""
    for step in path:
        if isinstance(record, dict) and not isinstance(step, int):
            record = record.get(step)
        elif (
            isinstance(record, list)
            and isinstance(step, int)
            and -len(record) <= step < len(record)
        ):
            record = record[step]
        else:
            return None
    return record


def from_json(value: Any) -> Any:
    """``value``, read as JSON if it is text that holds an object, a list or a quoted text."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError):
        return value


def from_printed(value: Any) -> Any:
    """As ``from_json``, also of an object or a list as Python prints it; moments in it are None.

    So cells of a CSV look that a data frame or a tool in Python wrote.
    """
    value = from_json(value)
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return ast.literal_eval(_MOMENT.sub("None", value))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def as_object(value: Any) -> Record:
    """``value`` as an object, also out of JSON text and of key-value pairs; empty if it is none."""
    value = value if isinstance(value, dict) else from_json(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list) and value and all(_is_pair(item) for item in value):
        return {str(item["key"]): item.get("value") for item in value}
    if isinstance(value, list) and all(_is_entry(item) for item in value):
        return dict(value)
    return {}


def as_list(value: Any) -> list[Any]:
    """``value`` as a list, also out of JSON text; empty if it is none."""
    value = value if isinstance(value, list) else from_json(value)
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """``value`` as text: text as it is, None as None, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def size_of(value: Any) -> int | None:
    """Length in characters of ``value`` as text; None where it says nothing."""
    text = as_text(first(value))
    return len(text) if text else None


def as_name(value: Any) -> str | None:
    """An id or a name as text; None where there is none."""
    if isinstance(value, str):
        return value or None
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def tokens(value: Any) -> Any:
    """A token count as it is, None where it is no number (objects, empty text)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == "":
        return None
    return value


def milliseconds_of(seconds: Any) -> Any:
    """Seconds as milliseconds, also out of text; text that is no number as it is, to be rejected.

    None where there is neither number nor text.
    """
    try:
        return None if isinstance(seconds, bool) else float(seconds) * 1000
    except ValueError:
        return seconds
    except TypeError:
        return None


def is_zero(value: Any) -> bool:
    """Whether a number, also one in text, is 0."""
    return _number(value) == 0


def is_positive(value: Any) -> bool:
    """Whether a number, also one in text, is above 0."""
    return (_number(value) or 0) > 0


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float, str)) else None
    except ValueError:
        return None


def tags_of(*values: Any) -> list[str]:
    """All tags of lists, JSON lists and comma-separated text, each once, in order."""
    found: dict[str, None] = {}
    for value in values:
        items = as_list(value) if not isinstance(value, dict) else []
        if isinstance(value, str) and not items and not value.startswith("["):
            items = [item.strip() for item in value.split(",")]
        for item in items:
            if isinstance(item, str) and item:
                found[item[:200]] = None
    return list(found)[:_MOST_TAGS]


def context_of(metadata: Mapping[str, Any], tags: Iterable[str] = ()) -> Record:
    """What metadata and tags say of feature, team, environment, user, session and experiment arm.

    Of tags, ``feature:search`` (or ``feature=search``) says the feature; likewise ``team``, ``env``
    and ``arm``.
    """
    said = {
        key.strip().lower(): value.strip()
        for tag in tags
        for key, mark, value in [tag.replace("=", ":", 1).partition(":")]
        if mark and value.strip()
    }
    found: Record = {}
    if not said and _CONTEXT_KEYS.isdisjoint(metadata):
        return found
    for name, keys, words in _CONTEXT:
        told = as_name(first(*[metadata[key] for key in keys if key in metadata]))
        for word in words:
            told = told or said.get(word)
        if told is not None:
            found[name] = told
    return found


def without_nulls(record: Record) -> Record:
    """``record`` without the fields that say nothing, so that later ones can fill them."""
    return {name: value for name, value in record.items() if value is not None}


def _is_entry(item: Any) -> bool:
    """Whether ``item`` is what becomes of an entry of a Parquet map: a name and its value."""
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def _is_pair(item: Any) -> bool:
    return isinstance(item, dict) and "key" in item and set(item) <= {"key", "value"}
