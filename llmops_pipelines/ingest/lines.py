"""Streams of bytes cut into blocks of whole lines, and blocks into frames of lines."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from llmops_pipelines.ingest.digests import text_digests
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
    lines: int = 1
    """How many lines it stands for: more than one where a whole file is refused."""


class _Carried:
    """The beginning of a line that goes on: held, or, once too long, only its size and digest."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._pieces: list[bytes] = []
        self._digest = hashlib.sha256()
        self._digested = 0
        self._begins = b""

    @property
    def is_long(self) -> bool:
        """Whether it is longer than the limit, even without a carriage return at its end."""
        return self.size > self._limit + 1

    def add(self, piece: bytes) -> None:
        """Carry ``piece`` on."""
        self._begins = self._begins or piece[:16]
        self._pieces.append(piece)
        self.size += len(piece)
        if self.is_long:
            self._shrink(keep=1)

    def with_rest(self, rest: bytes) -> bytes:
        """All that is carried, and ``rest``."""
        return b"".join([*self._pieces, rest])

    def refused(self, line: int, reason: str) -> Refused:
        """The line as refused; its digest leaves out a carriage return at its end."""
        end = b"".join(self._pieces).removesuffix(b"\r")
        self._digest.update(end)
        size = self._digested + len(end)
        return Refused(line, size, self._digest.hexdigest()[:32], reason, self._begins)

    def _shrink(self, keep: int) -> None:
        """Digest all but the last ``keep`` bytes, which may turn out to be the line's ending."""
        held = b"".join(self._pieces)
        self._digest.update(held[:-keep])
        self._digested += len(held) - keep
        self._pieces = [held[-keep:]]


def too_long(size: int, limit: int) -> str:
    """Why a line of ``size`` bytes is refused."""
    return f"line: has {size:,} bytes, more than the {limit:,} that are read; log long texts apart"


def read_blocks(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[Block | Refused]:
    """Cut ``chunks`` into blocks of whole lines, never holding much more than ``max_line_bytes``.

    A byte-order mark is dropped. Where the chunks end in a DamagedFileError, what is left of the
    last line (be it nothing) is one refused line that says so.
    """
    line, carried = 1, _Carried(max_line_bytes)
    try:
        for chunk in _without_mark(chunks):
            rest = chunk
            if carried.is_long and (end := rest.find(b"\n")) >= 0:
                carried.add(rest[:end])
                yield carried.refused(line, too_long(carried.size, max_line_bytes))
                line, carried, rest = line + 1, _Carried(max_line_bytes), rest[end + 1 :]
            if not carried.is_long and (cut := rest.rfind(b"\n") + 1):
                data = carried.with_rest(rest[:cut])
                count = data.count(b"\n")
                yield Block(data, line, count)
                line, carried, rest = line + count, _Carried(max_line_bytes), rest[cut:]
            carried.add(rest)
    except DamagedFileError as error:
        reason = f"file: {error}; the lines before are kept, {error.remedy}"
        yield carried.refused(line, reason)
        return
    if carried.is_long:
        yield carried.refused(line, too_long(carried.size, max_line_bytes))
    elif carried.size:
        yield Block(carried.with_rest(b"\n"), line, 1)


def of_few_lines(block: Block, count: int) -> Iterator[Block]:
    """``block`` in blocks of at most ``count`` lines: a line costs memory, however short it is."""
    if block.lines <= count:
        yield block
        return
    ends = np.flatnonzero(np.frombuffer(block.data, dtype=np.uint8) == _NEWLINE) + 1
    start = 0
    for first in range(0, block.lines, count):
        few = min(count, block.lines - first)
        stop = int(ends[first + few - 1])
        yield Block(block.data[start:stop], block.first_line + first, few)
        start = stop


LINE_FRAME: Final = pl.Schema(
    {"line": pl.Int64, "size": pl.Int64, "digest": pl.String, "raw": pl.String, "blank": pl.Boolean}
)
"""One row per line; ``raw`` is null where the line is no UTF-8."""


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
    blank = (raw.str.strip_chars_start().str.len_bytes() == 0).fill_null(value=False)
    ended = pl.DataFrame({"line": pl.Series(binary), "size": stops - starts})
    written = ended.select(pl.col("line").bin.slice(0, pl.col("size"))).to_series()
    return pl.DataFrame(
        {
            "line": np.arange(block.first_line, block.first_line + len(ends), dtype=np.int64),
            "size": (stops - starts).astype(np.int64),
            "digest": text_digests(written, 32),
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
