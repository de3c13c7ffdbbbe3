"""Tests as rows of a table: columns are variables, but for those that begin with ``__``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from llmops_pipelines.judging.promptfoo.checks import comma_separated
from llmops_pipelines.judging.promptfoo.kinds import LISTED, SPELLED
from llmops_pipelines.judging.promptfoo.marked import Marked
from llmops_pipelines.judging.promptfoo.suite import ConfigError

_ASSERTION = re.compile(
    r"(?P<type>(?:not-)?[a-z][a-z0-9-]*)(?:\((?P<threshold>\d+(?:\.\d+)?)\))?(?::(?P<value>.*))?",
    re.DOTALL,
)
_SHORT = {"grade": "llm-rubric", "fn": "javascript", "eval": "javascript"}
_SIMILAR, _OTHER = 0.8, 0.75
"""Thresholds that a row's assertion has where it names none; promptfoo's."""

_WITH_THRESHOLD = (
    "answer-relevance", "context-faithfulness", "context-recall", "context-relevance", "cost",
    "latency", "levenshtein", "rouge-n", "similar",
)  # fmt: skip


_MOST_CELL_CHARS = 131_072


def rows_of_table(text: str, file: str) -> list[Marked]:
    """The tests in ``text``, a CSV file with a header.

    Raises:
        ConfigError: It has no header, or a threshold is no number.
    """
    csv.field_size_limit(_MOST_CELL_CHARS)  # whoever reads CSV in this process sets it
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    tests: list[Marked] = []
    try:
        if not table.fieldnames:
            raise ConfigError(f"{file}:1: has no header")
        begins = table.line_num + 1
        for row in table:
            test = _test(row, f"{file}:{begins}")
            test.line = begins
            for entry in test["assert"]:
                entry.line = begins
            tests.append(test)
            begins = table.line_num + 1
    except csv.Error as error:
        raise ConfigError(f"{file}:{table.line_num}: is no CSV: {error}") from error
    return tests


def assertion_of(text: str) -> Marked:
    """The assertion that ``text`` spells, such as ``similar(0.8): text``; else equality to it."""
    head, colon, rest = text.partition(":")
    if colon and head in _SHORT:
        return Marked(type=_SHORT[head], value=rest.strip())
    if text.startswith("file://"):
        return Marked(type="javascript", value=text)
    spelled = _ASSERTION.fullmatch(text)
    if not spelled or spelled["type"].removeprefix("not-") not in SPELLED:
        return Marked(type="equals", value=text)
    kind = spelled["type"].removeprefix("not-")
    value: Any = spelled["value"]
    if kind in LISTED and value is not None:
        value = [part.strip() for part in comma_separated(value)]
    elif isinstance(value, str):
        value = value.strip()
    found = Marked(type=spelled["type"], value=value or None)
    if kind in _WITH_THRESHOLD:
        default = _SIMILAR if kind == "similar" else _OTHER
        found["threshold"] = float(spelled["threshold"] or default)
    return found


def _test(row: Mapping[str, Any], place: str) -> Marked:
    test = Marked({"vars": {}, "assert": []})
    for column, value in row.items():
        if column is None or value is None:
            continue  # a row longer or shorter than its header
        if column.startswith("__expected"):
            if value.strip():
                test["assert"].append(assertion_of(value.strip()))
        elif column == "__threshold" and value.strip():
            try:
                test["threshold"] = float(value)
            except ValueError as error:
                raise ConfigError(f"{place}: __threshold: {value!r} is no number") from error
        elif column == "__description":
            test["description"] = value
        elif not column.startswith("__"):
            test["vars"][column] = value
    if metric := row.get("__metric"):
        for entry in test["assert"]:
            entry["metric"] = metric
    return test
