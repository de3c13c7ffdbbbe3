"""Lines on their way into a batch: blocks of many files as one frame, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from llmops_pipelines.formats import Reading
from llmops_pipelines.ingest.log_files.lines import LINE_FRAME, Block, Refused, line_frame
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import INSTANT

_RUN: Final = 2**20
"""Blocks are cut into lines together up to this many bytes."""

LINES: Final = LINE_FRAME | {"file": pl.Int64, "source_file": pl.String, "date": pl.String}
"""One row per line, with its file; ``date`` is what dates a record without a time, where known."""

REJECTED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
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
"""One row per record, or run of lines, that no other table holds; ``lines`` says how many lines."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of one file on their way into a batch."""

    file: int
    path: str
    block: Block | Refused
    reading: Reading | None = None
    day: date | None = None
    """What dates records without a time of their own; None where a format has none such."""


def lines_in(pieces: Sequence[Piece]) -> pl.DataFrame:
    """All lines of ``pieces``, numbered by ``n``."""
    frames = [pl.DataFrame(schema=LINES)]
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
        schema={name: LINES[name] for name in ("file", "source_file", "date")},
        orient="row",
    )
    data = b"".join(block.data for _, block in run)
    return line_frame(Block(data, 1, len(line))).with_columns(
        pl.Series("line", line), *places[np.repeat(np.arange(len(run)), counts)]
    )


def refusals_of(pieces: Sequence[Piece]) -> pl.DataFrame:
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
    return pl.DataFrame(rows, schema=REJECTED, orient="row")
