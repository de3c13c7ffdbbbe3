"""Streams of bytes cut into blocks of whole lines, and blocks into frames of lines."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from llmops_pipelines.ingest.files import DamagedFileError

_NEWLINE, _RETURN = 10, 13


class Block(NamedTuple):
    """Whole lines of one file, each ending in a newline, and the number of the first, from 1."""

    data: bytes
    first_line: int
    lines: int


class Refused(NamedTuple):
    """A line that is not held in memory, or is cut off by the end of a damaged file."""

    line: int
    size: int
    digest: str
    reason: str
    begins: bytes = b""


class _Held:
    """A line too long to hold: its length and digest, without its line ending."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._returned = False
        self._begins = b""

    def add(self, piece: bytes) -> None:
        if not piece:
            return
        if self._returned:
            self._digest.update(b"\r")
        self._returned = piece.endswith(b"\r")
        self._digest.update(piece[:-1] if self._returned else piece)
        self._begins = self._begins or piece[:16]
        self.size += len(piece)

    def refused(self, line: int, reason: str) -> Refused:
        size = self.size - self._returned
        return Refused(line, size, self._digest.hexdigest()[:32], reason, self._begins)


def too_long(size: int, limit: int) -> str:
    """Why a line of ``size`` bytes is refused."""
    return (
        f"line: has {size:,} bytes, more than the {limit:,} that are read; log long texts apart, or raise"
        " max_line_bytes"
    )


def read_blocks(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[Block | Refused]:
    """Cut ``chunks`` into blocks of whole lines; memory stays near ``max_line_bytes`` whatever comes.

    A byte-order mark is dropped. Where the chunks end in a DamagedFileError, what is left of the
    last line (be it nothing) is one refused line that says so.
    """
    line, carried, size = 1, list[bytes](), 0
    held: _Held | None = None
    damage = ""
    source = _without_mark(chunks)
    while True:
        try:
            chunk = next(source)
        except StopIteration:
            break
        except DamagedFileError as error:
            damage = str(error)
            break
        if held is not None:
            end = chunk.find(b"\n")
            held.add(chunk if end < 0 else chunk[:end])
            if end < 0:
                continue
            yield held.refused(line, too_long(held.size, max_line_bytes))
            held, line, chunk = None, line + 1, chunk[end + 1 :]
        if cut := chunk.rfind(b"\n") + 1:
            data = b"".join([*carried, chunk[:cut]])
            count = data.count(b"\n")
            yield Block(data, line, count)
            line, carried, size = line + count, [], 0
        if rest := chunk[cut:]:
            carried.append(rest)
            size += len(rest)
        if size > max_line_bytes + 1:  # one more for a carriage return
            held = _Held()
            for piece in carried:
                held.add(piece)
            carried, size = [], 0
    if damage:
        held = held or _Held()
        for piece in carried:
            held.add(piece)
        yield held.refused(
            line, f"file: {damage}; the lines before are kept, put the whole file back"
        )
    elif held is not None:
        yield held.refused(line, too_long(held.size, max_line_bytes))
    elif carried:
        yield Block(b"".join([*carried, b"\n"]), line, 1)


LINE_FRAME: Final = pl.Schema(
    {"line": pl.Int64, "size": pl.Int64, "digest": pl.String, "raw": pl.String, "blank": pl.Boolean}
)
"""One row per line. ``raw`` is null where the line is no UTF-8; ``digest`` is null for blank lines."""


def line_frame(block: Block) -> pl.DataFrame:
    """The lines of ``block`` as a ``LINE_FRAME``; the text is not copied line by line."""
    data = np.frombuffer(block.data, dtype=np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    stops = ends - ((ends > starts) & (data[ends - 1] == _RETURN))
    offsets = np.append(starts, len(data)).astype(np.int64)
    binary = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block.data)]
    )
    raw = _decoded(pl.Series("raw", binary))
    blank = raw.str.contains(r"^\s*$").fill_null(value=False)
    view = memoryview(block.data)
    digests = [
        hashlib.sha256(view[start:stop]).hexdigest()[:32]
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    ]
    return pl.DataFrame(
        {
            "line": np.arange(block.first_line, block.first_line + len(ends), dtype=np.int64),
            "size": (stops - starts).astype(np.int64),
            "digest": pl.Series(digests, dtype=pl.String),
            "raw": raw,
            "blank": blank,
        },
        schema=LINE_FRAME,
    )


def sample_lines(blocks: Iterable[Block | Refused], count: int) -> list[str]:
    """The first ``count`` lines that are not blank, as text."""
    found: list[str] = []
    for block in blocks:
        start = 0
        while isinstance(block, Block) and start < len(block.data) and len(found) < count:
            end = block.data.index(b"\n", start)
            if line := block.data[start:end].strip():
                found.append(line.decode("utf-8", "replace"))
            start = end + 1
    return found


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _decoded(raw: pl.Series) -> pl.Series:
    try:
        return raw.cast(pl.String)
    except pl.exceptions.ComputeError:  # somewhere in the block: find out where
        return pl.Series("raw", [_text(line) for line in raw], dtype=pl.String)


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
