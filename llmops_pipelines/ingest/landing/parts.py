"""A batch's worth of lines to landed rows: provenance, owner, hidden user, texts as allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import duckdb
import numpy as np
import polars as pl

from llmops_pipelines.formats import FORMATS, Reading, Rows, Unpacked, read_lines, unpack_lines
from llmops_pipelines.ingest.day.inheritance import INHERITED, inherit
from llmops_pipelines.ingest.digests import keyed_hashes
from llmops_pipelines.ingest.landing.attribution import attributed
from llmops_pipelines.ingest.log_files.lines import LINE_FRAME, Block, Refused, line_frame, too_long
from llmops_pipelines.ingest.log_files.other_providers import of_others
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.privacy.contents import (
    policies,
    redacted_comments,
    with_contents,
    with_documents,
)
from llmops_pipelines.ingest.privacy.forgetting import SPELLINGS
from llmops_pipelines.ingest.privacy.labels import other_spellings, without_people
from llmops_pipelines.ingest.privacy.redaction import Redaction, redact_texts
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import (
    CALL_TEXTS,
    INSTANT,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    STEP_TEXTS,
    Table,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of one file on their way into a batch."""

    file: int
    path: str
    block: Block | Refused
    reading: Reading | None = None
    day: date | None = None
    """What dates records without a time of their own; null where there are none such."""


class Part(NamedTuple):
    """Rows of one part, each with ``file`` (its number in the landing group) and provenance.

    Calls carry their texts. Rejections carry the time of their record (``started_at``) where that
    could be read, else null. ``ignored`` counts, per file, blank lines and records that a format
    declares irrelevant, and how many records there are beyond one a line (``more``).
    ``spellings`` says how older keys would hide users and ids, ``SPELLINGS``.
    """

    calls: pl.DataFrame
    steps: pl.DataFrame
    feedback: pl.DataFrame
    rejected: pl.DataFrame
    ignored: pl.DataFrame
    spellings: pl.DataFrame


_REJECTED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "file": pl.Int64,
    "source_file": pl.String,
    "source_line": pl.Int64,
    "source_record": pl.Int64,
    "feature": pl.String,
    "reason": pl.String,
    "record_digest": pl.String,
    "size": pl.Int64,
    "lines": pl.Int64,
    "started_at": INSTANT,
}
_NO_DATE: Final = pl.lit(None, pl.String)
_RUN: Final = 2**20
"""Blocks are cut into lines together up to this many bytes."""

_IGNORED: Final = {"file": pl.Int64, "ignored": pl.Int64, "more": pl.Int64}
_LINES: Final = dict(LINE_FRAME) | {
    "file": pl.Int64,
    "source_file": pl.String,
    "date": pl.String,
}


def _without_batch(*tables: Table) -> list[str]:
    names = dict.fromkeys(name for table in tables for name in table.schema.names())
    return [name for name in names if name != "batch"]


_CALLS: Final = ["file", *_without_batch(LANDED_CALLS, CALL_TEXTS)]
_STEPS: Final = ["file", *_without_batch(LANDED_STEPS, STEP_TEXTS)]


def read_part(
    connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], options: LandingOptions
) -> Part:
    """Read ``pieces``, those of one reading together, however many files they come from."""
    groups: dict[int, tuple[Reading, list[Piece]]] = {}
    for piece in pieces:
        if piece.reading is not None:
            groups.setdefault(id(piece.reading), (piece.reading, []))[1].append(piece)
    parts = [
        _read_group(
            connection,
            reading,
            [piece for piece in group if isinstance(piece.block, Block)],
            options,
        )
        for reading, group in groups.values()
    ]
    rejected = _refusals(pieces)
    if not parts:
        nothing = pl.DataFrame()
        ignored, spellings = pl.DataFrame(schema=_IGNORED), pl.DataFrame(schema=SPELLINGS)
        return Part(nothing, nothing, nothing, rejected, ignored, spellings)
    calls, steps, feedback, unread, ignored, spellings = (
        pl.concat(frames) for frames in zip(*parts, strict=True)
    )
    return Part(calls, steps, feedback, pl.concat([rejected, unread]), ignored, spellings)


def _read_group(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    pieces: Sequence[Piece],
    options: LandingOptions,
) -> Part:
    return _read_frame(connection, reading, _lines(pieces), options)


