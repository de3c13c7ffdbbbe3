"""A batch's worth of lines to landed rows: read, told apart by format, placed in their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.formats import FORMATS, Reading, Rows, Unpacked, read_lines, unpack_lines
from llmops_pipelines.ingest.day.inheritance import INHERITED, inherit
from llmops_pipelines.ingest.landing.pieces import Piece, lines_in, refusals_of
from llmops_pipelines.ingest.landing.shaping import (
    landed_calls,
    landed_feedback,
    landed_rejections,
    landed_steps,
)
from llmops_pipelines.ingest.log_files.lines import too_long
from llmops_pipelines.ingest.log_files.other_providers import of_others
from llmops_pipelines.ingest.log_files.own_lines import own_lines
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.privacy.forgetting import SPELLINGS
from llmops_pipelines.ingest.privacy.labels import other_spellings, without_people


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


_NO_DATE: Final = pl.lit(None, pl.String)
_IGNORED: Final = {"file": pl.Int64, "ignored": pl.Int64, "more": pl.Int64}


def read_part(
    connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], options: LandingOptions
) -> Part:
    """Read ``pieces``, those of one reading together, however many files they come from."""
    groups: dict[int, tuple[Reading, list[Piece]]] = {}
    for piece in pieces:
        if piece.reading is not None:
            groups.setdefault(id(piece.reading), (piece.reading, []))[1].append(piece)
    parts = [
        _read_frame(connection, reading, lines_in(group), options)
        for reading, group in groups.values()
    ]
    rejected = refusals_of(pieces)
    if not parts:
        nothing = pl.DataFrame()
        ignored, spellings = pl.DataFrame(schema=_IGNORED), pl.DataFrame(schema=SPELLINGS)
        return Part(nothing, nothing, nothing, rejected, ignored, spellings)
    calls, steps, feedback, unread, ignored, spellings = (
        pl.concat(frames) for frames in zip(*parts, strict=True)
    )
    return Part(calls, steps, feedback, pl.concat([rejected, unread]), ignored, spellings)


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
    readable = lines.filter(~pl.col("blank"), ~_is_unread(options.max_line_bytes))
    dated = readable if reading.dated_by_file else readable.with_columns(date=_NO_DATE)
    read = _records(dated, reading)
    rows = read_lines(connection, read.records.select("n", "raw"), reading, options.limits)
    rows, read = _without_own(own_lines(rows, read, readable, reading), rows, read)
    others = of_others(rows, read, readable, reading)
    if others.is_empty():
        return _part_of(lines, read, rows, reading, options, beside)
    beside = [*beside, rows.calls, rows.steps]
    parts = [
        _read_frame(
            connection,
            FORMATS[name].reading(),
            lines.join(theirs, on="n", how="semi", maintain_order="left"),
            options,
            beside,
        )
        for (name,), theirs in others.sort("format").group_by("format", maintain_order=True)
    ]
    rows, read = _without(others, rows, read)
    lines = lines.join(others, on="n", how="anti", maintain_order="left")
    own = _part_of(lines, read, rows, reading, options, beside)
    return Part(*(pl.concat(frames) for frames in zip(own, *parts, strict=True)))


def _part_of(
    lines: pl.DataFrame,
    read: Unpacked,
    rows: Rows,
    reading: Reading,
    options: LandingOptions,
    beside: Sequence[pl.DataFrame],
) -> Part:
    """What was ``read`` of ``lines``, and the ``rows`` of its records, as rows that land."""
    of_line = lines.select("n", "file", "source_file", "size", source_line="line", own="digest")
    where = (
        read.records.select("n", "line", "digest", source_record="record")
        .join(of_line.rename({"n": "line"}), on="line", how="left", maintain_order="left")
        .with_columns(
            record_digest=pl.coalesce("digest", "own"), source_format=pl.lit(reading.format)
        )
        .drop("line", "digest", "own")
    )

    def placed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(where, on="n", how="left", maintain_order="left").drop("n")

    found = (*_of_traces(rows, beside), rows.feedback)
    spellings = other_spellings(found, options.hash_key, options.old_keys)
    calls, steps, feedback = (
        placed(without_people(frame, options.hash_key, options.redaction)) for frame in found
    )
    unread = pl.concat(
        [_unread(lines, options.max_line_bytes), read.misfits.rename({"line": "n"})]
    ).join(of_line, on="n", how="left")
    whole_lines = unread.drop("n").with_columns(
        source_record=pl.lit(0, pl.Int64), record_digest="own"
    )
    rejected = pl.concat([placed(rows.rejected), whole_lines], how="diagonal")
    return Part(
        landed_calls(calls, options),
        landed_steps(steps, options),
        landed_feedback(feedback, options),
        landed_rejections(rejected, options.redaction),
        _ignored(lines, read),
        spellings,
    )


def _is_unread(most_bytes: int) -> pl.Expr:
    return (pl.col("size") > most_bytes) | pl.col("raw").is_null()


def _unread(lines: pl.DataFrame, most_bytes: int) -> pl.DataFrame:
    """``n`` and ``reason`` of the lines that are too long, or no text."""
    long = pl.col("size").map_elements(lambda size: too_long(size, most_bytes), pl.String)
    return lines.filter(~pl.col("blank"), _is_unread(most_bytes)).select(
        "n",
        reason=pl.when(pl.col("size") > most_bytes)
        .then(long)
        .otherwise(pl.lit("line: is not UTF-8; write logs as UTF-8")),
    )


def _without_own(own: pl.Series, rows: Rows, read: Unpacked) -> tuple[Rows, Unpacked]:
    """What was read, where the lines ``own`` count for nothing."""
    if own.is_empty():
        return rows, read
    rows, read = _without(own.to_frame(), rows, read)
    ignored = pl.DataFrame({"line": own, "count": 1}, schema=read.ignored.schema)
    return rows, read._replace(ignored=pl.concat([read.ignored, ignored]))


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
