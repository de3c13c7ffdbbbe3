"""The records of a file, whatever they mean, each as a line of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

import duckdb

from llmops_pipelines.formats import connect, objects_in, split_document
from llmops_pipelines.ingest.log_files.enclosed import printed_objects
from llmops_pipelines.ingest.log_files.files import Content, DamagedFileError, foreign
from llmops_pipelines.ingest.log_files.lines import (
    Block,
    Refused,
    line_frame,
    read_blocks,
    sample_lines,
    too_long,
)
from llmops_pipelines.ingest.log_files.parquet_bounds import NoTableError
from llmops_pipelines.ingest.log_files.tabular import PARQUET, csv_blocks, parquet_blocks

_DOCUMENT_BYTES: Final = 64 * 2**20
_SAMPLE_LINES: Final = 100
_HEAD: Final = 2**16
_CSV: Final = re.compile(r"\.(csv|tsv)(\.(gz|zst))?$", re.IGNORECASE)


def record_blocks(content: Content, max_line_bytes: int) -> Iterator[Block | Refused]:
    """The records of ``content``, each a line of JSON with its number, from 1.

    Lines of JSON are read as they stand. The elements of one JSON array, an object written over
    several lines (both up to 64 MB), and the rows of a CSV (its cells are texts) or Parquet file
    are records, too. What is no text, or begins like an array and is none, is one refusal.

    Raises:
        OSError: The file cannot be read any more.
    """
    head, chunks = peeked(content.chunks())
    alien = foreign(head)
    try:
        if head.startswith(PARQUET):
            yield from parquet_blocks(chunks, max_line_bytes)
        elif alien:
            yield _refused(f"file: is {alien}; records are lines of JSON, an array, CSV or Parquet")
        elif is_csv(content.file.path):
            yield from csv_blocks(chunks, max_line_bytes, head)
        else:
            yield from _texts(content, chunks, max_line_bytes)
    except NoTableError as error:
        yield _refused(f"file: {error}")


def record_lines(
    content: Content, max_line_bytes: int
) -> Iterator[tuple[int, str | None] | Refused]:
    """``record_blocks`` one by one, blank lines left out; null text where it is no UTF-8."""
    for block in record_blocks(content, max_line_bytes):
        if isinstance(block, Refused):
            yield block
        else:
            lines = line_frame(block)
            yield from lines.filter(~lines["blank"]).select("line", "raw").iter_rows()


def _texts(
    content: Content, chunks: Iterator[bytes], max_line_bytes: int
) -> Iterator[Block | Refused]:
    blocks = read_blocks(chunks, max_line_bytes)
    first = next(blocks, None)
    if first is None:
        return
    begins = head_of(first).lstrip()[:1]
    sample = [] if isinstance(first, Refused) else sample_lines([first], _SAMPLE_LINES)
    over_lines = begins == b"{" and isinstance(first, Block) and not objects_in(sample[:1])
    if begins == b"[" or over_lines:
        records = document_records(connect(), content)
        if records is not None:
            yield from _as_blocks(records, max_line_bytes)
            return
        if begins == b"[" and not objects_in(sample):
            yield _refused(
                "file: begins like a JSON array and is none: it breaks off, or has more than "
                f"{_DOCUMENT_BYTES // 2**20} MB; export it again, or write one object per line "
                "(jq -c '.[]')"
            )
            return
    yield from chain([first], blocks)


def _as_blocks(records: list[str], max_line_bytes: int) -> Iterator[Block | Refused]:
    """Few blocks: a document is held in memory anyway. Long records are refused one by one."""
    lines = [f"{record}\n".encode() for record in records]
    long = [n for n, line in enumerate(lines) if len(line) > max_line_bytes + 1]
    start = 0
    for end in [*long, len(lines)]:
        if end > start:
            yield Block(b"".join(lines[start:end]), start + 1, end - start)
        if end < len(lines):
            size = len(lines[end]) - 1
            yield Refused(end + 1, size, "", too_long(size, max_line_bytes))
        start = end + 1


def _refused(reason: str) -> Refused:
    return Refused(1, 0, "", reason)


def head_of(block: Block | Refused) -> bytes:
    """The first bytes of a block, enough to tell what a file is."""
    return block.begins if isinstance(block, Refused) else block.data[:_HEAD]


def is_csv(path: str) -> bool:
    """Whether a file's name says that it holds values parted by a mark, packed or not."""
    return _CSV.search(path) is not None


def peeked(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them; damage that shows at once shows again."""
    try:
        first = next(chunks, b"")
    except DamagedFileError as error:
        return b"", _damaged(error)
    return first[:_HEAD], chain([first], chunks)


def document_records(connection: duckdb.DuckDBPyConnection, content: Content) -> list[str] | None:
    """The elements of a file that is one JSON array, or its objects, one after another over lines.

    None if it is neither, and where it is larger than is held.
    """
    pieces, size = [], 0
    try:
        for chunk in content.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > _DOCUMENT_BYTES:
                return None
        text = b"".join(pieces).decode("utf-8-sig")
    except (DamagedFileError, UnicodeDecodeError):
        return None
    if not text.lstrip().startswith(("[", "{")):
        return None
    found = split_document(connection, text)
    return printed_objects(text) if found is None else found


def _damaged(error: DamagedFileError) -> Iterator[bytes]:
    raise error
    yield b""  # makes it an iterator
