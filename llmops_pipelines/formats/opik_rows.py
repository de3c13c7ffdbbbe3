"""Rows of ``opik export --format csv``: one a span, beside the trace that each of them repeats.

Objects are flattened with ``_`` between their keys (``span_usage_prompt_tokens``); lists are as
Python prints them. A trace without spans has one row, whose span is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import from_printed

MARK: Final = "span_start_time"
_OBJECTS: Final = ("input", "output", "metadata", "usage", "error_info")


def is_row(record: Mapping[str, Any]) -> bool:
    """Whether ``record`` is a row of the export."""
    return {MARK, "span_id", "trace_id", "trace_start_time"} <= record.keys()


def trace_of(row: Mapping[str, Any]) -> Record:
    """The trace that a row repeats, as the API has it."""
    return _gathered(row, "trace_")


def span_of(row: Mapping[str, Any]) -> Record:
    """The span of a row, as the API has it; empty where the trace has none."""
    found = _gathered(row, "span_")
    return found if found.get("id") else {}


def _gathered(row: Mapping[str, Any], prefix: str) -> Record:
    found: Record = {}
    for column, cell in row.items():
        if not column.startswith(prefix) or cell is None or cell == "":
            continue
        name = column.removeprefix(prefix)
        within = next((key for key in _OBJECTS if name.startswith(f"{key}_")), None)
        if within is None:
            found[name] = from_printed(cell)
        else:
            inner = found.setdefault(within, {})
            if isinstance(inner, dict):
                inner[name.removeprefix(f"{within}_")] = from_printed(cell)
    return found
