"""Calls of tools in an output, held against the schemas that the configuration gives a provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from llmops_pipelines.judging.heuristics.response_format import SchemaError, format_error, read_json
from llmops_pipelines.judging.promptfoo.outputs import Output
from llmops_pipelines.judging.promptfoo.suite import UndecidedError

OFFERED = {"is-valid-openai-tools-call": "tools", "is-valid-openai-function-call": "functions"}
"""The assertion, and where a provider's ``config`` offers what it speaks of."""

Outcome = tuple[bool, float | None, str]


def offered(providers: Any, key: str, load: Callable[[Any], Any]) -> dict[str, Any]:
    """What each of ``providers`` offers under ``key``, by its label or id.

    ``load`` gives what a value holds that names a file.
    """
    found: dict[str, Any] = {}
    for entry in providers if isinstance(providers, list) else [providers]:
        config = entry.get("config") if isinstance(entry, Mapping) else None
        if isinstance(config, Mapping) and config.get(key):
            given = load(config[key])
            for name in (entry.get("label"), entry.get("id")):
                if name is not None:
                    found.setdefault(str(name), given)
    return found


def tools_call(value: Any, _: float | None, output: Output, text: str) -> Outcome:
    """Whether every call in the output is of a tool that was offered, with arguments that fit."""
    tools = _of_provider(value, output, "tools")
    calls = _parsed(text)
    if isinstance(calls, dict):
        calls = calls.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return False, None, "holds no calls of tools"
    schemas = _schemas(t.get("function") for t in tools if isinstance(t, dict))
    for call in calls:
        fault = _fault(call.get("function") if isinstance(call, dict) else None, schemas)
        if fault:
            return False, None, fault
    return True, None, "calls tools as offered"


def function_call(value: Any, _: float | None, output: Output, text: str) -> Outcome:
    """Whether the output calls a function that was offered, with arguments that fit."""
    functions = _of_provider(value, output, "functions")
    call = _parsed(text)
    if isinstance(call, dict) and "function_call" in call:
        call = call["function_call"]
    fault = _fault(call, _schemas(functions))
    return fault is None, None, fault or "calls a function as offered"


def _of_provider(value: Any, output: Output, what: str) -> list[Any]:
    """What was offered to the provider of ``output``; if all were offered the same, that."""
    known: dict[str, Any] = value if isinstance(value, dict) else {}
    found = known.get(output.provider or "")
    if found is None and len({json.dumps(v, sort_keys=True) for v in known.values()}) == 1:
        found = next(iter(known.values()))
    if not isinstance(found, list):
        where = f"`{what}` in the config of its provider, {output.provider or 'which is not named'}"
        raise UndecidedError(f"nothing says what was offered: no list {where}")
    return found


def _parsed(text: str) -> Any:
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return None


def _schemas(functions: Any) -> dict[str, Any]:
    return {
        str(f["name"]): f.get("parameters", {})
        for f in functions
        if isinstance(f, dict) and "name" in f
    }


def _fault(call: Any, schemas: Mapping[str, Any]) -> str | None:
    """What is wrong with one call, or None."""
    if not isinstance(call, dict) or not all(
        isinstance(call.get(part), str) for part in ("name", "arguments")
    ):
        return "holds a call without a name and arguments as text"
    name = call["name"]
    if name not in schemas:
        return f"calls {name[:80]!r}; offered are {', '.join(schemas) or 'none'}"
    try:
        fault = format_error(call["arguments"], schema=json.dumps(schemas[name]))
    except SchemaError as error:
        raise UndecidedError(str(error), supported=False) from error
    return None if fault is None else f"arguments of {name}: {fault}"