def _read_frame(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    lines: pl.DataFrame,
    options: LandingOptions,
    beside: Sequence[pl.DataFrame] = (),
) -> Part:
    """Read ``lines``, those in another format than most of them by themselves.

    Calls and steps ``beside`` them tell of their traces, too.
    """
    fits = pl.col("size") <= options.max_line_bytes
    written = lines.filter(~pl.col("blank"))
    readable = written.filter(fits & pl.col("raw").is_not_null())
    dated = readable if reading.dated_by_file else readable.with_columns(date=_NO_DATE)
    read = _records(dated, reading)
    rows = read_lines(connection, read.records.select("n", "raw"), reading, options.limits)
    others = of_others(rows, read, readable, reading)
    if others.height:
        beside = [*beside, rows.calls, rows.steps]
    apart = [
        _read_frame(
            connection,
            FORMATS[name].reading(),
            lines.join(theirs, on="n", how="semi", maintain_order="left"),
            options,
            beside,
        )
        for (name,), theirs in others.sort("format").group_by("format", maintain_order=True)
    ]
    if apart:
        rows, read = _without(others, rows, read)
        lines, written, readable = (
            frame.join(others, on="n", how="anti", maintain_order="left")
            for frame in (lines, written, readable)
        )
    of_line = lines.select("n", "file", "source_file", "size", source_line="line", own="digest")
    where = (
        read.records.select("n", "line", "digest", source_record="record")
        .join(of_line.rename({"n": "line"}), on="line", how="left", maintain_order="left")
        .with_columns(
            record_digest=pl.coalesce("digest", "own"), source_format=pl.lit(reading.format)
        )
        .drop("line", "digest", "own")
    )

    found = (*_of_traces(rows, beside), rows.feedback)
    spellings = other_spellings(found, options.hash_key, options.old_keys)
    calls, steps, feedback = (
        without_people(frame, options.hash_key, options.redaction) for frame in found
    )

    def placed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(where, on="n", how="left", maintain_order="left").drop("n")

    unread = written.join(readable.select("n"), on="n", how="anti").select(
        "n",
        reason=pl.when(~fits)
        .then(
            pl.col("size").map_elements(
                lambda size: too_long(size, options.max_line_bytes), pl.String
            )
        )
        .otherwise(pl.lit("line: is not UTF-8; write logs as UTF-8")),
    )
    whole_lines = pl.concat([unread, read.misfits.rename({"line": "n"})]).join(
        of_line, on="n", how="left"
    )
    rejected = pl.concat(
        [
            placed(rows.rejected),
            whole_lines.drop("n").with_columns(
                source_record=pl.lit(0, pl.Int64), record_digest="own"
            ),
        ],
        how="diagonal",
    )
    own = Part(
        _landed_calls(placed(calls), options),
        _landed_steps(placed(steps), options),
        _landed_feedback(placed(feedback), options),
        _landed_rejections(rejected, options.redaction),
        _ignored(lines, read),
        spellings,
    )
    if not apart:
        return own
    return Part(*(pl.concat(frames) for frames in zip(own, *apart, strict=True)))


def _without(others: pl.DataFrame, rows: Rows, read: Unpacked) -> tuple[Rows, Unpacked]:
    """What was read, without what stands on the lines ``others``."""
    line = others.select(line="n")
    records, ignored, misfits = (
        frame.join(line, on="line", how="anti", maintain_order="left") for frame in read
    )
    kept = records.select("n")
    of_lines = Rows(*(each.join(kept, on="n", how="semi", maintain_order="left") for each in rows))
    return of_lines, Unpacked(records, ignored, misfits)


