"""Parquet and CSV files as lines of JSON: a row is a line, its number the row's, from 1."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmops_pipelines.ingest.files import DamagedFileError, most_bytes
from llmops_pipelines.ingest.lines import Block, Refused, too_long

_ROWS: Final = 4_000
_SPOOLED: Final = 64 * 2**20
_COLUMNS: Final = 10_000
_SWELLING: Final = 1_000
_SWOLLEN: Final = 64 * 2**20
_BATCH_BYTES: Final = 64 * 2**20
_HELD: Final = 256 * 2**20
PARQUET: Final = b"PAR1"


class NoTableError(ValueError):
    """A file looks like a table and is none."""


def parquet_blocks(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[Block | Refused]:
    """The rows of a Parquet file; the file is spooled to disk, rows are read some at a time.

    Raises:
        NoTableError: It is no whole Parquet file, or unpacks to more than is read.
    """
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spooled:
        try:
            for chunk in chunks:
                spooled.write(chunk)
            size = spooled.tell()
            spooled.seek(0)
            table = _opened(spooled)
            _refuse_bombs(table.metadata, max_line_bytes)
        except (pa.ArrowException, DamagedFileError, OSError) as error:
            raise NoTableError("is no whole Parquet file; export it again") from error
        yield from _blocks(_parquet_rows(table, most_bytes(size)), max_line_bytes)


def csv_blocks(
    chunks: Iterator[bytes], max_line_bytes: int, head: bytes
) -> Iterator[Block | Refused]:
    """The rows of a CSV file with a header, as objects of text; empty cells are left out.

    Cells are parted by commas, or by semicolons, tabs or bars where the header (the first line of
    ``head``) holds no comma. A row with more cells than the header is refused alone. Where the file
    ends too early, what is missing is one refused line.
    """
    csv.field_size_limit(max_line_bytes)
    lines = io.TextIOWrapper(
        io.BufferedReader(_Stream(chunks)), encoding="utf-8-sig", errors="replace", newline=""
    )
    rows = csv.reader(lines, strict=True, delimiter=_mark(head))
    yield from _blocks(_csv_rows(rows), max_line_bytes)


def _mark(head: bytes) -> str:
    """What parts the cells: a comma, unless the header has none and one of the others."""
    header = head.partition(b"\n")[0]
    others = [mark for mark in (";", "\t", "|") if mark.encode() in header]
    return others[0] if others and b"," not in header else ","


def _opened(file: IO[bytes]) -> pq.ParquetFile:
    """The file, whose repeated texts stay as short as they are stored: a text once, and numbers."""
    names = [field.name for field in pq.read_schema(file) if _is_text(field.type)]
    file.seek(0)
    return pq.ParquetFile(file, read_dictionary=names)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _refuse_bombs(metadata: pq.FileMetaData, max_line_bytes: int) -> None:
    """Refuse what a small file declares and no memory holds, before anything is unpacked.

    Raises:
        NoTableError: With what was declared, and what is read.
    """
    if metadata.num_columns > _COLUMNS:
        raise NoTableError(
            f"declares {metadata.num_columns:,} columns, more than the {_COLUMNS:,} that are read;"
            " export the ones that describe the call"
        )
    for place in range(metadata.num_row_groups):
        group = metadata.row_group(place)
        chunks = [group.column(column) for column in range(metadata.num_columns)]
        rows, size = group.num_rows, sum(chunk.total_uncompressed_size for chunk in chunks)
        if size > max(rows * max_line_bytes, _HELD):
            raise NoTableError(
                f"declares {size:,} bytes in the {rows:,} rows of row group {place}, more than the"
                f" {max_line_bytes:,} a row that are read; log long texts apart"
            )
        for chunk in chunks:
            packed, unpacked = chunk.total_compressed_size, chunk.total_uncompressed_size
            if unpacked > _SWOLLEN and unpacked > _SWELLING * packed:
                raise NoTableError(
                    f"declares that {packed:,} bytes of column {chunk.path_in_schema} unpack to"
                    f" {unpacked:,}, more than {_SWELLING:,} times as many; export it again"
                )


def _parquet_rows(table: pq.ParquetFile, most: int) -> Iterator[dict[str, Any] | Refused]:
    """The rows, until their repeated texts have ``most`` bytes together."""
    row = size = 0
    try:
        for batch in table.iter_batches(batch_size=_ROWS):
            size += _text_bytes(batch)
            if size > most:
                left = table.metadata.num_rows - row
                reason = f"file: its texts unpack to more than {most:,} bytes; log long texts apart"
                yield _refused(row + 1, reason)._replace(lines=left)
                return
            for part in _of_size(batch):
                for record in part.to_pylist():
                    row += 1
                    yield record
    except (pa.ArrowException, OSError, ValueError) as error:
        yield _refused(row + 1, f"row: cannot be read ({type(error).__name__}); export it again")


def _of_size(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """``batch`` in parts of about ``_BATCH_BYTES`` of text, of one row at least."""
    if batch.num_rows < 2 or _text_bytes(batch) <= _BATCH_BYTES:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _of_size(batch.slice(0, half))
    yield from _of_size(batch.slice(half))


def _text_bytes(batch: pa.RecordBatch) -> int:
    """How long the texts become that are stored once for many rows."""
    return sum(
        pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
        for column in batch.columns
        if pa.types.is_dictionary(column.type)
    )


def _csv_rows(rows: Iterator[list[str]]) -> Iterator[dict[str, Any] | Refused]:
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except DamagedFileError as error:
            yield _refused(number + 1, f"file: {error}; the rows before are kept")
            return
        except csv.Error as error:
            number += 1
            yield _refused(number, f"row: is no CSV ({error}); quote its cells as RFC 4180 says")
            continue
        if not cells:
            continue
        if header is None:
            header = cells
            continue
        number += 1
        if len(cells) > len(header):
            yield _refused(
                number,
                f"row: has {len(cells)} cells, the header {len(header)}; quote cells with commas",
            )
            continue
        yield {name: cell for name, cell in zip(header, cells, strict=False) if cell != ""}


def _blocks(
    rows: Iterator[dict[str, Any] | Refused], max_line_bytes: int
) -> Iterator[Block | Refused]:
    held: list[bytes] = []
    first, size = 1, 0
    for number, row in enumerate(rows, start=1):
        line = row if isinstance(row, Refused) else _line(number, row, max_line_bytes)
        if isinstance(line, Refused) or len(held) == _ROWS or size > max_line_bytes:
            if held:
                yield Block(b"\n".join([*held, b""]), first, len(held))
            held, size = [], 0
        if isinstance(line, Refused):
            yield line
        else:
            first = number if not held else first
            held.append(line)
            size += len(line)
    if held:
        yield Block(b"\n".join([*held, b""]), first, len(held))


def _line(number: int, row: dict[str, Any], max_line_bytes: int) -> bytes | Refused:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    try:
        line = orjson.dumps(row, default=_plain, option=options)
    except TypeError:
        return _refused(number, "row: holds values that JSON cannot; export them as text")
    if len(line) > max_line_bytes:
        return _refused(number, too_long(len(line), max_line_bytes), len(line))
    return line


def _plain(value: Any) -> Any:
    """What JSON has no word for: bytes as hexadecimal digits, all else as its text."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _refused(row: int, reason: str, size: int = 0) -> Refused:
    return Refused(row, size, "unreadable", reason)


class _Stream(io.RawIOBase):
    """Chunks of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            try:
                self._held = next(self._chunks)
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count
