"""What a provider counted for a record: its ``usage``, or counts that are fields of the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from llmops_pipelines.formats.records import from_json
from llmops_pipelines.formats.usage.usage import usage_of

UNCOUNTED: Final = (
    "usage: is missing; give what the provider returned, or its counts as fields of the record "
    "(prompt_tokens and completion_tokens, or input_tokens and output_tokens)"
)


def usage_in(record: Mapping[str, Any], no_counts: Collection[str]) -> dict[str, Any] | str:
    """The usage of ``record``, or why it cannot be read.

    A cell of a table may hold the object as text.

    Args:
        record: One record.
        no_counts: Its fields that are none of a usage's, where the counts stand beside them.
    """
    usage = record.get("usage")
    usage = from_json(usage.strip() or None) if isinstance(usage, str) else usage
    if usage is None:
        counts = {name: value for name, value in record.items() if name not in no_counts}
        return counts if usage_of(counts).family else UNCOUNTED
    if not isinstance(usage, dict):
        return f"usage: {repr(usage)[:40]} is no object; give what the provider returned"
    return usage