def _of_traces(rows: Rows, beside: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Calls and steps with what their trace says of them, as far as these lines hold it.

    Whatever the rest of a trace brings is taken over when the day is put together; but a feature
    decides what may be kept of a text, and that has to be known before anything is written.
    """
    if rows.steps.is_empty() and not beside:
        return rows.calls, rows.steps
    names, trace = [*INHERITED, "user_id"], [rows.calls, rows.steps, *beside]
    return inherit(rows.calls, trace, names), inherit(rows.steps, trace, names)


def _records(readable: pl.DataFrame, reading: Reading) -> Unpacked:
    """The records on ``readable`` lines: one a line, unless the format unpacks them."""
    if reading.unpack is not None:
        return unpack_lines(readable, reading.unpack)
    nothing = unpack_lines(readable.clear(), lambda _: ())
    records = readable.select("n", line="n", record=pl.lit(0, pl.Int64), digest="digest", raw="raw")
    return nothing._replace(records=records)


def _ignored(lines: pl.DataFrame, read: Unpacked) -> pl.DataFrame:
    """Per file, what counts for nothing, and how many records its lines hold beyond one each."""
    held = read.records.group_by("line").agg(count=pl.len().cast(pl.Int64))
    counted = pl.concat([held, read.ignored]).group_by("line").agg(pl.col("count").sum())
    ignored = read.ignored.rename({"count": "ignored"})
    return (
        lines.select("file", "blank", line="n")
        .join(counted, on="line", how="left")
        .join(ignored, on="line", how="left")
        .group_by("file")
        .agg(
            ignored=pl.col("blank").sum().cast(pl.Int64) + pl.col("ignored").sum(),
            more=(pl.col("count") - 1).sum(),
        )
    )


def _lines(pieces: Sequence[Piece]) -> pl.DataFrame:
    """All lines of ``pieces``, numbered by ``n``."""
    frames = [pl.DataFrame(schema=_LINES)]
    frames += [_lines_of(run) for run in _runs(pieces)]
    return pl.concat(frames, rechunk=False).with_columns(n=pl.int_range(pl.len(), dtype=pl.Int64))


def _runs(pieces: Sequence[Piece]) -> Iterator[list[tuple[Piece, Block]]]:
    """``pieces`` in order, the small ones of many tiny files together."""
    run: list[tuple[Piece, Block]] = []
    held = 0
    for piece in pieces:
        if isinstance(piece.block, Block):
            run.append((piece, piece.block))
            held += len(piece.block.data)
            if held >= _RUN:
                yield run
                run, held = [], 0
    if run:
        yield run


def _lines_of(run: Sequence[tuple[Piece, Block]]) -> pl.DataFrame:
    counts = np.array([block.lines for _, block in run], dtype=np.int64)
    before = np.cumsum(counts) - counts
    first = np.array([block.first_line for _, block in run], dtype=np.int64)
    line = np.arange(counts.sum(), dtype=np.int64) + np.repeat(first - before, counts)
    places = pl.DataFrame(
        [(piece.file, piece.path, piece.day and f"{piece.day}T00:00:00Z") for piece, _ in run],
        schema={name: _LINES[name] for name in ("file", "source_file", "date")},
        orient="row",
    )
    data = b"".join(block.data for _, block in run)
    return line_frame(Block(data, 1, len(line))).with_columns(
        pl.Series("line", line), *places[np.repeat(np.arange(len(run)), counts)]
    )


def _landed_calls(calls: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    calls = attributed(calls, options.features).with_columns(
        feature=pl.col("feature").fill_null(UNATTRIBUTED),
        call_id=pl.coalesce("call_id", "record_digest"),
        user_hash=hidden(calls["user_id"], options.hash_key),
        user_key=pl.when(pl.col("user_id").is_not_null()).then(pl.lit(options.key_id)),
    )
    owners = {name: options.features.of(name).team for name in calls["feature"].unique().to_list()}
    owner = pl.col("feature").replace_strict(owners, return_dtype=pl.String, default=None)
    calls = calls.with_columns(
        trace_id=pl.coalesce("trace_id", "call_id"),
        team=pl.coalesce("team", owner),
        tool_call_count=pl.col("tool_calls").list.len().cast(pl.Int32),
    )
    return with_contents(calls, options.features, options.redaction).select(_CALLS)


def _landed_steps(steps: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    steps = attributed(steps, options.features).with_columns(
        step_id=pl.coalesce("call_id", "record_digest"),
        feature=pl.col("feature").fill_null(UNATTRIBUTED),
        user_hash=hidden(steps["user_id"], options.hash_key),
        user_key=pl.when(pl.col("user_id").is_not_null()).then(pl.lit(options.key_id)),
    )
    return with_documents(steps, options.features, options.redaction).select(_STEPS)


def _landed_feedback(feedback: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    policy = policies(feedback["feature"].fill_null(UNATTRIBUTED), options.features)
    return feedback.with_columns(
        redacted_comments(feedback["comment"], policy, options.redaction),
        feedback_id=pl.coalesce("call_id", "record_digest"),
        call_id="about_call",
        given_at="started_at",
    ).select("file", *_without_batch(LANDED_FEEDBACK))


def _landed_rejections(rejected: pl.DataFrame, redaction: Redaction) -> pl.DataFrame:
    return rejected.with_columns(
        redact_texts(rejected["feature"].fill_null(UNATTRIBUTED), redaction),
        reason=redact_texts(rejected["reason"], redaction),
        lines=pl.lit(1, pl.Int64),
    ).select(list(_REJECTED))


def hidden(users: pl.Series, key: bytes) -> pl.Series:
    """The keyed hash of each user: HMAC-SHA256, first 16 hex digits; null stays null."""
    return keyed_hashes(users, key, 16).alias("user_hash")


def _refusals(pieces: Sequence[Piece]) -> pl.DataFrame:
    """Lines that were never held in memory, and whole files, as rejections."""
    rows = [
        (
            piece.file,
            piece.path,
            block.line,
            0,
            UNATTRIBUTED,
            block.reason,
            block.digest,
            block.size,
            block.lines,
            None,
        )
        for piece in pieces
        if isinstance(block := piece.block, Refused)
    ]
    return pl.DataFrame(rows, schema=_REJECTED, orient="row")
