"""YAML that people edit, read into pydantic models, with errors that name file, line and field."""

from __future__ import annotations

import re
from collections.abc import Hashable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

Document = TypeVar("Document", bound=BaseModel)

_KEY = "[key]"
"""Where pydantic says that a key, not its value, is at fault."""
_PLAIN = {
    "found character '\\t' that cannot start any token": "a tab; indent with spaces",
    "but found another document": "a second document begins here; keep one, without `---`",
    "mapping values are not allowed here": (
        "a second `:`, or a line indented too far; put text that holds `: ` in quotes"
    ),
    "could not find expected ':'": "a key without `:` behind it",
    "found unexpected end of stream": "a quote is opened here and never closed",
}
"""What the parser says of common slips, in the words of the one who made them."""
_BEGUN_BEFORE = ("could not find expected ':'", "found unexpected end of stream")
_KINDS = {list: "list", str: "text", int: "number", float: "number"}
_INDENTATION = "expected <block end>, but found "
_LONGEST_FOUND = 120
_LONGEST_CAUSE = 1_000


class ReferenceFileError(ValueError):
    """A reference file cannot be used. The message names file, line, field and remedy."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice: the second would silently win."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        """Build one value; one that looks like a date and is none gets a place and a name."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            problem = f"{node.value!r} cannot be read ({error}); correct it, or quote it as text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build one mapping, refusing repeated keys."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = str(getattr(key_node, "value", key_node))
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def document_text(content: bytes, *, file: str) -> str:
    """Decode ``content`` of ``file``; a character read wrongly would match no name in the logs.

    Raises:
        ReferenceFileError: It is no UTF-8, with line and remedy.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "not UTF-8"
        raise ReferenceFileError(f"{file}:{line}: is {found}; save it as UTF-8") from error


def parse_document(text: str, model: type[Document], *, file: str) -> Document:
    """Read ``text``, the content of ``file``, as ``model``; an empty file is an empty mapping.

    Models are frozen, so equal texts may share one: a night reads each file dozens of times.

    Raises:
        ReferenceFileError: One line per fault, each ``file:line: field: what is wrong``.
    """
    return cast(Document, _parsed(text, model, file))


@lru_cache(maxsize=64)
def _parsed(text: str, model: type[BaseModel], file: str) -> BaseModel:
    try:
        loader = _Loader(text)
        tree = loader.get_single_node()
        data = loader.construct_document(tree) if tree else None
    except yaml.MarkedYAMLError as error:
        raise ReferenceFileError(f"{file}:{_slip(error)}") from error
    except (yaml.YAMLError, RecursionError) as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        what = str(error).splitlines()[0]
        raise ReferenceFileError(f"{file}:{line}: not YAML: {what}") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        kind = _KINDS.get(type(data), "value")
        raise ReferenceFileError(
            f"{file}:1: is a {kind}, expected `key: value` lines with the keys "
            + ", ".join(model.model_fields)
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [
            (_line(tree, fault["loc"]), _field(fault["loc"]), _explain(fault, model))
            for fault in error.errors()
        ]
        raise ReferenceFileError(
            "\n".join(f"{file}:{line}: {field}: {what}" for line, field, what in faults)
        ) from error


def _slip(error: yaml.MarkedYAMLError) -> str:
    """Line and cause of what the parser refused, in plain words where they are known."""
    problem = error.problem or "cannot be read"
    told = _PLAIN.get(problem, problem)
    if problem.startswith(_INDENTATION):
        told = "indented other than the lines above, or a list's `-` is missing"
    # The parser stops where the file ends; the quote or the key that misleads it lies before.
    earlier = error.context_mark if problem in _BEGUN_BEFORE else None
    mark = earlier or error.problem_mark
    return f"{mark.line + 1 if mark else 1}: not YAML: {told}"


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part != _KEY) or "(file)"


def _line(tree: Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``location`` that stands in the file, from 1."""
    line = 1
    node: Node | None = tree
    for part in location:
        if isinstance(node, MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _explain(fault: Any, model: type[BaseModel]) -> str:
    location, value = fault["loc"], fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            return _unknown(location[-1], _accepted(model, location[:-1]))
        case "literal_error" if location[-1] == _KEY:
            return _unknown(value, re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
        case "missing":
            return "is missing"
    return f"{_cause(fault)[:_LONGEST_CAUSE]}{_found(value)}"


def _cause(fault: Any) -> str:
    match fault["type"]:
        case "invalid_key":
            return "a key is text; quote a number, and write a decimal with a point"
        case "model_type" | "dict_type":
            return "expected `key: value` pairs"
        case "tuple_type" | "list_type":
            return "expected a list, an entry behind each `-`"
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            return f"{fault['msg'][0].lower()}{fault['msg'][1:]}"


def _unknown(name: object, accepted: list[str]) -> str:
    close = get_close_matches(str(name), accepted, n=1)
    return (
        "is not known here"
        + (f"; accepted: {', '.join(accepted)}" if accepted else "")
        + (f"; did you mean {close[0]}?" if close else "")
    )


def _found(value: object) -> str:
    """What stands there, where it helps: a whole section is shown by its line."""
    shown = repr(value)
    return f"; found {shown}" if len(shown) <= _LONGEST_FOUND else ""


def _accepted(model: Any, location: tuple[int | str, ...]) -> list[str]:
    """Field names of the model that ``location`` leads to, where that can be told."""
    schema = model.model_json_schema()
    node: Any = schema
    for part in location:
        node = _resolved(node, schema)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            properties = node.get("properties", {})
            node = properties.get(part) or node.get("additionalProperties") or {}
        if not isinstance(node, dict):
            return []
    return list(_resolved(node, schema).get("properties", {}))


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", []):
        if "$ref" in option or "properties" in option:
            node = option
            break
    if "$ref" in node:
        target: dict[str, Any] = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        return target
    return node
