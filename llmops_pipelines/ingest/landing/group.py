"""One landing group: its files read in order, its rows handed over part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.ingest.day.asked import NO_CALL
from llmops_pipelines.ingest.landing.event_days import file_day, tell_days
from llmops_pipelines.ingest.landing.parts import Part, read_part
from llmops_pipelines.ingest.landing.pieces import Piece
from llmops_pipelines.ingest.landing.tabling import landed_tables
from llmops_pipelines.ingest.log_files.files import Content, failed_content
from llmops_pipelines.ingest.log_files.lines import Block, Refused, of_few_lines
from llmops_pipelines.ingest.log_files.opening import Unknown, open_content
from llmops_pipelines.ingest.log_files.other_providers import PROVIDERS
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.privacy.forgetting import SPELLINGS
from llmops_pipelines.tables import LOG_INDEX

_KINDS: Final = ("calls", "steps", "feedback", "rejected")


class LandedBatch(NamedTuple):
    """One part of a landing group, ready to be written.

    ``tables`` holds, per table name and event day, the rows of this part; ``index`` the
    ``LOG_INDEX`` rows to put in place (see ``updated_index``) once they are written. ``spellings``
    says by what names of older keys its users and ids may have been forgotten (``respelled``).
    """

    name: str
    tables: dict[str, dict[date, pl.DataFrame]]
    index: pl.DataFrame  # type: ignore[assignment]  # hides tuple.index, on purpose
    spellings: pl.DataFrame = pl.DataFrame(schema=SPELLINGS)


@dataclass(slots=True)
class _Progress:
    """How far one file has come, and what its index row will say."""

    content: Content
    batch: str
    tag: str | None = None
    lines: int = 0
    more: int = 0
    ignored: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    days: set[date] = field(default_factory=set)
    finished: bool = False
    indexed: bool = False


def batch_of(contents: Sequence[Content], options: LandingOptions) -> str:
    """The name of the batch that ``contents`` make: SHA-256, first 32 hex digits."""
    digest = hashlib.sha256(options.digest.encode())
    for content in contents:
        source = options.sources.of(content.file.path)
        identity = (content.file.path, content.digest, source.tag if source else "sniffed")
        digest.update("\0".join(identity).encode() + b"\n")
    return digest.hexdigest()[:32]


class LandingGroup:
    """Reads the files of one group and yields its parts.

    Args:
        contents: The files, by path.
        options: As for ``land``.
        connection: From ``formats.connect``.
        finished: Told the path of each file once its last line is read.
    """

    def __init__(
        self,
        contents: Sequence[Content],
        options: LandingOptions,
        connection: duckdb.DuckDBPyConnection,
        finished: Callable[[str], None],
    ) -> None:
        self._batch = batch_of(contents, options)
        self._options = options
        self._connection = connection
        self._finished = finished
        self._files = [_Progress(content, self._batch) for content in contents]
        self._pieces: list[Piece] = []
        self._undated: list[pl.DataFrame] = []
        self._above: dict[int, date] = {}
        self._parts = 0

    def batches(self) -> Iterator[LandedBatch]:
        """All parts, in order; the last one carries what was left."""
        held = lines = 0
        for number in range(len(self._files)):
            try:
                for piece in self._read(number):
                    self._pieces.append(piece)
                    held += len(piece.block.data) if isinstance(piece.block, Block) else 0
                    lines += piece.block.lines
                    if held >= self._options.batch_bytes or lines >= self._options.batch_lines:
                        yield self._part()
                        held = lines = 0
            except OSError as error:
                self._break_off(number, error)
            self._files[number].finished = True
            self._finished(self._files[number].content.file.path)
        yield self._part()

    def _read(self, number: int) -> Iterator[Piece]:
        progress = self._files[number]
        content, path = progress.content, progress.content.file.path
        if content.failure is not None:
            raise OSError(content.failure)
        opened = open_content(self._connection, content, self._options)
        if isinstance(opened, Unknown):
            source = self._options.sources.of(path)
            progress.tag = source.tag if source else None
            progress.lines = opened.lines
            noun = "line" if opened.lines == 1 else "lines"
            reason = f"{opened.reason} ({opened.lines:,} {noun} rejected)"
            whole = Refused(0, content.length, content.digest, reason, lines=opened.lines)
            yield Piece(number, path, whole)
            return
        progress.tag = opened.tag
        dates = opened.reading.dated_by_file or opened.reading.format in PROVIDERS
        day = self._file_day(number) if dates else None
        for block in opened.blocks:
            progress.lines += block.lines if isinstance(block, Block) else 1
            if isinstance(block, Block):
                for few in of_few_lines(block, self._options.batch_lines):
                    yield Piece(number, path, few, opened.reading, day)
            else:
                yield Piece(number, path, block, opened.reading, day)

    def _break_off(self, number: int, error: OSError) -> None:
        """Forget what was read of a file that failed.

        Its rows in earlier parts carry a batch for which the index will not vouch.
        """
        content = failed_content(self._files[number].content.file, error)
        self._files[number] = _Progress(content, f"{self._batch}-unreadable", lines=1)
        self._pieces = [piece for piece in self._pieces if piece.file != number]
        self._undated = [frame.filter(pl.col("file") != number) for frame in self._undated]
        reason = f"file: cannot be read ({content.failure}); it is tried again at the next landing"
        whole = Refused(0, 0, content.digest, reason)
        self._pieces.append(Piece(number, content.file.path, whole))

    def _part(self) -> LandedBatch:
        """The pieces held as rows per day, and the index rows of files that are complete."""
        part = read_part(self._connection, self._pieces, self._options)
        self._pieces = []
        known = _known_days(part)
        rejected = tell_days(pl.concat([*self._undated, part.rejected]), known, self._above)
        # Lines wait for a day of those that follow; very many of them do not wait any longer.
        wait = rejected["day"].null_count() <= self._options.batch_lines
        rejected = rejected.with_columns(day=pl.coalesce("day", self._file_days(wait=wait)))
        self._undated = [rejected.filter(pl.col("day").is_null()).drop("day")]
        part = part._replace(rejected=rejected.filter(pl.col("day").is_not_null()))
        last = known.sort("source_line").group_by("file", maintain_order=True).last()
        self._above.update(dict(last.select("file", "day").iter_rows()))
        self._count(part)
        spellings = part.spellings
        part = Part(*(self._with_batch(frame) for frame in part))
        name = f"{self._batch}-{self._parts:04d}"
        self._parts += 1
        return LandedBatch(name, landed_tables(part), self._index(), spellings)

    def _file_day(self, number: int) -> date:
        first, last = self._options.start, self._options.moment.date()
        return file_day(self._files[number].content.file, first, last)

    def _file_days(self, *, wait: bool) -> pl.Expr:
        """The day of each complete file, for lines that nothing else dates; else of every file."""
        days = {
            number: self._file_day(number)
            for number, progress in enumerate(self._files)
            if not progress.indexed and (progress.finished or not wait)
        }
        if not days:
            return pl.lit(None, pl.Date)
        return pl.col("file").replace_strict(days, return_dtype=pl.Date, default=None)

    def _count(self, part: Part) -> None:
        for kind in _KINDS:
            frame: pl.DataFrame = getattr(part, kind)
            if frame.is_empty():
                continue
            day = {"rejected": pl.col("day"), "feedback": pl.col("given_at").dt.date()}.get(
                kind, pl.col("started_at").dt.date()
            )
            # One row speaks for all lines of a file that no format can read.
            lines = pl.col("lines").sum() if kind == "rejected" else pl.len()
            apart = NO_CALL.sum() if kind == "calls" else pl.lit(0)
            for file, rows, asked, days in (
                frame.group_by("file")
                .agg(lines.alias("n"), apart.alias("asked"), day.unique().alias("days"))
                .iter_rows()
            ):
                self._files[file].counts[kind] += rows - asked
                self._files[file].ignored += asked
                self._files[file].days.update(days)
        for file, ignored, more in part.ignored.iter_rows():
            self._files[file].ignored += ignored
            self._files[file].more += more

    def _with_batch(self, frame: pl.DataFrame) -> pl.DataFrame:
        batches = {number: progress.batch for number, progress in enumerate(self._files)}
        if frame.is_empty() or "file" not in frame.columns:
            return frame
        return frame.with_columns(
            batch=pl.col("file").replace_strict(batches, return_dtype=pl.String)
        )

    def _index(self) -> pl.DataFrame:
        rows: list[dict[str, Any]] = []
        for progress in self._files:
            if progress.finished and not progress.indexed:
                progress.indexed = True
                rows.append(_index_row(progress, self._options))
        return pl.DataFrame(rows, schema=LOG_INDEX.schema)


def _index_row(progress: _Progress, options: LandingOptions) -> dict[str, Any]:
    content = progress.content
    failed = content.failure is not None
    return {
        "source_file": content.file.path,
        "digest": content.digest,
        "size": -1 if failed else content.file.size,
        "modified_ns": -1 if failed else content.file.modified_ns,
        "batch": progress.batch,
        "source_format": progress.tag,
        "lines": progress.lines,
        "records": progress.lines + progress.more,
        **progress.counts,
        "ignored": progress.ignored,
        "days": sorted(progress.days),
        "landed_at": options.moment,
        "superseded": False,
    }


def _known_days(part: Part) -> pl.DataFrame:
    """File, line and day of every line whose time could be read."""
    frames = [pl.DataFrame(schema={"file": pl.Int64, "source_line": pl.Int64, "day": pl.Date})]
    for frame, time in (
        (part.calls, "started_at"),
        (part.steps, "started_at"),
        (part.feedback, "given_at"),
        (part.rejected.filter(pl.col("started_at").is_not_null()), "started_at"),
    ):
        if frame.height:
            frames.append(frame.select("file", "source_line", day=pl.col(time).dt.date()))
    return pl.concat(frames)
