"""Format ``ollama``: answers of Ollama's ``/api/chat`` and ``/api/generate``, one a line.

As documented in Ollama's API reference: of a stream only the last object (``done``) has counts, its
pieces are ignored, and so is their text. ``created_at`` is when the object was made, hence the end;
``total_duration`` is in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from llmops_pipelines.formats.counts import count_in
from llmops_pipelines.formats.ollama import counts_in, reply_of, speaks
from llmops_pipelines.formats.reading import LogFormat, Record
from llmops_pipelines.formats.records import without_nulls
from llmops_pipelines.formats.usage import tokens_of


def _recognises(record: Mapping[str, Any]) -> bool:
    return speaks(record) and "model" in record and "created_at" in record


def _unpack(record: Record) -> Iterator[Record]:
    if record.get("done") is False:
        yield {"kind": "ignored"}
        return
    took = count_in(record.get("total_duration"))
    yield without_nulls(
        {
            "kind": "call",
            "status": "ok",
            "provider": "ollama",
            "started_at": _began(record.get("created_at"), took),
            "latency_ms": None if took is None else took / 1e6,
            **reply_of(record),
            **tokens_of(counts_in(record)),
        }
    )


def _began(ended: Any, nanoseconds: int | None) -> Any:
    """When a call began that ended at a time; that time as it stands where this is unknown."""
    try:
        return (
            datetime.fromisoformat(ended) - timedelta(microseconds=(nanoseconds or 0) / 1000)
        ).isoformat()
    except (TypeError, ValueError, OverflowError):
        return ended


OLLAMA: Final = LogFormat(
    name="ollama",
    about="Ollama's answers of /api/chat and /api/generate",
    marks=("done",),
    recognises=_recognises,
    unpack=_unpack,
    needs=("model, created_at, done, and message or response",),
)
