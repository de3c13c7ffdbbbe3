"""Records that come by themselves: canonical fields in, calls out, and why others are none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import duckdb
import polars as pl

from llmops_pipelines.formats import Limits, LogFormat, Rows, read_lines

_READING: Final = LogFormat("records", "", bool, unpack=lambda record: [record]).reading()
_ALWAYS: Final = Limits(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2200-01-01"))


def read_records(connection: duckdb.DuckDBPyConnection, records: Mapping[int, str]) -> Rows:
    """Read records in the fields of ``formats``, as JSON; their time may be any.

    Args:
        connection: Of ``formats.connect``.
        records: By the number of their line, which is ``n`` in what comes back.
    """
    written = pl.DataFrame(
        {"n": list(records), "raw": list(records.values())},
        schema={"n": pl.Int64, "raw": pl.String},
    )
    return read_lines(connection, written, _READING, _ALWAYS)


def as_written(reason: str) -> str:
    """The ``reason`` of a rejection by the names that such records have."""
    return reason.replace("started_at:", "timestamp:").replace("is_batch:", "batch:")
