"""Log formats: one file each, from bytes to canonical rows; sniffing and the registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from llmops_pipelines.formats.anthropic import ANTHROPIC
from llmops_pipelines.formats.anthropic_batch import ANTHROPIC_BATCH
from llmops_pipelines.formats.errors import ERROR_CLASSES
from llmops_pipelines.formats.extraction import connect, split_document
from llmops_pipelines.formats.helicone import HELICONE
from llmops_pipelines.formats.kong import KONG
from llmops_pipelines.formats.langfuse import LANGFUSE
from llmops_pipelines.formats.langsmith import LANGSMITH
from llmops_pipelines.formats.litellm import LITELLM
from llmops_pipelines.formats.mapped import MAPPED, MappedField, MappedFields, check_mapping
from llmops_pipelines.formats.mlflow import MLFLOW
from llmops_pipelines.formats.openai import OPENAI
from llmops_pipelines.formats.openai_batch import OPENAI_BATCH
from llmops_pipelines.formats.openai_responses import OPENAI_RESPONSES
from llmops_pipelines.formats.openinference import OPENINFERENCE
from llmops_pipelines.formats.otel_genai import OTEL_GENAI
from llmops_pipelines.formats.portkey import PORTKEY
from llmops_pipelines.formats.reading import LogFormat, Place, Reading
from llmops_pipelines.formats.rows import Limits, Rows, read_lines
from llmops_pipelines.formats.times import read_times
from llmops_pipelines.formats.unpacking import Unpacked, unpack_lines
from llmops_pipelines.formats.weave import WEAVE

FORMATS: Final[dict[str, LogFormat]] = {
    known.name: known
    for known in (
        OPENAI_BATCH,
        ANTHROPIC_BATCH,
        OPENINFERENCE,
        OTEL_GENAI,
        MLFLOW,
        LANGSMITH,
        LANGFUSE,
        LITELLM,
        HELICONE,
        PORTKEY,
        KONG,
        WEAVE,
        OPENAI_RESPONSES,
        ANTHROPIC,
        OPENAI,
        MAPPED,
    )
}
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
    "Unpacked",
    "check_mapping",
    "connect",
    "read_lines",
    "read_times",
    "sniff",
    "split_document",
    "unpack_lines",
]
