"""JSON-schema validation whose work is bounded, since schemas and answers come from logs.

jsonschema follows whatever it is given: a pattern such as ``^(a+)+$`` takes years on forty letters,
references that fan out double at every level, and ``uniqueItems`` compares all pairs. Here work is
counted and ends at `MOST_STEPS`, and a pattern is matched by an engine that cannot explode. Counts
depend on schema and answer alone, never on the clock: the same answer is checked or not checked on
every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any

MOST_STEPS = 200_000
"""Steps of 1 to 10 microseconds that one answer may take."""

SCHEMA_CHARS = 200_000

_QUICK_STEPS = 10_000_000
"""Of Python's engine, some 10 nanoseconds each."""

_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\d*\}")
_OPTIONAL = re.compile(r"(?<![*+?}])\?")
_LOOPS = frozenset({
    "items", "additionalItems", "prefixItems", "contains", "uniqueItems", "properties",
    "patternProperties", "additionalProperties", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
})  # fmt: skip
"""Keywords that go through what the answer holds."""


class TooMuchWorkError(ValueError):
    """A schema cannot be checked against an answer within the bounds."""


def bounded_validator(document: Any, kind: Any) -> Any:
    """A jsonschema validator of ``document`` that raises rather than works without end.

    Its ``iter_errors`` must run within `counted`. A reference to outside of ``document`` fails
    instead of being fetched.

    Args:
        document: The schema, already checked against its dialect.
        kind: jsonschema's class for the dialect.

    Raises:
        TooMuchWorkError: A part of ``document`` asks for a dialect of its own, or its unevaluated
            properties depend on patterns that cannot be bounded.
    """
    from jsonschema import validators
    from referencing import Registry

    # jsonschema returns to its own, unbounded class wherever it meets `$schema`.
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key != "$schema"}
    _refuse_what_escapes(document)
    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    keywords = {name: _counting(name, own.get(name, f)) for name, f in kind.VALIDATORS.items()}
    bounded = validators.extend(kind, keywords)  # type: ignore[no-untyped-call]
    return bounded(document, registry=Registry())


class counted:  # noqa: N801 - reads as a verb where it is used
    """Context in which steps are counted from zero."""

    def __enter__(self) -> None:
        self._token = _steps.set([0])

    def __exit__(self, *_: object) -> None:
        _steps.reset(self._token)


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found in ``text``.

    Python's engine decides where the form of the pattern bounds its work; otherwise one that is
    linear in the text, which knows no look-around and no back-references.

    Raises:
        TooMuchWorkError: Neither can: it looks around, and could backtrack without end.
        re.error: It is no regular expression.
    """
    unbounded, choices, repeats_groups = _form(pattern)
    if not repeats_groups:
        # Each unbounded repeat may try every length, each choice both ways, from every start.
        work = (len(text) + 1) ** (unbounded + 1) * 2 ** min(choices, 64)
        if work <= _QUICK_STEPS:
            return re.search(pattern, text) is not None
    if not _is_linear(pattern):
        re.compile(pattern)
        raise TooMuchWorkError(f"the pattern {pattern[:80]!r} may take without end to match")
    import polars as pl

    _spend(30)
    return bool(pl.Series([text]).str.contains(pattern).item())


@lru_cache(maxsize=512)
def _form(pattern: str) -> tuple[int, int, bool]:
    """How many unbounded repeats and two-way choices it has; whether it repeats groups."""
    flat = _ATOM.sub("x", pattern).replace("(?", "(")
    choices = len(_OPTIONAL.findall(flat)) + flat.count("|")
    return len(_UNBOUNDED.findall(flat)), choices, _REPEATED_GROUP.search(flat) is not None


@lru_cache(maxsize=512)
def _is_linear(pattern: str) -> bool:
    import polars as pl

    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError:
        return False
    return True


_steps: ContextVar[list[int]] = ContextVar("_steps")


def _spend(steps: int) -> None:
    spent = _steps.get(None)
    if spent is None:
        return
    spent[0] += steps
    if spent[0] > MOST_STEPS:
        raise TooMuchWorkError(f"the check takes more than {MOST_STEPS:,} steps")


_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


def _counting(name: str, keyword: _Keyword) -> _Keyword:
    loops = name in _LOOPS

    @wraps(keyword)
    def counted_keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        inside = len(instance) if loops and isinstance(instance, list | dict) else 1
        rules = len(value) if isinstance(value, list | dict) else 1
        _spend(1 + inside + rules + (inside * rules if name == "patternProperties" else 0))
        return keyword(validator, value, instance, schema)

    return counted_keyword


def _refuse_what_escapes(document: Any) -> None:
    names, open_parts, unevaluated = set(), [document], False
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, dict):
            if isinstance(part.get("$schema"), str):
                raise TooMuchWorkError("a part of the schema names a dialect of its own")
            patterns = part.get("patternProperties")
            names |= set(patterns) if isinstance(patterns, dict) else set()
            unevaluated = unevaluated or "unevaluatedProperties" in part
            open_parts.extend(part.values())
        elif isinstance(part, list):
            open_parts.extend(part)
    # jsonschema itself matches these, by Python's engine.
    for name in names if unevaluated else ():
        unbounded, choices, repeats_groups = _form(name)
        if repeats_groups or unbounded > 1 or choices > 1:
            raise TooMuchWorkError(
                f"the schema has unevaluatedProperties beside the pattern {name[:80]!r}"
            )


def _pattern(validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield ValidationError("does not match its pattern")


def _pattern_properties(
    validator: Any, patterns: Any, instance: Any, _schema: Any
) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if matches(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [
        key
        for key in instance
        if key not in known and not any(matches(pattern, key) for pattern in patterns)
    ]
    if validator.is_type(rule, "object"):
        for key in extras:
            yield from validator.descend(instance[key], rule, path=key)
    elif not rule and extras:
        yield ValidationError("has properties the schema does not know")


def _unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if wanted and validator.is_type(instance, "array"):
        kinds = {json.dumps(_as_compared(item), sort_keys=True) for item in instance}
        if len(kinds) < len(instance):
            yield ValidationError("has equal items")


def _as_compared(value: Any) -> Any:
    """``value`` such that what JSON schema calls equal is written alike: 1 and 1.0 are."""
    if isinstance(value, dict):
        return {key: _as_compared(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_compared(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
