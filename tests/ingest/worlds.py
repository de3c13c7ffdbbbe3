"""A small lake in memory, log files made of records, and the shortest way to land them."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from llmops_pipelines.ingest import (
    LANDED_TABLES,
    LandedBatch,
    LandingOptions,
    LogFile,
    Sources,
    changed_files,
    current_rows,
    land,
    updated_index,
)
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import LANDED_CALLS, LANDED_REJECTIONS, LOG_INDEX, Table

NOON = datetime.fromisoformat("2026-11-20T12:00:00")
MORNING_NS = 1_794_268_800_000_000_000  # 2026-11-10T00:00:00Z
TABLES = {table.name: table for table in LANDED_TABLES}


def call(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A successful call; ``changes`` replace its keys, None drops one."""
    record = {
        "id": f"c-{number}",
        "timestamp": f"2026-11-10T09:{number % 60:02d}:00Z",
        "feature": "support",
        "request": {"model": "m", "messages": [{"role": "user", "content": f"Question {number}?"}]},
        "response": {
            "model": "m-1",
            "choices": [{"finish_reason": "stop", "message": {"content": f"Answer {number}."}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5},
        },
    }
    return {key: value for key, value in (record | changes).items() if value is not None}


def utc_moment(text: str) -> datetime:
    """A moment as the tables hold it: UTC, without a zone."""
    return datetime.fromisoformat(text)


def line(record: Any) -> bytes:
    """A record as one line; bytes and text as they stand."""
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record)).encode()


def lines(*records: Any) -> bytes:
    """Records as lines, each ending in a newline."""
    return b"".join(line(record) + b"\n" for record in records)


def log(path: str, data: bytes, modified_ns: int = MORNING_NS) -> LogFile:
    """A log file of these bytes."""
    return LogFile(path, len(data), modified_ns, lambda _: io.BytesIO(data))


def options(**changes: Any) -> LandingOptions:
    """Landing as the tests want it."""
    settings = {
        "start": date(2026, 11, 1),
        "now": NOON,
        "hash_key": b"key",
        "features": Features(),
        "sources": Sources(),
    }
    return LandingOptions(**settings | changes)


@dataclass
class Lake:
    """What a caller of ``land`` keeps: parts by table, day and name, and the index."""

    options: LandingOptions = field(default_factory=options)
    index: pl.DataFrame = field(default_factory=LOG_INDEX.empty)
    parts: dict[tuple[str, date, str], pl.DataFrame] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def land(self, *files: LogFile) -> list[LandedBatch]:
        """Land what is new or changed of ``files``; every part, then its index rows."""
        found = changed_files(files, self.index, self.options.sources)
        batches = []
        for batch in land(found, self.options, self.index):
            self.write(batch)
            self.index = updated_index(self.index, batch.index)
            batches.append(batch)
        return batches

    def write(self, batch: LandedBatch) -> None:
        """Keep the rows of ``batch``, replacing a part of the same name."""
        self.names.append(batch.name)
        for table, days in batch.tables.items():
            for day, rows in days.items():
                self.parts[table, day, batch.name] = rows

    def rows(self, table: Table = LANDED_CALLS) -> pl.DataFrame:
        """The current rows of ``table``, with their day, in order of file and line."""
        frames = [
            rows.with_columns(day=pl.lit(day))
            for (name, day, _), rows in self.parts.items()
            if name == table.name
        ]
        if not frames:
            return table.empty().with_columns(day=pl.lit(None, pl.Date))
        rows = current_rows(pl.concat(frames).lazy(), self.index).collect()
        return rows.sort("source_file", "source_line")

    def file(self, path: str = "log.jsonl") -> dict[str, Any]:
        """The index row that counts of one file."""
        (row,) = self.index.filter(~pl.col("superseded"), source_file=path).to_dicts()
        return row

    def counts(self, path: str = "log.jsonl") -> tuple[int, ...]:
        """Lines, calls, steps, feedback, rejected and ignored of one file."""
        names = ("lines", "calls", "steps", "feedback", "rejected", "ignored")
        return tuple(self.file(path)[name] for name in names)


def landed(*files: LogFile, **changes: Any) -> Lake:
    """A lake with these files landed."""
    lake = Lake(options(**changes))
    lake.land(*files)
    return lake


def landed_lines(*records: Any, path: str = "log.jsonl", **changes: Any) -> Lake:
    """A lake with one file of these records landed."""
    return landed(log(path, lines(*records)), **changes)


def reasons(lake: Lake) -> list[tuple[int, str]]:
    """Line and reason of every rejection."""
    rows: Iterable[Any] = lake.rows(LANDED_REJECTIONS).select("source_line", "reason").iter_rows()
    return list(rows)
