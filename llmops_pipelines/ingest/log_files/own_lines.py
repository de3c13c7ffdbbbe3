"""Lines in which an application logs something else than a call, among its calls.

A logger (Go's zap and slog, logback, pino) writes a level and a message, and where something failed
an error. That error is no failed call, and there is nothing to mend in the line: it is ignored and
counted unless it carries what only a call has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from llmops_pipelines.formats import FORMATS, Reading, Rows, Unpacked
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.ingest.log_files.rewriting import object_in

_LEVELS: Final = ("level", "severity", "levelname", "log.level", "lvl", "loglevel", "log_level")
_SAID: Final = ("msg", "message", "@message", "short_message", "event")
_OF_CALLS: Final = frozenset({
    "request", "body", "response", "messages", "choices", "kind", "feature", "latency_ms",
    "latencyMs", "attempt",
})  # fmt: skip
"""What an envelope tells of a call, and a logger of nothing else."""

_SPEAKS_OF_CALLS: Final = re.compile("model|token|usage|prompt|completion|llm|gpt", re.IGNORECASE)
"""Names of what may be a call in a form that is not known: that is told, and not passed over."""


def own_lines(rows: Rows, read: Unpacked, lines: pl.DataFrame, reading: Reading) -> pl.Series:
    """The ``n`` of those ``lines`` that are a logger's own.

    Args:
        rows: What was read of the records of ``read``.
        read: What ``lines`` hold.
        lines: ``n`` and ``raw``.
        reading: How they were read. Where people have placed fields, they know what a line is.
    """
    nothing = pl.Series("n", [], pl.Int64)
    if not reading.enveloped or reading != FORMATS[reading.format].reading():
        return nothing
    empty = pl.all_horizontal(pl.col("model", "model_requested", "answer").is_null())
    failed = rows.calls.filter(pl.col("status") == "error", empty)
    suspects = read.records.join(
        pl.concat([rows.rejected.select("n"), failed.select("n")]), on="n", how="semi"
    )
    if suspects.is_empty():
        return nothing
    found = [
        number
        for number, raw in lines.join(suspects.select(n="line"), on="n", how="semi")
        .select("n", "raw")
        .iter_rows()
        if is_own(object_in(raw))
    ]
    return pl.Series("n", found, pl.Int64)


def is_own(record: Record | None) -> bool:
    """Whether a logger wrote ``record``, and nothing of a call into it."""
    return (
        record is not None
        and _OF_CALLS.isdisjoint(record)
        and not any(_SPEAKS_OF_CALLS.search(name) for name in _names(record))
        and any(isinstance(record.get(name), (str, int)) for name in _LEVELS)
        and any(isinstance(record.get(name), str) for name in _SAID)
    )


def _names(record: Record) -> Iterator[str]:
    for name, value in record.items():
        yield name
        if isinstance(value, dict):
            yield from value
