"""Log formats: one file each, from bytes to canonical rows; sniffing and the registry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import orjson

from llmops_pipelines.formats.anthropic import ANTHROPIC
from llmops_pipelines.formats.anthropic_batch import ANTHROPIC_BATCH
from llmops_pipelines.formats.anthropic_events import ANTHROPIC_EVENTS
from llmops_pipelines.formats.bedrock import BEDROCK
from llmops_pipelines.formats.bedrock_converse import BEDROCK_CONVERSE
from llmops_pipelines.formats.claude_code import CLAUDE_CODE
from llmops_pipelines.formats.cohere import COHERE
from llmops_pipelines.formats.engine.errors import ERROR_CLASSES
from llmops_pipelines.formats.engine.extraction import connect, split_document
from llmops_pipelines.formats.engine.reading import LogFormat, Place, Reading, Record
from llmops_pipelines.formats.engine.rows import Rows, read_lines
from llmops_pipelines.formats.engine.times import Limits, read_times
from llmops_pipelines.formats.engine.unpacking import Unpacked, unpack_lines
from llmops_pipelines.formats.gemini import GEMINI
from llmops_pipelines.formats.gemini_batch import GEMINI_BATCH
from llmops_pipelines.formats.helicone import HELICONE
from llmops_pipelines.formats.kong import KONG
from llmops_pipelines.formats.langfuse import LANGFUSE
from llmops_pipelines.formats.langsmith import LANGSMITH
from llmops_pipelines.formats.litellm import LITELLM
from llmops_pipelines.formats.mapped import MAPPED, MappedField, MappedFields, check_mapping
from llmops_pipelines.formats.mlflow import MLFLOW
from llmops_pipelines.formats.ollama import OLLAMA
from llmops_pipelines.formats.openai import OPENAI
from llmops_pipelines.formats.openai_batch import OPENAI_BATCH
from llmops_pipelines.formats.openai_chunks import OPENAI_CHUNKS
from llmops_pipelines.formats.openai_responses import OPENAI_RESPONSES
from llmops_pipelines.formats.openinference import OPENINFERENCE
from llmops_pipelines.formats.opik import OPIK
from llmops_pipelines.formats.otel_genai import OTEL_GENAI
from llmops_pipelines.formats.portkey import PORTKEY
from llmops_pipelines.formats.weave import WEAVE

FORMATS: Final[dict[str, LogFormat]] = {
    known.name: known
    for known in (
        OPENAI_BATCH,
        ANTHROPIC_BATCH,
        GEMINI_BATCH,
        OPENINFERENCE,
        OTEL_GENAI,
        MLFLOW,
        LANGSMITH,
        OPIK,
        LANGFUSE,
        LITELLM,
        HELICONE,
        PORTKEY,
        KONG,
        BEDROCK,
        BEDROCK_CONVERSE,
        WEAVE,
        OPENAI_RESPONSES,
        CLAUDE_CODE,
        ANTHROPIC,
        ANTHROPIC_EVENTS,
        GEMINI,
        COHERE,
        OLLAMA,
        OPENAI_CHUNKS,
        OPENAI,
        MAPPED,
    )
}
"""Every known format, in the order in which sniffing asks them."""


_MARKED: Final[dict[str, list[str]]] = {
    mark: [known.name for known in FORMATS.values() if mark in known.marks]
    for mark in dict.fromkeys(mark for known in FORMATS.values() for mark in known.marks)
}
"""Which formats a key at the top of a record speaks for."""


def sniff(lines: Sequence[str]) -> str | None:
    """The name of the format that recognises most of ``lines``; None if none recognises any.

    Lines that are not JSON objects are no evidence against a format: logs hold broken lines.
    """
    return sniff_records(objects_in(lines))


def objects_in(lines: Sequence[str]) -> list[Record]:
    """Those of ``lines`` that are JSON objects, read; NaN and lone surrogates are let through."""
    found = []
    for line in lines:
        try:
            record = _read(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def sniff_records(records: Sequence[Record]) -> str | None:
    """As ``sniff``, of lines that have been read."""
    votes = Counter[str]()
    for record in records:
        asked = {name for mark in record.keys() & _MARKED.keys() for name in _MARKED[mark]}
        for known in FORMATS.values():
            if known.name in asked and known.recognises(record):
                votes[known.name] += 1
                break
    best = max(FORMATS, key=votes.__getitem__)
    return best if votes[best] else None


def _read(line: str) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)


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
    "objects_in",
    "read_lines",
    "read_times",
    "sniff",
    "sniff_records",
    "split_document",
    "unpack_lines",
]
