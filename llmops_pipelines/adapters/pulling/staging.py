"""What has arrived of a day so far, in a file of SQLite.

A page and where the next one begins are kept together or not at all, so a download that was killed
goes on with its next page.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import orjson
import zstandard

from llmops_pipelines.adapters.pulling.protocol import Page, Record, bounds

_TABLES: Final = """
create table if not exists record (id text primary key, started integer, line blob);
create table if not exists progress (
  source text, pages integer, after text, finished integer, came integer
);
"""
_LEVEL: Final = 9
_PIECE: Final = 1 << 20


class DayFile(NamedTuple):
    """A finished day: lines of JSON, compressed with zstd, and the SHA-256 of the lines."""

    content: bytes
    digest: str
    records: int


class Staging:
    """The records of one day of one source, each once.

    Args:
        file: Where they are kept.
        source: What was asked for; a file of another source, or of other settings, is emptied.
    """

    def __init__(self, file: Path, source: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._source = file, source
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _open(self) -> None:
        self._connection = sqlite3.connect(self._file, isolation_level=None)
        try:
            self._connection.executescript(_TABLES)
            found = self._connection.execute("select source from progress").fetchone()
        except sqlite3.DatabaseError:
            self._connection.close()
            self._file.unlink()
            self._connection = sqlite3.connect(self._file, isolation_level=None)
            self._connection.executescript(_TABLES)
            found = None
        if found != (self._source,):
            self.restart()

    def restart(self) -> None:
        """Forget everything that has arrived."""
        with self._transaction():
            self._connection.execute("delete from record")
            self._connection.execute("delete from progress")
            self._connection.execute(
                "insert into progress values (?, 0, null, 0, 0)", [self._source]
            )

    def add(self, page: Page) -> None:
        """Keep a page; a record that came before is replaced by its later version."""
        rows = [_row(record) for record in page.records]
        with self._transaction():
            self._connection.executemany("insert or replace into record values (?, ?, ?)", rows)
            self._connection.execute(
                "update progress set pages = pages + 1, after = ?, finished = ?, came = came + ?",
                [page.after, page.after is None, len(rows)],
            )

    def keep(self, records: Iterable[Record]) -> int:
        """Add those of an earlier download that did not come again; return how many they are."""
        before = self._connection.total_changes
        with self._transaction():
            self._connection.executemany(
                "insert or ignore into record values (?, ?, ?)", map(_row, records)
            )
        return self._connection.total_changes - before

    @property
    def pages(self) -> int:
        """Pages that have arrived."""
        return int(self._progress("pages"))

    @property
    def after(self) -> str | None:
        """Where the next page begins; None before the first."""
        after: str | None = self._progress("after")
        return after

    @property
    def finished(self) -> bool:
        """Whether the last page has arrived."""
        return bool(self._progress("finished"))

    @property
    def duplicates(self) -> int:
        """Records that came again."""
        (kept,) = self._connection.execute("select count(*) from record").fetchone()
        return max(0, int(self._progress("came")) - int(kept))

    def outside(self, day: date) -> int:
        """Records that by their own account did not start on ``day``."""
        start, end = map(_microseconds, bounds(day))
        found = "select count(*) from record where started < ? or started >= ?"
        return int(self._connection.execute(found, [start, end]).fetchone()[0])

    def day_file(self, day: date) -> DayFile:
        """The records of ``day`` in order of start and id: the same records, the same bytes."""
        packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        digest, records, pieces = hashlib.sha256(), 0, []
        for lines, count in self._lines(day):
            digest.update(lines)
            records += count
            pieces.append(packer.compress(lines))
        return DayFile(b"".join([*pieces, packer.flush()]), digest.hexdigest()[:32], records)

    def remove(self) -> None:
        """Delete the file; the day is stored elsewhere."""
        self._connection.close()
        self._file.unlink(missing_ok=True)

    def _lines(self, day: date) -> Iterator[tuple[bytes, int]]:
        start, end = map(_microseconds, bounds(day))
        rows = self._connection.execute(
            "select line from record where started is null or (started >= ? and started < ?)"
            " order by started, id",
            [start, end],
        )
        held, count = bytearray(), 0
        for (line,) in rows:
            held += line + b"\n"
            count += 1
            if len(held) >= _PIECE:
                yield bytes(held), count
                held, count = bytearray(), 0
        yield bytes(held), count

    def _progress(self, column: str) -> Any:
        return self._connection.execute(f"select {column} from progress").fetchone()[0]  # noqa: S608 - our own names

    def _transaction(self) -> sqlite3.Connection:
        self._connection.execute("begin")
        return self._connection


def bodies(content: bytes) -> Iterator[dict[str, Any]]:
    """The records of a ``DayFile``.

    Raises:
        ValueError: It is not one.
    """
    try:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)) as reader:
            yield from map(json.loads, io.BufferedReader(reader))
    except zstandard.ZstdError as error:
        raise ValueError("is not compressed with zstd") from error


def _row(record: Record) -> tuple[str, int | None, bytes]:
    started = None if record.started is None else _microseconds(record.started)
    return record.id, started, _line(record.body)


def _line(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Half a character, where a client cut a text, or a number of more than 64 bits: JSON has
        # both, and one such record must not cost its day.
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000 + aware.microsecond
