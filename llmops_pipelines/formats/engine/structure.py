"""A set of paths as one DuckDB ``json_transform`` structure, so that a line is parsed only once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from llmops_pipelines.formats.engine.paths import Path, json_path

JSON: Final = "JSON"
TEXT: Final = "VARCHAR"
MESSAGES: Final = [{"role": TEXT, "content": TEXT}]
CONTEXTS: Final = [{"id": TEXT, "content": TEXT, "score": "DOUBLE"}]
_CALLED: Final = {"name": TEXT, "arguments": TEXT}
TOOLS: Final = [{**_CALLED, "function": _CALLED}]

TYPES: Final[dict[str, Any]] = {
    "id": JSON,  # keeps the quotes, which tell text from a number
    "name": JSON,
    "json": JSON,
    "presence": None,
    "messages": MESSAGES,
    "contexts": CONTEXTS,
    "labels": [TEXT],
    "tools": TOOLS,
}
"""Type of the hole each kind of field asks for; text where the kind is not listed."""


@dataclass
class _Node:
    children: dict[str | int, _Node] = field(default_factory=dict)
    types: list[Any] = field(default_factory=list)

    # Read only once the tree is complete.
    @cached_property
    def type(self) -> Any:
        """What ``json_transform`` is asked for here; JSON where the wishes differ."""
        keys = {type(step) for step in self.children}
        if self.children and (self.types or len(keys) > 1):
            return JSON
        if self.children and keys == {int}:
            return [self.element.type]
        if self.children:
            return {step: child.type for step, child in self.children.items()}
        return self.types[0] if len(_distinct(self.types)) == 1 else JSON

    @cached_property
    def element(self) -> _Node:
        """All positions of a list as one: the list has one structure."""
        merged = _Node()
        for child in self.children.values():
            merged.types += child.types
            for step, grandchild in child.children.items():
                _merge(merged.children.setdefault(step, _Node()), grandchild)
        return merged


def _merge(into: _Node, node: _Node) -> None:
    into.types += node.types
    for step, child in node.children.items():
        _merge(into.children.setdefault(step, _Node()), child)


def _distinct(types: Iterable[Any]) -> set[str]:
    return {json.dumps(kind) for kind in types}


class Structure:
    """The tree of all wanted paths; tells the structure and how to reach each value in it."""

    def __init__(self, wanted: Iterable[tuple[Path, str]]) -> None:
        """``wanted``: each path with the kind of its field."""
        self._root = _Node()
        for path, kind in wanted:
            node = self._root
            for step in path:
                node = node.children.setdefault(step, _Node())
            if (hole := TYPES.get(kind, TEXT)) is not None:
                node.types.append(hole)

    def sql(self) -> str:
        """The structure as a SQL text literal."""
        return literal(json.dumps(self._root.type, ensure_ascii=False))

    def value(self, path: Path, kind: str) -> str:
        """SQL for the value at ``path`` in the struct ``r``, typed as ``kind`` asks."""
        wish = TYPES.get(kind, TEXT)
        node, expression = self._root, "r"
        for depth, step in enumerate(path):
            if node.type == JSON:
                return _out_of_json(
                    f"json_extract({expression}, {literal(json_path(path[depth:]))})", wish
                )
            if isinstance(step, int):
                node, expression = node.element, f"{expression}[{step + 1}]"
            else:
                quoted = step.replace('"', '""')
                node, expression = node.children[step], f'{expression}."{quoted}"'
        if wish is None or node.type == wish:
            return expression
        return _out_of_json(expression, wish)

    def hollow(self, path: Path) -> tuple[str, str] | None:
        """SQL that is true where the container at ``path`` is there and gave nothing wanted.

        Returns:
            The condition and the JSON type the container must have (OBJECT or ARRAY); None where
            ``path`` is not part of the structure, or is kept as JSON.
        """
        node, expression, inside = self._root, "r", "r"
        for step in path:
            if node.type == JSON or step not in node.children:
                return None
            quoted = str(step).replace('"', '""')
            node, inside, expression = node.children[step], expression, f'{expression}."{quoted}"'
        match node.type:
            case dict() as children:
                names = (str(child).replace('"', '""') for child in children)
                empty = "".join(f' AND {expression}."{name}" IS NULL' for name in names)
                return f"({expression} IS NOT NULL{empty})", "OBJECT"
            case list():
                return f"({inside} IS NOT NULL AND {expression} IS NULL)", "ARRAY"
            case _:
                return None


def literal(text: str) -> str:
    """``text`` as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _out_of_json(expression: str, wish: Any) -> str:
    if wish is None or wish == JSON:
        return expression
    if wish == TEXT:
        return f"json_extract_string({expression}, '$')"
    return f"json_transform({expression}, {literal(json.dumps(wish))})"
