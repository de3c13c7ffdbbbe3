"""Log formats: one file each, from bytes to canonical rows; sniffing and the registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from llmops_pipelines.formats.errors import ERROR_CLASSES
from llmops_pipelines.formats.extraction import connect, split_document
from llmops_pipelines.formats.mapped import MAPPED, MappedField, MappedFields, check_mapping
from llmops_pipelines.formats.openai import OPENAI
from llmops_pipelines.formats.reading import LogFormat, Place, Reading
from llmops_pipelines.formats.rows import Limits, Rows, read_lines
from llmops_pipelines.formats.times import read_times

FORMATS: Final[dict[str, LogFormat]] = {known.name: known for known in (OPENAI, MAPPED)}
"""Every known format, in the order in which sniffing asks them."""


def sniff(lines: Sequence[str]) -> str | None:
    """The name of the format that recognises most of ``lines``; None if none recognises any.

    Lines that are not JSON objects are no evidence against a format: logs hold broken lines.
    """
    votes = dict.fromkeys(FORMATS, 0)
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(record, dict):
            continue
        for known in FORMATS.values():
            if known.recognises(record):
                votes[known.name] += 1
                break
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else None


__all__ = [
    "ERROR_CLASSES",
    "FORMATS",
    "Limits",
    "LogFormat",
    "MappedField",
    "MappedFields",
    "Place",
    "Reading",
    "Rows",
    "check_mapping",
    "connect",
    "read_lines",
    "read_times",
    "sniff",
    "split_document",
]
