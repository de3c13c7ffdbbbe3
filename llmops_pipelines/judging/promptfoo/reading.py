"""``promptfooconfig.yaml``: its tests and assertions. What would run code is refused, never run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from llmops_pipelines.judging.heuristics.response_format import read_json
from llmops_pipelines.judging.promptfoo.kinds import CODE, KINDS, SPELLED
from llmops_pipelines.judging.promptfoo.marked import Marked, read_yaml
from llmops_pipelines.judging.promptfoo.suite import (
    Assertion,
    AssertionSet,
    ConfigError,
    Suite,
    Test,
)
from llmops_pipelines.judging.promptfoo.tables import rows_of_table
from llmops_pipelines.judging.promptfoo.tool_calls import OFFERED, offered

Read = Callable[[str], str]
"""The text of a file, by its path as the configuration spells it. Raises OSError."""

_FILE = "file://"
_SCRIPTS = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".py", ".rb", ".go", ".wasm")
_SCORING = "assertScoringFunction"
_UNREAD = {
    "scenarios": "scenarios are not read; write them as tests",
    "derivedMetrics": "derived metrics are not computed",
    "nunjucksFilters": "filters of one's own are code, which is never run here",
}


def read_suite(text: str, *, file: str, read: Read) -> Suite:
    """The tests in ``text``, the content of ``file``, with those of the files it names.

    Raises:
        ConfigError: Naming file, line and what is wrong.
    """
    document = read_yaml(text, file)
    if not isinstance(document, Marked):
        raise ConfigError(f"{file}:1: is no mapping; a promptfoo configuration has a key `tests`")
    return _Reader(document, file, read).suite()


class _Reader:
    """Reads one configuration."""

    def __init__(self, document: Marked, file: str, read: Read) -> None:
        self._document = document
        self._file = file
        self._read = read

    def suite(self) -> Suite:
        """All of it."""
        defaults, default_file = self._defaults()
        numbered: list[Test] = []
        for raw, file in self._tests():
            for test in self._expanded(raw, file, defaults, default_file):
                numbered.append(_numbered(test, len(numbered)))
        notes = tuple(
            f"{self._file}:{_line_of(self._document, key)}: {note}"
            for key, note in _UNREAD.items()
            if key in self._document
        )
        if not numbered:
            raise ConfigError(f"{self._file}:1: tests: there are none")
        return Suite(tuple(numbered), notes)

    def _defaults(self) -> tuple[Marked, str]:
        found = self._document.get("defaultTest") or Marked()
        file = self._file
        if isinstance(found, str):
            file, found = found, read_yaml(self._text(found, f"{file}: defaultTest"), found)
        if not isinstance(found, Marked):
            raise ConfigError(f"{file}:1: defaultTest: is no mapping")
        return found, file

    def _tests(self) -> Iterator[tuple[Mapping[str, Any], str]]:
        tests = self._document.get("tests", [])
        for entry in tests if isinstance(tests, list) else [tests]:
            if isinstance(entry, str):
                yield from self._tests_of_file(entry)
            elif isinstance(entry, Marked) and isinstance(entry.get("path"), str):
                raise ConfigError(
                    f"{self._file}:{entry.line}: tests: {entry['path']} is to make the tests; "
                    "code is never run here, so write them to a file"
                )
            elif isinstance(entry, Marked):
                yield entry, self._file
            else:
                raise ConfigError(f"{self._file}: tests: {entry!r} is neither test nor file")

    def _tests_of_file(self, name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        path = name.removeprefix(_FILE)
        text = self._text(name, f"{self._file}: tests")
        kind = PurePosixPath(path).suffix.lower()
        if kind == ".csv":
            found: Iterable[Any] = rows_of_table(text, path)
        elif kind == ".jsonl":
            found = _json_lines(text, path)
        elif kind in (".yaml", ".yml", ".json"):
            found = read_yaml(text, path)
        else:
            raise ConfigError(f"{self._file}: tests: {path} is no .csv, .jsonl, .json or .yaml")
        for entry in found if isinstance(found, list) else [found]:
            if not isinstance(entry, Mapping):
                raise ConfigError(f"{path}: {entry!r} is no test")
            # A row of plain values is the variables of a test.
            is_test = any(key in entry for key in ("vars", "assert", "description", "options"))
            yield (entry if is_test else _of_variables(entry)), path

    def _expanded(
        self, raw: Mapping[str, Any], file: str, defaults: Marked, default_file: str
    ) -> Iterator[Test]:
        """One test, or one for each combination of variables that list their values."""
        place = f"{file}:{_line(raw)}"
        options = {**(defaults.get("options") or {}), **(raw.get("options") or {})}
        refusal = None
        for key in ("transform", "postprocess"):
            if key in options:
                refusal = f"options.{key} changes the output by code, which is never run here"
        if raw.get(_SCORING) or defaults.get(_SCORING):
            refusal = f"{_SCORING} decides the test by code, which is never run here"
        given = [] if options.get("disableDefaultAsserts") else [
            (entry, default_file) for entry in _list(defaults, "assert", default_file)
        ]  # fmt: skip
        given += [(entry, file) for entry in _list(raw, "assert", file)]
        asserts = tuple(self._asserted(entry, where, refusal) for entry, where in given)
        threshold = raw["threshold"] if "threshold" in raw else defaults.get("threshold")
        variables = {**self._vars(defaults, default_file), **self._vars(raw, file)}
        lists = {
            name: value
            for name, value in variables.items()
            if isinstance(value, list) and not options.get("disableVarExpansion")
        }
        for combination in product(*lists.values()):
            yield Test(
                number=0,
                vars={**variables, **dict(zip(lists, combination, strict=True))},
                asserts=asserts,
                description=raw.get("description"),
                threshold=_number(threshold, "threshold", place),
                place=place,
            )

    def _vars(self, raw: Mapping[str, Any], file: str) -> dict[str, Any]:
        place = f"{file}:{_line(raw)}: vars"
        found = raw.get("vars") or {}
        if isinstance(found, str):
            found = read_yaml(self._text(found, place), found)
        if not isinstance(found, Mapping):
            raise ConfigError(f"{place}: is no mapping")
        return {
            str(name): self._text(value, place)
            if isinstance(value, str) and value.startswith(_FILE)
            else value
            for name, value in found.items()
        }

    def _asserted(self, raw: Any, file: str, refusal: str | None) -> Assertion | AssertionSet:
        raw = self._resolved(raw, file)
        place = f"{file}:{_line(raw)}"
        kind = raw.get("type")
        if not isinstance(kind, str):
            raise ConfigError(f"{place}: assert: has no type")
        weight = _number(raw.get("weight"), "weight", place)
        shared: dict[str, Any] = {
            "threshold": _number(raw.get("threshold"), "threshold", place),
            "weight": 1.0 if weight is None else weight,
            "metric": None if raw.get("metric") is None else str(raw["metric"]),
            "place": place,
        }
        if kind == "assert-set":
            inner = [self._asserted(part, file, refusal) for part in _list(raw, "assert", file)]
            if not all(isinstance(part, Assertion) for part in inner):
                raise ConfigError(f"{place}: assert-set: holds another assert-set")
            return AssertionSet(tuple(p for p in inner if isinstance(p, Assertion)), **shared)
        negated, base = kind.startswith("not-"), kind.removeprefix("not-")
        if base in OFFERED:
            value, of_value = self._offered(OFFERED[base], place), None
        else:
            value, of_value = self._value(raw.get("value"), place)
        return Assertion(
            kind=base,
            negated=negated,
            value=value,
            refusal=_refusal(base, raw) or of_value or refusal,
            **shared,
        )

    def _resolved(self, raw: Any, file: str) -> Mapping[str, Any]:
        """An assertion that is a reference to a template, as the template."""
        if isinstance(raw, Mapping) and isinstance(raw.get("$ref"), str):
            name = raw["$ref"].removeprefix("#/assertionTemplates/")
            templates = self._document.get("assertionTemplates") or {}
            if name not in templates:
                known = ", ".join(templates) or "none"
                raise ConfigError(
                    f"{file}:{_line(raw)}: $ref: no assertion template {name!r}; known: {known}"
                )
            raw = templates[name]
        if not isinstance(raw, Mapping):
            raise ConfigError(f"{file}: assert: {raw!r} is no assertion")
        return raw

    def _offered(self, key: str, place: str) -> dict[str, Any]:
        """What the providers offer their models under ``key``."""
        providers = self._document.get("providers", self._document.get("targets"))
        return offered(providers, key, lambda given: self._value(given, place)[0])

    def _value(self, value: Any, place: str) -> tuple[Any, str | None]:
        """The value of an assertion, and why it is refused if it comes from code."""
        if not isinstance(value, str) or not value.startswith(_FILE):
            return value, None
        path = value.removeprefix(_FILE)
        if _is_script(path):
            return None, f"its value is made by {path}; code is never run here"
        text = self._text(value, f"{place}: value")
        if PurePosixPath(path).suffix.lower() in (".json", ".yaml", ".yml"):
            return read_yaml(text, path), None
        return text.strip(), None

    def _text(self, name: str, place: str) -> str:
        path = name.removeprefix(_FILE)
        if _is_script(path):
            raise ConfigError(f"{place}: {path} is code, which is never run here")
        if "://" in path:
            raise ConfigError(f"{place}: {path} is not on this machine; download it first")
        try:
            return self._read(path)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "is not UTF-8"
            raise ConfigError(f"{place}: cannot read {path}: {why}") from error


def _of_variables(row: Mapping[str, Any]) -> Marked:
    test = Marked(vars=row)
    test.line = _line(row)
    return test


def _refusal(kind: str, raw: Mapping[str, Any]) -> str | None:
    """Why an assertion is never evaluated here."""
    if kind in CODE:
        return f"{kind} runs code of the configuration, which is never run here"
    for key in ("transform", "contextTransform"):
        if key in raw:
            return f"{key} changes the output by code, which is never run here"
    if kind not in KINDS:
        if kind.partition(":")[0] in SPELLED:
            return f"{kind} is not evaluated here"
        close = get_close_matches(kind, sorted(SPELLED), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"{kind} is no assertion of promptfoo{hint}"
    return None


def _numbered(test: Test, number: int) -> Test:
    return Test(**{**vars(test), "number": number})


def _is_script(path: str) -> bool:
    """``checks.py`` and ``checks.py:function`` alike."""
    return any(part.lower().endswith(_SCRIPTS) for part in path.split(":"))


def _json_lines(text: str, file: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = read_json(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file}:{number}: not JSON: {error}") from error
        if not isinstance(entry, dict):
            raise ConfigError(f"{file}:{number}: is no JSON object")
        marked = Marked(entry)
        marked.line = number
        found.append(marked)
    return found


def _list(raw: Mapping[str, Any], key: str, file: str) -> list[Any]:
    found = raw.get(key) or []
    if not isinstance(found, list):
        raise ConfigError(f"{file}:{_line(raw)}: {key}: is no list")
    return found


def _number(value: Any, name: str, place: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{place}: {name}: {value!r} is no number")
    return float(value)


def _line(raw: object) -> int:
    return raw.line if isinstance(raw, Marked) and raw.line else 1


def _line_of(document: Marked, key: str) -> int:
    """Where a part begins; the line of its first mapping is the nearest that is known."""
    value = document[key]
    first = value[0] if isinstance(value, list) and value else value
    return _line(first)
