"""Records of prompts with their usage, in no format of any tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import duckdb
import orjson
import polars as pl

from llmops_pipelines.formats.bodies.messages import messages_of
from llmops_pipelines.formats.records import first, from_json
from llmops_pipelines.formats.usage.usage import usage_of
from llmops_pipelines.ingest.records.reading import as_written, read_records
from llmops_pipelines.ingest.records.record_usage import usage_in
from llmops_pipelines.reference import UNATTRIBUTED

NEEDED: Final = (
    "messages (or prompt), model, timestamp and usage (or its counts, as prompt_tokens and "
    "completion_tokens); optional id, provider, feature, prompt_version, project, session_id, "
    "user_id, service_tier, batch, stream, status, latency_ms and ttft_ms"
)
"""Fields of a record."""


_AS_WRITTEN: Final = (
    "provider", "model", "feature", "prompt_version", "project", "session_id", "service_tier",
    "user_id", "latency_ms", "ttft_ms",
)  # fmt: skip
_TEXTS: Final = ("messages", "prompt", "question")
_NO_COUNTS: Final = frozenset(
    {*_AS_WRITTEN, *_TEXTS, "id", "timestamp", "batch", "stream", "status", "answer", "contexts"}
)


class PromptRecords(NamedTuple):
    """Calls with their ``messages``, as ``formats`` reads them, and why lines were refused."""

    calls: pl.DataFrame
    refused: pl.DataFrame
    """``line`` and ``reason``."""


def read_prompts(
    connection: duckdb.DuckDBPyConnection, lines: Iterable[tuple[int, str]]
) -> PromptRecords:
    """Read records of ``NEEDED`` fields; each line is a call or refused.

    Args:
        connection: Of ``formats.connect``.
        lines: Line numbers and JSON texts.
    """
    readable, refused = {}, []
    for line, raw in lines:
        fields = _fields(raw, line)
        if isinstance(fields, str):
            refused.append((line, fields))
        else:
            readable[line] = json.dumps(fields)
    read = read_records(connection, readable)
    refused += [
        (line, as_written(reason)) for line, reason in read.rejected.select("n", "reason").rows()
    ]
    return PromptRecords(
        read.calls.with_columns(pl.col("feature").fill_null(UNATTRIBUTED)),
        pl.DataFrame(refused, {"line": pl.Int64, "reason": pl.String}, orient="row").sort("line"),
    )


def _fields(raw: str, line: int) -> Mapping[str, Any] | str:
    """A record by the names of ``formats``, or why it is none."""
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return f"is no JSON ({error})"
    if not isinstance(record, dict):
        return f"is no record of a prompt, which has {NEEDED}"
    usage = usage_in(record, _NO_COUNTS)
    if isinstance(usage, str):
        return f"is no record of a prompt: {usage}; one has {NEEDED}"
    if record.get("timestamp") is None:
        return "timestamp: is missing; without it nobody knows what a cache held"
    return {
        "call_id": str(record.get("id", f"line {line}")),
        "started_at": record["timestamp"],
        "status": first(record.get("status"), "ok"),
        "is_batch": record.get("batch"),
        "is_stream": record.get("stream"),
        "messages": messages_of(_said(record)),
        **{name: record.get(name) for name in _AS_WRITTEN},
        **usage_of(usage).fields,
    }


def _said(record: Mapping[str, Any]) -> Any:
    """What was sent. A prompt that is one text is no JSON, even where it looks like it."""
    # A cell of a table holds lists as text.
    whole = dict(record) | {"messages": from_json(record.get("messages"))}
    text = first(*(record.get(name) for name in _TEXTS[1:]))
    if whole["messages"] is None and isinstance(text, str) and not text.startswith("[{"):
        whole["messages"] = [{"role": "user", "content": text}]
    return whole
