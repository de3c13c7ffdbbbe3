"""One landing group: its files read in order, its rows handed over part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.ingest.days import file_day, tell_days
from llmops_pipelines.ingest.files import Content
from llmops_pipelines.ingest.lines import Block, Refused
from llmops_pipelines.ingest.opening import Unknown, open_content
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.parts import Part, Piece, read_part
from llmops_pipelines.ingest.tabling import landed_tables
from llmops_pipelines.formats import FORMATS
from llmops_pipelines.tables import LOG_INDEX

_COUNTS: Final = ("calls", "steps", "feedback", "rejected")


class LandedBatch(NamedTuple):
    """One part of a landing group, ready to be written.

    ``tables`` holds, per table name and event day, the rows of this part; ``index`` the ``LOG_INDEX``
    rows to put in place (see ``updated_index``) once they are written.
    """

    name: str
    tables: dict[str, dict[date, pl.DataFrame]]
    index: pl.DataFrame


@dataclass
class _Progress:
    """How far one file has come."""

    content: Content
    batch: str
    tag: str | None = None
    lines: int = 0
    ignored: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    days: set[date] = field(default_factory=set)
    finished: bool = False
    indexed: bool = False


def batch_of(contents: Sequence[Content], options: LandingOptions) -> str:
    """The name of the batch that these contents make: SHA-256, first 32 hex digits."""
    digest = hashlib.sha256(options.digest.encode())
    for content in contents:
        source = options.sources.of(content.file.path)
        identity = (content.file.path, content.digest, source.tag if source else "sniffed")
        digest.update("\0".join(identity).encode() + b"\n")
    return digest.hexdigest()[:32]


class LandingGroup:
    """Reads the files of one group and yields its parts."""

    def __init__(
        self,
        contents: Sequence[Content],
        options: LandingOptions,
        connection: duckdb.DuckDBPyConnection,
        finished: Callable[[str], None],
    ) -> None:
        """``finished`` is told the path of each file once its last line is read."""
        self.batch = batch_of(contents, options)
        self._options = options
        self._connection = connection
        self._finished = finished
        self._files = [_Progress(content, self.batch) for content in contents]
        self._pieces: list[Piece] = []
        self._undated = pl.DataFrame()
        self._above: dict[int, date] = {}
        self._parts = 0

    def batches(self) -> Iterator[LandedBatch]:
        """All parts, in order; the last one carries what was left."""
        held = 0
        for number, progress in enumerate(self._files):
            try:
                for piece in self._read(number, progress):
                    self._pieces.append(piece)
                    held += len(piece.block.data) if isinstance(piece.block, Block) else 0
                    if held >= self._options.batch_bytes:
                        yield self._part()
                        held = 0
            except OSError as error:
                self._fail(number, progress, error)
            progress.finished = True
            self._finished(progress.content.file.path)
        yield self._part()

    def _read(self, number: int, progress: _Progress) -> Iterator[Piece]:
        path = progress.content.file.path
        opened = open_content(self._connection, progress.content, self._options)
        if isinstance(opened, Unknown):
            source = self._options.sources.of(path)
            progress.tag = source.tag if source else None
            progress.lines = opened.lines
            progress.counts["rejected"] = opened.lines - 1  # the row below is the other one
            reason = f"{opened.reason} ({opened.lines:,} lines rejected)"
            whole = Refused(0, progress.content.length, progress.content.digest, reason)
            yield Piece(number, path, FORMATS["openai"].reading(), whole)
            return
        progress.tag = opened.tag
        for block in opened.blocks:
            progress.lines += block.lines if isinstance(block, Block) else 1
            yield Piece(number, path, opened.reading, block)

    def _fail(self, number: int, progress: _Progress, error: OSError) -> None:
        """Forget what was read of a file that broke off; its rows in earlier parts stay unvouched for."""
        path = progress.content.file.path
        self._pieces = [piece for piece in self._pieces if piece.file != number]
        if self._undated.height:
            self._undated = self._undated.filter(pl.col("file") != number)
        self._files[number] = failed = unreadable(progress.content, self.batch)
        failed.finished = True
        reason = f"file: cannot be read ({error.strerror or error}); it is tried again at the next landing"
        self._pieces.append(
            Piece(number, path, FORMATS["openai"].reading(), Refused(0, 0, failed.content.digest, reason))
        )

    def _part(self) -> LandedBatch:
        """Turn the pieces held into rows, days and index rows."""
        options, files = self._options, self._files
        part = read_part(self._connection, self._pieces, options)
        self._pieces = []
        part = Part(*(self._with_batch(frame) for frame in part))
        known = _known_days(part)
        rejected = pl.concat([self._undated, part.rejected], how="diagonal")
        rejected = self._dated(tell_days(rejected, known, self._above))
        self._undated = rejected.filter(pl.col("day").is_null())
        rejected = rejected.filter(pl.col("day").is_not_null())
        for file, day in known.group_by("file").agg(pl.col("day").sort_by("source_line").last()).rows():
            self._above[file] = day
        self._count(part, rejected)
        batch = LandedBatch(
            f"{self.batch}-{self._parts:04d}", landed_tables(part, rejected), self._index()
        )
        self._parts += 1
        return batch

    def _with_batch(self, frame: pl.DataFrame) -> pl.DataFrame:
        if frame.is_empty():
            return frame
        batches = {number: progress.batch for number, progress in enumerate(self._files)}
        return frame.with_columns(
            batch=pl.col("file").replace_strict(batches, return_dtype=pl.String)
        )

    def _dated(self, rejected: pl.DataFrame) -> pl.DataFrame:
        """Lines of finished files that have no dated neighbour get the day of their file."""
        first, last = self._options.start, self._options.moment.date()
        own = {
            number: file_day(
                progress.content.file.path, progress.content.file.modified_ns, first, last
            )
            for number, progress in enumerate(self._files)
            if progress.finished or progress is self._files[-1]
        }
        return rejected


def unreadable(content: Content, batch: str) -> _Progress:
    raise NotImplementedError
