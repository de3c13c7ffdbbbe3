"""What formats share when they unpack records: careful access, JSON in strings, metadata.

Foreign records hold anything anywhere. These functions answer None, an empty object or an empty
list where something is not what it should be, so that a format reads like the documentation of its
source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from llmops_pipelines.formats.reading import Record

_EMPTY: Final[tuple[Any, ...]] = ("", [], {})
_FEATURE_KEYS: Final = ("feature", "feature_name", "product_feature")
_USER_KEYS: Final = ("user_id", "userId", "user", "end_user", "enduser.id", "user.id")
_SESSION_KEYS: Final = (
    "session_id", "sessionId", "session.id", "thread_id", "conversation_id", "langfuse_session_id",
)  # fmt: skip
_ARM_KEYS: Final = ("experiment_arm", "experiment.arm", "arm", "variant", "ab_variant")
_MOST_TAGS: Final = 50


def first(*values: Any) -> Any:
    """The first of ``values`` that says something: not None, not empty text, list or object."""
    return next(
        (value for value in values if value is not None and value not in ("", [], {})), None
    )


def at_path(record: Any, *path: str | int) -> Any:
    """The value at ``path`` (keys and list positions); None where the way does not exist."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(record, list) or not -len(record) <= step < len(record):
                return None
            record = record[step]
        else:
            if not isinstance(record, Mapping):
                return None
            record = record.get(step)
    return record


def from_json(value: Any) -> Any:
    """``value``, read as JSON if it is text that holds an object, a list or a quoted text."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError):
        return value


def as_object(value: Any) -> Record:
    """``value`` as an object, also out of JSON text and of key-value pairs; empty if it is none."""
    value = from_json(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list) and value and all(_is_pair(item) for item in value):
        return {str(item["key"]): item.get("value") for item in value}
    if isinstance(value, list) and all(_is_entry(item) for item in value):
        return dict(value)
    return {}


def as_list(value: Any) -> list[Any]:
    """``value`` as a list, also out of JSON text; empty if it is none."""
    value = from_json(value)
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
    if value is None or value == "" or isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else str(value)


def tokens(value: Any) -> Any:
    """A token count as it is, None where it is no number (objects, empty text)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == "":
        return None
    return value


def tags_of(*values: Any) -> list[str]:
    """All tags of lists, JSON lists and comma-separated text, each once, in order."""
    found: dict[str, None] = {}
    for value in values:
        items = as_list(value) if not isinstance(value, Mapping) else []
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

    def of(*keys: str) -> str | None:
        return as_name(first(*(metadata.get(key) for key in keys)))

    found = {
        "feature": of(*_FEATURE_KEYS) or said.get("feature"),
        "team": of("team", "team_name") or said.get("team"),
        "environment": of("environment", "env", "deployment.environment.name",
                          "deployment.environment") or said.get("env") or said.get("environment"),
        "user_id": of(*_USER_KEYS),
        "session_id": of(*_SESSION_KEYS),
        "experiment_arm": of(*_ARM_KEYS) or said.get("arm") or said.get("variant"),
        "prompt_name": of("prompt_name", "prompt.name"),
        "prompt_version": of("prompt_version", "prompt.version"),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def without_nulls(record: Record) -> Record:
    """``record`` without the fields that say nothing, so that later ones can fill them."""
    return {name: value for name, value in record.items() if value is not None}


def _is_entry(item: Any) -> bool:
    """Whether ``item`` is what becomes of an entry of a Parquet map: a name and its value."""
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def _is_pair(item: Any) -> bool:
    return isinstance(item, Mapping) and "key" in item and set(item) <= {"key", "value"}
